"""The clock of an inquiry, evolved from its events; pure."""
