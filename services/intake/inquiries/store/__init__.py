"""From rows to a thread, and back to rows and facts."""
