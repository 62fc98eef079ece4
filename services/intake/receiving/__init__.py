"""A delivery's way in: webhooks, and what was kept aside."""
