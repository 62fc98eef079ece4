"""Puts open clocks under the policy that this process was started with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import structlog
from prometheus_client import Counter

from services.sla.deadlines.store.deadlines import under_another_version
from services.sla.deadlines.usecases.apply_policy import apply_policy
from services.sla.promises.versions import PolicyVersions
from services.sla.timers.isolation import together_or_each
from services.sla.timers.offsets import OffsetsNow, consumed, ends_of, known
from shared.bus.port import Partition
from shared.db import Database
from shared.runtime.clock import Clock

AGAIN_SECONDS = 60.0
"""Longer than a transaction may take that began under the policy before."""

log = structlog.get_logger()


class NewPolicy:
    def __init__(
        self,
        *,
        database: Database,
        policy_versions: PolicyVersions,
        clock: Clock,
        batch: int,
        offsets: OffsetsNow,
        on_recorded: Callable[[], None],
        put_off: Counter,
    ) -> None:
        """`batch` clocks share a transaction. `put_off` counts those that could not be moved."""
        self._database = database
        self._policy_versions = policy_versions
        self._clock = clock
        self._batch = batch
        self._offsets = offsets
        self._on_recorded = on_recorded
        self._put_off = put_off
        self._in_force = False
        self._ends: Mapping[Partition, int] | None = None
        self._again_at: float | None = None
        self.applied = asyncio.Event()

    async def is_applied(self) -> bool:
        """Apply it, once, when all facts are in that were on the bus; whether that has been done.

        A minute later once more: what others were just writing under the policy before. Raises
        DatabaseUnavailableError.
        """
        seconds = asyncio.get_running_loop().time()
        if not self.applied.is_set():
            if not await self._facts_are_in():
                return False
            await self._apply()
            self._again_at = asyncio.get_running_loop().time() + AGAIN_SECONDS
            self.applied.set()
        elif self._again_at is not None and seconds >= self._again_at:
            await self._apply()
            self._again_at = None
        return True

    async def _facts_are_in(self) -> bool:
        if not self._in_force:
            await self._database.write(self._policy_versions.activate_own, now=self._clock.now())
            self._in_force = True
        offsets = await known(self._offsets)
        if self._ends is None and offsets is not None:
            self._ends = ends_of(offsets)
        return self._ends is not None and consumed(self._ends, offsets)

    async def _apply(self) -> None:
        moved, after = 0, None
        while clocks := await self._database.read(
            under_another_version,
            policy_version=self._policy_versions.current.key,
            after=after,
            limit=self._batch,
        ):
            after = clocks[-1]
            moved += await self._apply_to(clocks)
            self._on_recorded()
        if moved:
            log.info("policy.adopted", edition=self._policy_versions.current.key, moved=moved)

    async def _apply_to(self, clocks: Sequence[UUID]) -> int:
        """How many of them moved. One that cannot be counted again stays as it is."""
        now = self._clock.now()

        async def move(those: Sequence[UUID]) -> int:
            return await self._database.write(
                apply_policy, those, policy_versions=self._policy_versions, now=now
            )

        async def those() -> Sequence[UUID]:
            return clocks

        async def stays(_inquiry_id: UUID) -> int:
            self._put_off.inc()
            return 0

        return await together_or_each(
            lambda: move(clocks), clocks=those, each=lambda each: move([each]), failed=stays
        )
