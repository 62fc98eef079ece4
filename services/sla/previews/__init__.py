"""What a policy means: the calendar, a deadline in advance, another policy tried on the past."""
