# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rate, dropped frames and jitter as the state machine sees them, and the bounds that it derives."""

from __future__ import annotations

import pytest

from failsafe_drive import PERIOD, Drive, ok_drive
from trustseg.bounds import SECOND
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
    ("drop_one_in", "state"),
    [(30, State.OK), (8, State.DEGRADED), (6, State.DEGRADED), (3, State.FAILED), (0, State.OK)],
)
def test_dropped_frames(drop_one_in: int, state: State) -> None:
    drive, worst = Drive(), State.OK
    for index in range(1, 400):
        dropped = drop_one_in and index % drop_one_in == 0
        snapshot = drive.send(step=PERIOD * (2 if dropped else 1))
        if index > 60:
            worst = max(worst, snapshot.state)
    assert worst is state


def test_jitter_of_half_a_period_is_neither_slow_nor_dropped() -> None:
    drive = ok_drive()
    for index in range(200):
        assert drive.send(step=PERIOD + (PERIOD // 2 if index % 2 else -PERIOD // 2)).state is State.OK
