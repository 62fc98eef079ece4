"""Which desk an inquiry belongs to, and why."""
