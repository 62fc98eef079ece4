"""Intake: no inquiry is lost.

Owns       contacts and their identities, conversations, messages with their versions and files,
           inquiries and their ends, own posts, the quarantine
Publishes  inquiry.received, .message_added, .message_edited, .message_withdrawn, .answered, .held,
           .reply_withdrawn, .own_post_seen, .closed
Listens to todo.created, .claimed, .released, .rerouted, .completed, .dismissed, .reopened;
           deadline.started, .moved (for the form's pages)
Promises   what was answered with 2xx is on disk and will be told to the other services;
           a message sent twice is one message; the first answer to an Idempotency-Key is repeated;
           each message is covered by exactly one inquiry, each end by who could have seen it
"""
