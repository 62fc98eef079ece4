"""Sla: the promise is kept, or its breach is known.

Owns       the clock of every promised inquiry: facts, deadline, warnings, breaches; the calendar
Publishes  deadline.started, .moved, .warning, .breached, .met, .cancelled
Listens to inquiry.received, .message_added, .answered, .held, .reply_withdrawn, .closed
           todo.created, .rerouted, .claimed, .completed, .dismissed, .reopened
           relay.caught_up
Promises   a deadline is what the policy says, to the second, and can be explained;
           each warning and breach is told exactly once, also what fell due while nobody ran;
           who asked for it is told outside the desk, too, and a failed try is repeated for days;
           an answer in time is in time, a late one is late, whenever they are heard of;
           what was taken back is as if it had never been, but what was told stays told
"""
