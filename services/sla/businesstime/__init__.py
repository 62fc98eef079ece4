"""Business time: calendars, opening hours, holidays; pure."""
