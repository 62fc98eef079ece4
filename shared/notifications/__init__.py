"""Notifies those outside the desk: stores deliveries, sends them, notes what came of it.

Each service that notifies has a queue of its own, the table `notification_deliveries`, and says
itself what it notifies about: its kinds of the policy file, and the bodies.
"""
