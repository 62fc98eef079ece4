"""Texts and names: one spelling, nothing unseen, and wording for people."""
