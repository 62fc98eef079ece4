"""Intake's routes. `webhooks` and `inquiries` accept messages and are on the hot path, so they are
plain Starlette routes, documented in OpenAPI by hand; the rest is ordinary FastAPI.
"""
