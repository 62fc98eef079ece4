"""The tables of the sla service.

`deadlines` holds one row per inquiry: the present state, projected from `clock_events`, which are
only ever added; `hand_overs` holds a second deadline where the technical desk owes or owed one.
`sent_notices` remembers which warnings and breaches went out, so that each goes
out once. `policy_versions` keeps every promise and calendar that a clock was ever counted by. In
the database these have their older names.
`heard` (`progress` here) says until when everything is on the bus that other services recorded.
`notification_deliveries` holds what has to go out, and is the log of what became of it.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
)

from shared.db.types import Utc, new_metadata
from shared.messaging.dead_letters import dead_letters_table
from shared.messaging.inbox import inbox_table
from shared.messaging.outbox import outbox_table
from shared.notifications.table import notification_deliveries_table

metadata = new_metadata()
outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
dead_letters = dead_letters_table(metadata)
notification_deliveries = notification_deliveries_table(metadata)

_SCHEDULED = Column("next_action_at").is_not(None)
_DUE = Column("due_at").is_not(None)

deadlines = Table(
    "deadlines",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("conversation_id", Uuid, nullable=False),
    # awaited (events came before the inquiry), best_effort, or a DeadlineState.
    Column("state", String(16), nullable=False),
    Column("channel", String(40)),
    Column("desk", String(40)),
    Column("contact_id", Uuid),
    Column("hashtags", Text),
    Column("edition", String(32), key="policy_version"),
    Column("promise", String(200)),
    Column("target", String(16)),
    Column("received_at", Utc),
    Column("received_week", String(8)),
    Column("due_at", Utc),
    Column("next_action_at", Utc),
    Column("window_ends_at", Utc),
    Column("breached_at", Utc),
    Column("answered_at", Utc),
    Column("cancelled_at", Utc),
    Column("cancel_reason", String(40)),
    Column("answer_business_seconds", BigInteger),
    Column("answer_wall_seconds", BigInteger),
    # The inquiry of which this one turned out to be a part: it counts in no report.
    Column("merged_into", Uuid),
    # How it stands by what was published, as long as the row says something else.
    Column("said", Text, key="published"),
    Index(
        "ix_deadlines_next_action_at",
        "next_action_at",
        postgresql_where=_SCHEDULED,
        sqlite_where=_SCHEDULED,
    ),
    Index("ix_deadlines_due", "due_at", "inquiry_id", postgresql_where=_DUE, sqlite_where=_DUE),
    Index(
        "ix_deadlines_state_due",
        "state",
        "due_at",
        "inquiry_id",
        postgresql_where=_DUE,
        sqlite_where=_DUE,
    ),
    Index("ix_deadlines_received_at", "received_at"),
)

hand_overs = Table(
    "hand_overs",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("breached_at", Utc),
    Column("taken_over_at", Utc),
    # As in `deadlines`; the JSON `null` says that nothing was published yet.
    Column("said", Text, key="published"),
)

# Only of inquiries that a desk handed to another; all others are at the desk of their row.
desk_moves = Table(
    "desk_moves",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("at", Utc, primary_key=True),
    Column("from_desk", String(64), nullable=False),
    Column("desk", String(64), nullable=False),
)

clock_events = Table(
    "clock_facts",
    metadata,
    Column("inquiry_id", Uuid, nullable=False),
    Column("fact_id", Uuid, key="event_id", nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", Utc, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("inquiry_id", "event_id"),
    sqlite_with_rowid=False,
)

sent_notices = Table(
    "told",
    metadata,
    Column("inquiry_id", Uuid, nullable=False),
    Column("key", String(100), nullable=False),
    Column("at", Utc, nullable=False),
    PrimaryKeyConstraint("inquiry_id", "key"),
    sqlite_with_rowid=False,
)

policy_versions = Table(
    "editions",
    metadata,
    Column("key", String(32), primary_key=True),
    Column("document", Text, nullable=False),
    Column("first_used_at", Utc, nullable=False),
    # The latest one is the policy of every instance, whatever it was started with.
    Column("in_force_since", Utc),
)

progress = Table(
    "heard",
    metadata,
    Column("service", String(20), primary_key=True),
    Column("until", Utc, nullable=False),
)
