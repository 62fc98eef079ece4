"""Every query of the sla service; each takes a transaction and returns plain values."""
