"""What a ToDo is, and how it ends; pure."""
