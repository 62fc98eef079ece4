"""Router: the right people get it.

Owns       ToDos with their decisions, messages to read and history; what is known of deadlines
Publishes  todo.created, .claimed, .released, .rerouted, .completed, .dismissed
Listens to inquiry.received, .message_added, .answered, .held, .closed; every deadline fact
Promises   one ToDo per inquiry; every decision names the words that made it; what is unsure or a
           suspected violation of the netiquette waits until a person has decided
"""
