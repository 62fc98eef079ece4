"""Which facts about ToDos somebody outside the desk is notified of, and what it says."""
