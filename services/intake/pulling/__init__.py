"""What nobody pushes is fetched: mailboxes, notifications, comments."""
