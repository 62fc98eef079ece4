"""What counts as a label, and what counts of decisions say: pure."""
