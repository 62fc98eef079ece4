"""Recorded deliveries of platforms, each with what must become of it.

    python -m tests.support.webhook_cases FOLDER [--kafka] [NAMES...]

starts a desk, sends each case of the folder to a channel of its own, and compares what the desk
has then. A name is that of a case or of its folder. Prints a line for each case that failed, then
how many are as expected; exits 1 if any failed. `--kafka`: the desk runs on PostgreSQL and Kafka.
"""
