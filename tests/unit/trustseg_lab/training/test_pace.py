# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A run of minutes, by a clock that the test turns: it ends in time, its rate ends at zero, and it can be resumed."""

from __future__ import annotations

import pytest

from trustseg_lab.training.config import OptimSection
from trustseg_lab.training.pace import LOOKS, MOST_RESERVE, Pace, timed_rate

OPTIM = OptimSection(epochs=1, lr=1e-3, decay_from=0.5)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_reading_is_paid_for_and_the_last_look_ends_in_time() -> None:
    clock = Clock()
    pace = Pace(10.0, clock)
    clock.now += 60.0  # reading
    pace.begin(last_look=40.0)
    assert pace.progress() == 0.0
    clock.now += 250.0  # half of 600 - 60 - 40
    assert pace.progress() == pytest.approx(0.5)
    clock.now += 250.0
    assert pace.progress() == 1.0
    assert pace.spent() == 560.0


def test_a_look_that_takes_longer_than_expected_brings_the_end_forward() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    pace.begin(last_look=2.0)
    assert not pace.due()
    clock.now += 58.0 / LOOKS
    assert pace.due()
    clock.now += 10.0
    pace.looked(10.0)
    assert not pace.due()
    clock.now = 100.0 + 50.0
    assert pace.progress() == 1.0


def test_an_expected_look_that_is_too_long_leaves_half_for_steps() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    pace.begin(last_look=1e6)
    clock.now += 15.0
    assert pace.progress() == pytest.approx(15.0 / (60.0 * (1 - MOST_RESERVE)))


def test_a_resumed_run_has_what_was_left_and_its_rate_does_not_rise_again() -> None:
    clock = Clock()
    first = Pace(10.0, clock)
    clock.now += 60.0
    first.begin(0.0)
    clock.now += 405.0
    state = first.state()
    assert state == {"spent": 465.0, "done": pytest.approx(0.75)}
    clock.now += 5000.0  # interrupted
    second = Pace(10.0, clock)
    second.resume(state)
    clock.now += 35.0  # reads again
    second.begin(0.0)
    assert second.progress() == pytest.approx(0.75)
    clock.now += 50.0
    assert second.progress() == pytest.approx(0.875)
    clock.now += 50.0
    assert second.progress() == 1.0


def test_minutes_that_are_gone_with_reading_leave_no_step() -> None:
    clock = Clock()
    pace = Pace(1.0, clock)
    clock.now += 61.0
    pace.begin(5.0)
    assert pace.progress() == 1.0


def test_the_rate_is_warm_after_its_steps_or_a_tenth_and_ends_at_zero() -> None:
    assert timed_rate(0, 10, 0.0, OPTIM) == pytest.approx(1e-4)
    assert timed_rate(9, 10, 0.0, OPTIM) == pytest.approx(1e-3)
    assert timed_rate(0, 1000, 0.05, OPTIM) == pytest.approx(5e-4)
    assert timed_rate(20, 1000, 0.1, OPTIM) == pytest.approx(1e-3)
    assert timed_rate(500, 10, 0.5, OPTIM) == pytest.approx(1e-3)
    assert timed_rate(500, 10, 0.75, OPTIM) == pytest.approx(5e-4)
    assert timed_rate(500, 10, 1.0, OPTIM) == pytest.approx(0.0)
    flat = OPTIM.model_copy(update={"decay_from": 1.0})
    assert timed_rate(500, 10, 1.0, flat) == pytest.approx(1e-3)
