"""Identifiers: UUID version 7 (RFC 9562), so that new rows lie side by side in an index."""

from __future__ import annotations

from uuid import UUID

import uuid_utils.compat


def new_id() -> UUID:
    return uuid_utils.compat.uuid7()
