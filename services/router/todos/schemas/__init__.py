"""The HTTP bodies of ToDos."""
