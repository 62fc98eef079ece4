"""One database per service: `Database` runs a verb in one transaction, on SQLite or PostgreSQL."""

from shared.db.database import Database, DatabaseUnavailableError, Read, Reader, Write
from shared.db.open import open_database, open_reader

__all__ = [
    "Database",
    "DatabaseUnavailableError",
    "Read",
    "Reader",
    "Write",
    "open_database",
    "open_reader",
]
