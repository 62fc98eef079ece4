from alembic import context

from services.intake.tables import metadata
from shared.db.migrate import run_in_environment

run_in_environment(context, "intake", metadata)
