"""ToDos: everything about them."""
