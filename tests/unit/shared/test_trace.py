"""One trace id travels; a traceparent that is none begins a new one."""

from __future__ import annotations

import asyncio

import pytest

from shared.runtime.trace import continued, current_traceparent, new_traceparent, trace_id, tracing


def test_a_span_of_our_own_in_the_same_trace() -> None:
    given = new_traceparent()
    ours = continued(given)
    assert len(ours) == len(given) == 55
    assert trace_id(ours) == trace_id(given)
    assert ours[36:52] != given[36:52]


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "x",
        "01-" + "a" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "a" * 32 + "-" + "0" * 16 + "-01",
        "00-" + "A" * 32 + "-" + "b" * 16 + "-01",
        "00-" + "a" * 32 + "-" + "b" * 16 + "-01\n",
        "00-" + "a" * 32 + "-" + "b" * 16 + "-01-more",
    ],
)
def test_what_is_no_traceparent(given: str | None) -> None:
    ours = continued(given)
    assert trace_id(ours) not in (given or "")
    assert continued(ours)[:36] == ours[:36]


async def test_each_piece_of_work_has_its_own() -> None:
    async def work(traceparent: str) -> str:
        with tracing(traceparent):
            await asyncio.sleep(0)
            return current_traceparent()

    mine = [new_traceparent() for _ in range(3)]
    assert await asyncio.gather(*map(work, mine)) == mine
    assert current_traceparent() == ""
