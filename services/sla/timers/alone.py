"""What one clock does to a transaction must not hold up the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from uuid import UUID

import structlog
from prometheus_client import Counter

from shared.db import DatabaseUnavailableError
from shared.runtime.error_text import described

log = structlog.get_logger()

Work = Callable[[UUID], Awaitable[int]]


class Alone:
    """Works on many clocks together, or on each alone when one of them spoils it for all."""

    def __init__(self, put_off: Counter) -> None:
        """`put_off` counts the clocks that could not be worked on."""
        self._put_off = put_off

    async def or_each(
        self,
        together: Callable[[], Awaitable[int]],
        *,
        clocks: Callable[[], Awaitable[Iterable[UUID]]],
        alone: Work,
        spoiled: Work,
    ) -> int:
        """What `together` counts; when it fails, the sum of `alone`, and `spoiled` for a failure.

        Raises DatabaseUnavailableError: that is nobody's fault.
        """
        try:
            return await together()
        except DatabaseUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 - whose failure it is, is found out one by one
            log.warning("timers.batch_failed", reason=described(error))
        return sum([await self._alone(each, alone, spoiled) for each in await clocks()])

    async def _alone(self, inquiry_id: UUID, work: Work, spoiled: Work) -> int:
        try:
            return await work(inquiry_id)
        except DatabaseUnavailableError:
            raise
        except Exception as error:
            self._put_off.inc()
            said = {"inquiry_id": str(inquiry_id), "reason": described(error)}
            log.exception("timers.clock_put_off", **said)
        return await spoiled(inquiry_id)
