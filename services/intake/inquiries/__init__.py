"""How conversations, inquiries, and their ends come together: what needs more than the hot path.

A verb locks the conversation, loads what the decision needs (`store.loading`), lets the domain
decide, then stores what changed and records the facts (`store.storing`).
"""
