"""Random stories of conversations, and what must hold at their end by the rules alone.

`story` writes them, `oracle` says how they end, `invariants` judges any outcome. Nothing here knows
the code of the services: a driver tells a story to them and hands back an `Outcome`.
"""
