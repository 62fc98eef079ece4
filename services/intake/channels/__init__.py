"""What comes in on each channel, and what does not any more: for those who operate the desk."""
