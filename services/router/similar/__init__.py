"""The answer that was given before: answered inquiries that are like this one."""
