"""Router: the right people get it.

Owns       ToDos with their decisions, messages to read and history; what is known of deadlines;
           absences of people
Publishes  todo.created, .claimed, .released, .rerouted, .completed, .dismissed, .reopened
Listens to inquiry.received, .message_added, .message_edited, .message_withdrawn, .answered, .held,
           .reply_withdrawn, .own_post_seen, .closed; every deadline fact
Promises   one ToDo per inquiry, ended by what happened first; every decision names the words that
           made it; what is unsure or a suspected violation of the netiquette waits until a person
           has decided; subscribers outside are notified of what happens to a desk's ToDos
"""
