"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import shared.db.types

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
# An expansion names the migration before it, or an older one that programs still in use end with.
oldest_program = ${repr(up_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
