"""What the sla service says of a ToDo's deadline."""
