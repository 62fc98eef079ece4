"""A running service: assembly, checks, loops, settings, clock."""
