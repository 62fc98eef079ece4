"""The sla service's line of schema changes."""

from alembic import context

from services.sla.tables import metadata
from shared.db.migrate import run_in_environment

run_in_environment(context, "sla", metadata)
