"""What members of the staff write with accounts of their own: personal views, which ask nothing and
answer nothing. They are shown in their conversation.
"""

from __future__ import annotations

from services.intake.inquiries.domain.message import Incoming
from services.intake.inquiries.store import queries as rows
from services.intake.inquiries.store.storing import WriteContext
from services.intake.inquiries.usecases import conversations
from services.intake.inquiries.usecases.edits import Edit, edit
from services.intake.inquiries.usecases.placing import conversation_of, insert_message
from services.intake.inquiries.usecases.posts import settle
from shared.db import Write


def keep_view(tx: Write, view: Incoming, *, context: WriteContext) -> None:
    """Store it with neither inquiry nor contact; a repeat changes nothing."""
    name = {"channel": view.channel, "external_id": view.external_id}
    if rows.message_removed(tx, **name) is not None:
        return
    conversation = conversation_of(tx, view, context)
    if rows.message_named(tx, **name) is not None:
        return
    withdrawn_at = conversations.withdrawn_before(tx, **name)
    insert_message(tx, view, conversation, contact_id=None, kind="staff", withdrawn_at=withdrawn_at)
    # Others may wait for it as their parent.
    settle(tx, conversation, external_id=view.external_id, context=context)


def edit_view(tx: Write, change: Edit, *, context: WriteContext) -> None:
    """Give it its new words; one that has not come yet comes with them."""
    if rows.message_named(tx, **change.name) is None:
        keep_view(tx, change.incoming, context=context)
    else:
        edit(tx, change, context=context)
