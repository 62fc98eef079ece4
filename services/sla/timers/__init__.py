"""The loop that tells warnings and breaches when they are due, up to the watermark."""
