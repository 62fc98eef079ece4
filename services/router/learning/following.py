"""The version that decides in this process, and the one that only watches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import structlog
from prometheus_client import Counter, Gauge

from services.router.deciding.model.file import BadModelError, from_bytes
from services.router.deciding.model.learned import Seat, Version
from services.router.learning.store import models
from shared.db import Read, Write
from shared.messaging.consumer import Handler, Listener
from shared.messaging.envelope import Envelope
from shared.runtime.telemetry import Metrics

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    version: Gauge
    unusable: Counter
    trainings: Counter

    @classmethod
    def of(cls, metrics: Metrics) -> ModelMetrics:
        return cls(
            metrics.gauge("desk_router_model", "The version that decides; 0: the lexicon alone."),
            metrics.counter("desk_router_models_unusable", "Versions that could not be used."),
            metrics.counter("desk_router_trainings", "Trainings by what came of them.", "outcome"),
        )


@dataclass(slots=True)
class Followed:
    """`wanted` is what the database has named, `version` what is in use; None where it is unusable
    or there is none.
    """

    wanted: int | None = None
    version: Version | None = None
    problem: str | None = None


class Following:
    """Takes over what is current, as often as it is asked. Not shared between event loops."""

    def __init__(self, seat: Seat, metrics: ModelMetrics, *, decides: bool) -> None:
        """`decides`: otherwise the current version only watches."""
        self._seat = seat
        self._metrics = metrics
        self._decides = decides
        self._current = Followed()
        self._watching = Followed()
        self._begun = False

    def without_versions(self) -> Following:
        """The same, that never looks: the lexicon alone decides."""
        self._begun = True
        return self

    @property
    def problem(self) -> str | None:
        """What is wrong with the version that should decide, for health."""
        return self._current.problem

    @property
    def current(self) -> int | None:
        """The number of the version that is in use as the current one."""
        return None if self._current.version is None else self._current.version.number

    @property
    def versions(self) -> Sequence[Version]:
        """Those of which it is of interest what they would decide."""
        found = (self._current.version, self._watching.version)
        return [each for each in found if each is not None]

    def before(self, listener: Listener) -> Listener:
        """The same listener, that does not decide before it has looked which version does."""

        def first(handler: Handler) -> Handler:
            def handle(tx: Write, envelopes: Sequence[Envelope]) -> None:
                if not self._begun:
                    self.take_over(tx)
                handler(tx, envelopes)

            return handle

        handlers: Mapping[str, Handler] = {
            name: first(handler) for name, handler in listener.handlers.items()
        }
        return replace(listener, handlers=handlers)

    def take_over(self, tx: Read) -> None:
        """Take over what the database names now; a few bytes where nothing has changed."""
        self._current = self._taken(tx, models.current(tx), self._current)
        self._watching = self._taken(tx, models.watching(tx), self._watching)
        self._seat.current = self._current.version if self._decides else None
        number = self._seat.current.number if self._seat.current is not None else 0
        self._metrics.version.set(number)
        self._begun = True

    def _taken(self, tx: Read, wanted: int | None, before: Followed) -> Followed:
        if wanted == before.wanted:
            return before
        if wanted is None:
            return Followed()
        data = models.data_of(tx, wanted)
        try:
            model = from_bytes(data or b"")
        except BadModelError as bad:
            self._metrics.unusable.inc()
            log.warning("model.unusable", service="router", version=wanted, reason=str(bad))
            return Followed(wanted, None, f"version {wanted} of the model cannot be used: {bad}")
        log.info("model.in_use", service="router", version=wanted)
        return Followed(wanted, Version(wanted, model))
