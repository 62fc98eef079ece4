"""The cheap first look of a new clock is never later than what the clock owes."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.sla.businesstime.counting import Counting
from services.sla.clocks.notices import first_due
from tests.unit.sla.builders import at, berlin, pending_notices, promise, start, terms_of

_FIRST = at("2026-01-01 00:00")


@given(
    st.integers(0, 365 * 86_400),
    st.sampled_from(list(Counting)),
    st.integers(1, 200),
    st.none() | st.integers(0, 100),
)
def test_first_due_is_never_late(
    second: int, counting: Counting, hours: int, window: int | None
) -> None:
    received = _FIRST + timedelta(seconds=second)
    started = start(
        promise(counting, timedelta(hours=hours)),
        berlin(),
        received,
        window_ends_at=None if window is None else received + timedelta(hours=window),
    )
    notices = pending_notices((started,), received)
    moments = [notice.at for notice in notices.due]
    if notices.next_action_at is not None:
        moments.append(notices.next_action_at)
    assert first_due(started, terms_of(started.policy_version, started.promise)) <= min(moments)


def test_first_due_is_the_first_warning_of_an_ordinary_clock() -> None:
    started = start(promise(), berlin(), at("2026-03-02 10:00"))
    assert first_due(started, terms_of(started.policy_version, started.promise)) == at(
        "2026-03-02 16:00"
    )
