"""A policy file, checked and read back in sentences."""
