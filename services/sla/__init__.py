"""Sla: the promise is kept, or its breach is known.

Owns       the clock of every promised inquiry: events, deadline, warnings, breaches; the calendar
Publishes  deadline.started, .moved, .warning, .breached, .met, .cancelled
Listens to inquiry.received, .message_added, .answered, .held, .reply_withdrawn, .closed
           todo.created, .rerouted, .claimed, .completed, .dismissed, .reopened
           relay.caught_up
Promises   a deadline is what the policy says, to the second, and can be explained;
           each warning and breach is published exactly once, also what fell due while nobody ran;
           subscribers outside are notified, too, and a failed attempt is repeated for days;
           an answer in time is in time, a late one is late, whenever the facts arrive;
           what was taken back is as if it had never been, but what was published stays published
"""
