"""Deadlines: rows, facts, and their projection from a clock's events."""
