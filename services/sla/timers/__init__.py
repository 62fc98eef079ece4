"""The loop that tells warnings and breaches when they are due, and what it needs."""
