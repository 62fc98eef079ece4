"""The verbs of ToDos; one function is one transaction."""
