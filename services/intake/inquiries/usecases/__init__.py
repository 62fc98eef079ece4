"""The verbs of inquiries; one function is one transaction."""
