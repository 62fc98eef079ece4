"""The router's tables.

A ToDo row is narrow, because every list walks these rows; what the customer wrote is in
`todo_messages`, in one column, so that forgetting a person is one update.

A row of `deadlines` is where the two topics meet: the inquiry's fact and its deadline's facts
come in any order and perhaps on two instances at once. Both write this row first, so one waits for
the other and then sees what it did. The due time is copied into the ToDo for the lists.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    Uuid,
    false,
    text,
)

from shared.db.types import Json, Utc, new_metadata
from shared.messaging.dead_letters import dead_letters_table
from shared.messaging.inbox import inbox_table
from shared.messaging.outbox import outbox_table
from shared.notifications.table import notification_deliveries_table

# A ToDo without a due time: sorts last, and an index on (due_at, id) can be walked from any place.
NEVER = datetime(9999, 12, 31, tzinfo=UTC)

metadata = new_metadata()

outbox = outbox_table(metadata)
inbox = inbox_table(metadata)
dead_letters = dead_letters_table(metadata)
notification_deliveries = notification_deliveries_table(metadata)

todos = Table(
    "todos",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("inquiry_id", Uuid, nullable=False, unique=True),
    Column("conversation_id", Uuid, nullable=False),
    Column("channel", String(64), nullable=False),
    Column("desk", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("assignee", Text),
    # The key that claimed it: it may go on acting for the assignee.
    Column("claimed_through", Text),
    # What was decided at the start; a rerouted ToDo keeps it.
    Column("first_desk", String(64), nullable=False),
    # SQLite does not look at the length, and would have to copy the table to change it.
    Column("kind", String(20).with_variant(String(10), "sqlite"), nullable=False),
    Column("confidence", Float, nullable=False),
    # The rule, or what weighed the words; NULL for what was decided before it was kept.
    Column("decided_by", String(40)),
    # ISO 639-1, of a text in another language than the desk's.
    Column("language", String(3)),
    # The kind that an unsure one more probably is.
    Column("leaning", String(20)),
    Column("reasons", Json, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("due_at", Utc, nullable=False),
    Column("follow_up_at", Utc),
    Column("ended_at", Utc),
    Column("ended_by", Text),
    Column("ended_by_key_name", Text),
    Column("dismiss_reason", String(20)),
    # Until when what a desk had decided was taken back.
    Column("reopened_at", Utc),
    # The inquiry turned out to be part of this other one.
    Column("merged_into", Uuid),
    # When somebody of ours last wrote on the platform what nobody has classified yet.
    Column("own_post_at", Utc),
    # When what the customer wrote was removed.
    Column("removed_at", Utc),
    # When words went because the platform's terms demand it, open or not.
    Column("words_removed_at", Utc),
    Column("message_count", Integer, nullable=False),
    # One more with each change that a person sees.
    Column("version", Integer, nullable=False, server_default=text("1")),
    # As many changes of its deadline are in the version.
    Column("deadline_changes", Integer, nullable=False, server_default=text("0")),
    # By receipt, then id; where every message has left, one that is there no more.
    Column("latest_message_id", Uuid, nullable=False),
    Index("ix_todos_conversation", "conversation_id"),
    Index("ix_todos_due", "due_at", "id"),
    Index("ix_todos_state_due", "state", "due_at", "id"),
    Index("ix_todos_desk_state_due", "desk", "state", "due_at", "id"),
    Index("ix_todos_received", "received_at", "id"),
    Index("ix_todos_state_received", "state", "received_at", "id"),
    Index("ix_todos_desk_state_received", "desk", "state", "received_at", "id"),
)
# Partial: they cost nothing until somebody takes the ToDo.
for _name, _moment in (
    ("ix_todos_assignee", todos.c.due_at),
    ("ix_todos_assignee_received", todos.c.received_at),
):
    Index(
        _name,
        todos.c.assignee,
        todos.c.state,
        _moment,
        todos.c.id,
        postgresql_where=todos.c.assignee.is_not(None),
        sqlite_where=todos.c.assignee.is_not(None),
    )

messages = Table(
    "todo_messages",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("message_id", Uuid, primary_key=True),
    Column("received_at", Utc, nullable=False),
    # {"subject"?, "text"}; NULL after an erasure.
    Column("content", Json),
    # Where a person reads it on the channel.
    Column("url", Text),
    # When the customer last changed it, and took it back.
    Column("edited_at", Utc),
    Column("withdrawn_at", Utc),
)

ends = Table(
    "todo_ends",
    metadata,
    Column("todo_id", Uuid, primary_key=True),
    # The reply's message, or the event that reported it.
    Column("key", Uuid, primary_key=True),
    # answered, held, withdrawn, own_post, completed, dismissed, closed
    Column("kind", String(10), nullable=False),
    Column("at", Utc, nullable=False),
    Column("by", Text, nullable=False),
    Column("key_name", Text),
    Column("reason", String(20)),
    Column("follow_up_at", Utc),
    Column("revision", Integer, nullable=False),
    Column("final", Boolean, nullable=False),
)

# Few ends are that, and the report is of them alone.
_MODERATED = ends.c.reason.in_(("netiquette", "spam"))
Index(
    "ix_todo_ends_moderated",
    ends.c.at,
    ends.c.reason,
    postgresql_where=_MODERATED,
    sqlite_where=_MODERATED,
)

# A message that moved: whether it is `here`, by the last report. Without a row it is where it
# came in.
moves = Table(
    "todo_moves",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("message_id", Uuid, primary_key=True),
    Column("told_at", Utc, nullable=False),
    Column("here", Boolean, nullable=False),
)

# What people decided at the review desk; of several the latest counts. Whoever learns reads them.
verdicts = Table(
    "todo_verdicts",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("at", Utc, primary_key=True),
    # technical, general, netiquette, spam, no_answer_needed
    Column("kind", String(20), nullable=False),
    # Where the inquiry went; NULL when it was dismissed.
    Column("desk", String(64)),
    Column("by", Text, nullable=False),
    Index("ix_todo_verdicts_at", "at"),
)

# The first of two verdicts, as long as a second person has not decided.
pending_verdicts = Table(
    "todo_pending_verdicts",
    metadata,
    Column("todo_id", Uuid, primary_key=True),
    Column("verdict", String(20), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Utc, nullable=False),
    Column("key_name", Text, nullable=False),
)

# That a customer objected to a dismissal; what became of it, the ToDo says.
appeals = Table(
    "todo_appeals",
    metadata,
    Column("todo_id", Uuid, primary_key=True),
    Column("at", Utc, primary_key=True),
    # The reason of the dismissal, and when that was.
    Column("dismissed_for", String(20), nullable=False),
    Column("dismissed_at", Utc, nullable=False),
    # Which desk looks at it.
    Column("desk", String(64)),
    Index("ix_todo_appeals_at", "at"),
)

absences = Table(
    "absences",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("person", Text, nullable=False, unique=True),
    Column("begins_at", Utc, nullable=False),
    Column("ends_at", Utc, nullable=False),
    Column("substitute", Text),
    Column("set_by", Text, nullable=False),
    Column("key_name", Text, nullable=False),
    Column("set_at", Utc, nullable=False),
    # When what the person had went back to the desks, or to the substitute.
    Column("handed_on_at", Utc),
)

deadlines = Table(
    "deadlines",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    # All NULL until the first fact about a deadline arrives.
    Column("state", String(10)),
    Column("target", String(20)),
    Column("due_at", Utc),
    Column("warning", String(80)),
    Column("told_at", Utc),
    # How often what is shown of it has changed.
    Column("changes", Integer, nullable=False, server_default=text("0")),
)

history = Table(
    "todo_history",
    metadata,
    Column(
        "id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("todo_id", Uuid, nullable=False),
    Column("at", Utc, nullable=False),
    Column("who", Text, nullable=False),
    # The API key that acted; NULL for what the desk itself did, and for lines of before.
    Column("key_name", Text),
    Column("as_supervisor", Boolean, nullable=False, server_default=false()),
    Column("what", String(40), nullable=False),
    Column("why", Text),
    Index("ix_todo_history_todo_id", "todo_id", "id"),
)

# What answers say, as intake tells it; which of them stands is in `todo_ends`.
answers = Table(
    "similar_answers",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("message_id", Uuid, primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("recorded_at", Utc, nullable=False),
    Column("text", Text, nullable=False),
)

# The index of answered questions (docs/decisions/similar-questions.md).
questions = Table(
    "similar_questions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("inquiry_id", Uuid, nullable=False, unique=True),
    # What is compared: the subject and the newest messages, at most 1,000 characters.
    Column("question", Text, nullable=False),
    # Of the keys; 0 while they are not made yet.
    Column("format", Integer, nullable=False),
    # Its keys in `similar_postings`, each four bytes, so that they can be taken out again.
    Column("packed_keys", LargeBinary),
    # A number that was given to another question would bring that one's keys.
    sqlite_autoincrement=True,
)
Index(
    "ix_similar_questions_waiting",
    questions.c.id,
    postgresql_where=questions.c.format == 0,
    sqlite_where=questions.c.format == 0,
)

postings = Table(
    "similar_postings",
    metadata,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("question_id", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# One row: how often what occurs, and how far a reindex is.
similar_state = Table(
    "similar_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("questions", Integer, nullable=False),
    Column("counts", LargeBinary),
    # The ToDo up to which a reindex has come; NULL when none is under way.
    Column("reindexed_to", Uuid),
)

# That somebody looked for similar questions, and how many were shown at the most.
lookups = Table(
    "similar_lookups",
    metadata,
    Column("todo_id", Uuid, primary_key=True),
    Column("first_at", Utc, nullable=False),
    Column("shown", Integer, nullable=False),
)

reuses = Table(
    "similar_reuses",
    metadata,
    Column("todo_id", Uuid, primary_key=True),
    # Whose answer was reused.
    Column("inquiry_id", Uuid, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("by", Text, nullable=False),
    Column("key_name", Text),
    Index("ix_similar_reuses_inquiry_id", "inquiry_id"),
)

# Whose an inquiry was, as people's decisions say; derived from ToDo and history, and no words.
labels = Table(
    "labels",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("received_at", Utc, nullable=False),
    Column("kind", String(20), nullable=False),
    # NULL for a kind that gets no answer.
    Column("desk", String(64)),
    # moved, verdict, ended
    Column("source", String(10), nullable=False),
    Column("weight", Float, nullable=False),
    Column("at", Utc, nullable=False),
    Index("ix_labels_received", "received_at"),
    Index("ix_labels_at", "at"),
)

models = Table(
    "models",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("created_at", Utc, nullable=False),
    # candidate, current, retired
    Column("state", String(10), nullable=False),
    # labels, lexicon, import
    Column("taught_by", String(10), nullable=False),
    Column("metrics", Json, nullable=False),
    # NULL for one too old to go back to.
    Column("data", LargeBinary),
)

# What a version would have decided that did not decide; counted, never acted on.
shadow_decisions = Table(
    "shadow_decisions",
    metadata,
    Column("inquiry_id", Uuid, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("received_at", Utc, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("desk", String(64), nullable=False),
    Column("confidence", Float, nullable=False),
    Index("ix_shadow_decisions_received", "received_at"),
)

# One row: how far the history is read, who trains, and when it was done last.
learning = Table(
    "learning",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # Lines of the history: up to this one all are read; up to the others all that could be read at
    # that moment, for a transaction under way may still add some before them.
    Column("settled_line", BigInteger, nullable=False),
    Column("marked_line", BigInteger, nullable=False),
    Column("marked_at", Utc),
    Column("read_line", BigInteger, nullable=False),
    # Who trains, and until when nobody else does.
    Column("holder", Uuid),
    Column("leased_until", Utc),
    Column("trained_at", Utc),
    # Since a version was chosen by hand; until somebody trains by hand nothing is promoted.
    Column("chosen_at", Utc),
)
