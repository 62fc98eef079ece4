"""What one clock does to a transaction must not hold up the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import structlog

from shared.db import DatabaseUnavailableError
from shared.runtime.error_text import described

log = structlog.get_logger()


async def together_or_each(
    together: Callable[[], Awaitable[int]],
    *,
    clocks: Callable[[], Awaitable[Iterable[UUID]]],
    each: Callable[[UUID], Awaitable[int]],
    failed: Callable[[UUID], Awaitable[int]],
) -> int:
    """What `together` counts; when it fails, the sum of what `each` counts, and `failed` for a
    clock that fails alone, too.

    Raises DatabaseUnavailableError: that is no clock's fault.
    """
    try:
        return await together()
    except DatabaseUnavailableError:
        raise
    except Exception as error:  # noqa: BLE001 - whose failure it is, is found out one by one
        log.warning("timers.batch_failed", reason=described(error))
    return sum([await _alone(clock, each, failed) for clock in await clocks()])


async def _alone(
    inquiry_id: UUID,
    each: Callable[[UUID], Awaitable[int]],
    failed: Callable[[UUID], Awaitable[int]],
) -> int:
    try:
        return await each(inquiry_id)
    except DatabaseUnavailableError:
        raise
    except Exception as error:
        reason = described(error)
        log.exception("timers.clock_put_off", inquiry_id=str(inquiry_id), reason=reason)
    return await failed(inquiry_id)
