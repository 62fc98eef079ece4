"""What counts as a label."""
