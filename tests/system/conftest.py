"""The desks of the system tests. Each module has a broker of its own: on a shared one the topics
would hold the facts of other desks.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import backing
from tests.support.kafka_broker import Broker
from tests.support.processes import scratch


@pytest.fixture(scope="module")
def desk_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker that a test may kill, and must leave running."""
    with scratch("desk-kafka") as folder, backing.broker(folder) as broker:
        yield broker
        folder.keep = bool(request.session.testsfailed)
