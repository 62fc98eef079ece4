"""The router's verbs: each one transaction, state and facts together."""
