"""Every query of the ToDos."""
