"""One database per service: `Database` runs a verb in one transaction, on SQLite or PostgreSQL."""

from shared.db.database import Database, DatabaseUnavailableError, Read, Write
from shared.db.open import open_database

__all__ = ["Database", "DatabaseUnavailableError", "Read", "Write", "open_database"]
