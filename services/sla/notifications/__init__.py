"""Tells those outside the desk: takes due deliveries, sends them, notes what came of it."""
