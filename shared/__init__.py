"""What two services use and what knows no service's rules. Nothing else may move in here."""
