"""The form for customers at `/form`: pages without script, and the page about what was sent."""
