"""The verbs of the sla service: one function, one transaction, state and outbox rows together."""
