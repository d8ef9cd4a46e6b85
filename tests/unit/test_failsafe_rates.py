"""Rate, dropped frames and jitter as the state machine sees them, and the bounds that it derives."""

from __future__ import annotations

import pytest

from failsafe_drive import BOUNDS, PERIOD, Drive, ok_drive
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.reasons import Reason, State


@pytest.mark.parametrize(("hz", "state"), [(30, State.OK), (25, State.DEGRADED)])
def test_a_low_rate_degrades(hz: int, state: State) -> None:
    drive = ok_drive()
    for _ in range(3 * hz):
        snapshot = drive.send(step=SECOND // hz)
    assert snapshot.state is state
    if state is not State.OK:
        assert snapshot.reasons == Reason.LOW_RATE


@pytest.mark.parametrize(
    ("drop_one_in", "state"), [(30, State.OK), (12, State.DEGRADED), (3, State.FAILED), (0, State.OK)]
)
def test_dropped_frames(drop_one_in: int, state: State) -> None:
    drive, worst = Drive(), State.OK
    for index in range(1, 200):
        dropped = drop_one_in and index % drop_one_in == 0
        snapshot = drive.send(step=PERIOD * (2 if dropped else 1))
        if index > 60:
            worst = max(worst, snapshot.state)
    assert worst is state


def test_jitter_of_half_a_period_is_neither_slow_nor_dropped() -> None:
    drive = ok_drive()
    for index in range(200):
        assert drive.send(step=PERIOD + (PERIOD // 2 if index % 2 else -PERIOD // 2)).state is State.OK


def test_bounds_at_the_rated_rate_and_at_ten_hertz() -> None:
    assert (BOUNDS.age_limit_ns, BOUNDS.detection_ns) == (70 * MS, 100 * MS)
    slow = derive_bounds(SECOND // 10, 50 * MS)
    assert (slow.age_limit_ns, slow.detection_ns) == (250 * MS, 280 * MS)
    assert "age_limit=250.0ms" in slow.describe()
    assert slow.liveliness_lease_ns < slow.age_limit_ns <= slow.verdict_valid_ns


@pytest.mark.parametrize("bad", [(0, 1), (1, 0), (-1, 1)])
def test_bounds_refuse_what_is_not_a_duration(bad: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="above 0 ns"):
        derive_bounds(*bad)
