"""Decided by rules: words with weights."""
