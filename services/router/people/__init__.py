"""Who is absent, and who takes over meanwhile."""
