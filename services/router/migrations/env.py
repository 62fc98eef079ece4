from alembic import context

from services.router import tables
from shared.db.migrate import run_in_environment

run_in_environment(context, "router", tables.metadata)
