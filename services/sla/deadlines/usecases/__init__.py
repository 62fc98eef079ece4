"""The verbs of deadlines; one function is one transaction."""
