"""Every query of the router; each function takes a transaction and returns plain values."""
