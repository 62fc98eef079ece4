"""Accepting messages: the hot path. Requests hand their messages to a group committer, which writes
all that wait with one statement in one transaction and answers each after the commit.
"""
