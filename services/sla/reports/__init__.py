"""How well the promise is kept."""
