"""Every query of the deadlines."""
