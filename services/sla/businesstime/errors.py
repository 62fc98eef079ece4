"""What calendar arithmetic refuses to do, each with a sentence that says what would be right."""


class CalendarError(ValueError):
    """A rule or an argument from which no trustworthy answer can be computed."""


class BeyondHorizonError(CalendarError):
    """The answer lies outside the years for which the calendar was built."""
