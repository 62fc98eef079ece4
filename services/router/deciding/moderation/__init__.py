"""What is no ordinary inquiry: suspected violations of the netiquette, and spam."""
