"""How many examples the properties of clocks and calendars are tried with."""

import os

from hypothesis import settings

settings.register_profile("quick", max_examples=200)
settings.register_profile("thorough", max_examples=2000)
settings.load_profile("thorough" if os.environ.get("CI") else "quick")
