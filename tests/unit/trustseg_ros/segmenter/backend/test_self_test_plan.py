# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""When the golden image runs while frames arrive: often enough whatever a frame costs, and without raising the flag."""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from trustseg.backends.golden import GoldenResult
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import Evidence, FailsafeConfig
from trustseg.failsafe.state_machine import StateMachine
from trustseg.reasons import Outcome, Reason, Severity, State
from trustseg_ros.segmenter.backend.light_network import Network
from trustseg_ros.segmenter.backend.maintenance import BackendMaintenance
from trustseg_ros.segmenter.backend.self_test_plan import AGAIN, EARLY, MARGIN, MOST_POSTPONED, SelfTestPlan
from trustseg_ros.segmenter.supervisor import Supervisor

BOUNDS = derive_bounds(100 * MS, 100 * MS)


def test_room_is_looked_for_early_and_the_place_of_a_frame_is_taken_when_the_period_is_over() -> None:
    plan = SelfTestPlan(60.0, BOUNDS, 0, 30 * MS)
    early = round(EARLY * 60 * SECOND)
    assert not plan.is_due(early - 1)
    assert plan.is_due(early)
    assert not plan.must_be(60 * SECOND - 1)
    assert plan.must_be(60 * SECOND)
    plan.note_test(60 * SECOND, 10 * MS)
    assert not plan.is_due(60 * SECOND)
    assert plan.until_due_ns(61 * SECOND) == early - SECOND


def test_a_test_fits_where_it_adds_no_more_than_the_next_frame_has_left_of_its_budget() -> None:
    now = 60 * SECOND
    plan = SelfTestPlan(60.0, BOUNDS, 0, 40 * MS)
    # The next frame comes in 50 ms, and the test takes 40: nobody waits, however slow frames are.
    plan.note_frame(now - 50 * MS, 99 * MS, now)
    assert plan.fits(now)
    # It comes in 10 ms and waits 30 of them; frames take 60 of 100 ms and so leave 40.
    plan = SelfTestPlan(60.0, BOUNDS, 0, 40 * MS)
    plan.note_frame(now - 90 * MS, 60 * MS, now)
    assert MARGIN * 40 >= 30
    assert plan.fits(now)
    # A slow one among the last ones counts.
    plan.note_frame(now - 90 * MS, 63 * MS, now)
    assert not plan.fits(now)


def test_where_no_frame_is_awaited_a_test_fits() -> None:
    plan = SelfTestPlan(1.0, BOUNDS, 0, 90 * MS)
    assert plan.fits(SECOND)
    plan.note_frame(SECOND, 90 * MS, SECOND + 90 * MS)
    assert not plan.fits(SECOND + 90 * MS)
    # The stream has been silent for so long that the flag is up.
    assert plan.fits(SECOND + 90 * MS + BOUNDS.age_limit_ns + 1)


def test_the_usual_interval_counts_and_not_the_declared_one() -> None:
    plan = SelfTestPlan(1.0, BOUNDS, 0, 90 * MS)
    for at in range(5):
        plan.note_frame(at * 200 * MS, 80 * MS, at * 200 * MS + 80 * MS)
    assert plan.fits(4 * 200 * MS + 80 * MS)  # 120 ms until the next one


def test_one_slow_test_does_not_put_off_the_next_for_ever() -> None:
    plan = SelfTestPlan(1.0, BOUNDS, 0, 60 * MS)
    plan.note_test(SECOND, 900 * MS)
    plan.note_frame(2 * SECOND, 90 * MS, 2 * SECOND + 90 * MS)
    assert plan.fits_in_place_of_a_frame(2 * SECOND + 90 * MS)


def test_a_frame_is_left_out_only_where_it_would_be_late_and_the_next_one_is_in_time() -> None:
    plan = SelfTestPlan(1.0, BOUNDS, 0, 60 * MS)
    plan.note_frame(0, 70 * MS, 70 * MS)
    assert not plan.takes_the_place_of(100 * MS, 130 * MS)  # 30 + 70 ms: in time
    assert plan.takes_the_place_of(100 * MS, 131 * MS)
    # The next one, taken up when the test has ended, would be answered after the age limit.
    late = 70 * MS + BOUNDS.age_limit_ns - 70 * MS
    assert plan.takes_the_place_of(100 * MS, late)
    assert not plan.takes_the_place_of(100 * MS, late + 1)


def test_a_test_that_the_engine_did_not_finish_proves_nothing_and_is_tried_again_soon() -> None:
    plan = SelfTestPlan(10.0, BOUNDS, 0, MS)
    plan.note_test(10 * SECOND, MS, finished=False)
    assert not plan.is_due(10 * SECOND)
    assert plan.must_be(round((1 + AGAIN) * 10 * SECOND))
    assert plan.postponed(20 * SECOND) == 1


def test_postponements_are_counted_and_said_after_the_fifth() -> None:
    plan = SelfTestPlan(10.0, BOUNDS, 0, MS)
    assert [plan.postponed(t * SECOND) for t in (0, 10, 19, 20, 30)] == [0, 0, 0, 1, 2]
    assert not plan.is_overdue((MOST_POSTPONED + 1) * 10 * SECOND - 1)
    assert plan.is_overdue((MOST_POSTPONED + 1) * 10 * SECOND)


def test_a_period_of_zero_is_no_test() -> None:
    plan = SelfTestPlan(0.0, BOUNDS, 0, MS)
    assert not plan.is_due(10**18)
    assert plan.until_due_ns(5) is None
    assert plan.postponed(10**18) == 0


# A drive ----------------------------------------------------------------------------------------------------------


class Drive:
    """The worker's loop with clocks made up: a camera, an engine, the node's care for it and the monitor's machine.

    Args:
        period_ns: of the camera. budget_ns: of the node. frame_ns: a frame's way through it. test_ns: a golden test.
        jitter_ns: how much later than its time each frame comes, in turn.
    """

    def __init__(
        self, period_ns: int, budget_ns: int, frame_ns: int, test_ns: int, jitter_ns: list[int], period_s: float
    ) -> None:
        self.bounds = derive_bounds(period_ns, budget_ns)
        self.now = 0
        self.frame_ns, self.test_ns, self._jitter_ns = frame_ns, test_ns, jitter_ns
        self.tests: list[int] = []
        self.states: list[State] = []
        self.skipped: list[int] = []
        supervisor = Supervisor(self.bounds, lambda: None, clock_ns=lambda: self.now)
        self.plan = SelfTestPlan(period_s, self.bounds, 0, test_ns)
        self.care = BackendMaintenance(
            Network(self, self.plan, 0, test_ns), threading.Lock(), supervisor,  # type: ignore[arg-type]
            lambda why: None, lambda pipeline: None, Silent(), clock_ns=lambda: self.now,
        )  # fmt: skip
        self.machine = StateMachine(FailsafeConfig(self.bounds), 0)
        self._seq = 0

    reasons, loading = Reason.NONE, None

    def retry_is_due(self, now_ns: int) -> bool:
        return False

    retry_must_be = retry_is_due

    def self_test(self) -> GoldenResult:
        self.tests.append(self.now)
        self.now += self.test_ns
        return GoldenResult(True, 1.0, 0.0, 0.0, 0.0, 1.0, "")

    def run(self, frames: int) -> None:
        period = self.bounds.camera_period_ns
        arrivals = deque(k * period + self._jitter_ns[k % len(self._jitter_ns)] for k in range(1, frames))
        waiting = None
        while arrivals:
            if waiting is None:
                waiting = arrivals.popleft()
                self.now = max(self.now, waiting)
            waiting = self.newest(arrivals, waiting)
            taken = self.now
            self.now += self.frame_ns
            late = self.now - waiting > self.bounds.latency_soft_ns
            self.status(waiting, Outcome.PROCESSED, (Reason.LATENCY if late else Reason.NONE) | self.care.reasons)
            self.plan.note_frame(waiting, self.now - taken, self.now)
            waiting = None
            looked = self.care.look()
            if arrivals and arrivals[0] <= self.now:
                waiting = self.newest(arrivals, arrivals.popleft())
                if looked and self.plan.takes_the_place_of(waiting, self.now):
                    self.status(waiting, Outcome.SKIPPED, Reason.NONE)
                    waiting = None

    def newest(self, arrivals: deque[int], waiting: int) -> int:
        while arrivals and arrivals[0] <= self.now:
            self.status(waiting, Outcome.SKIPPED, Reason.NONE)
            waiting = arrivals.popleft()
        return waiting

    def status(self, stamp_ns: int, outcome: Outcome, reasons: Reason) -> None:
        self._seq += 1
        if outcome is Outcome.SKIPPED:
            self.skipped.append(self._seq)
        severity = Severity.SOFT if reasons else Severity.GOOD
        evidence = Evidence(
            1, self._seq, int(outcome), outcome is Outcome.PROCESSED and not reasons, int(severity), int(reasons), 0.1,
            stamp_ns=stamp_ns,
        )  # fmt: skip
        self.states.append(self.machine.on_status(evidence, self.now).state)


class Silent:
    def __getattr__(self, level: str) -> Any:
        return lambda *_, **__: None


@settings(max_examples=150)
@example(rate=30, budget=1.5, busy=0.99, test=1.3, jitter=[0])
@example(rate=30, budget=1.5, busy=0.8, test=1.3, jitter=[0, 3])
@example(rate=60, budget=1.5, busy=0.96, test=1.3, jitter=[0])
@example(rate=10, budget=2.5, busy=0.9, test=1.3, jitter=[0])
@given(
    rate=st.sampled_from([10, 20, 30, 60]),
    budget=st.floats(1.5, 4.0),
    busy=st.floats(0.05, 0.99),
    test=st.floats(0.3, 1.3),
    jitter=st.lists(st.integers(0, 3), min_size=1, max_size=8),
)
@pytest.mark.slow
def test_within_its_budget_a_node_proves_its_engine_every_period_and_the_flag_stays_down(
    rate: int, budget: float, busy: float, test: float, jitter: list[int]
) -> None:
    """`budget` and `busy` (a frame's way through the node) in camera periods, `test` in frames, `jitter` in ms."""
    period, every_s = SECOND // rate, 3.0
    frame = round(busy * period)
    spread = [min(ms * MS, (period - frame) // 2) for ms in jitter]
    drive = Drive(period, round(budget * period), frame, round(test * frame), spread, every_s)
    # Test and next frame one after the other must not reach the age limit: where they do, no order of things helps.
    assume(frame + drive.test_ns + max(spread) < drive.bounds.age_limit_ns)
    drive.run(20 * rate)
    began = drive.states.index(State.OK)
    assert set(drive.states[began:]) == {State.OK}
    gaps = [b - a for a, b in zip([0, *drive.tests], drive.tests)]
    assert len(gaps) >= 5
    # Due when its period is over, then at the end of the frame under way.
    assert max(gaps) <= every_s * SECOND + drive.test_ns + 3 * period
    # A test takes the place of one frame; where it lasts longer than a period, one more is overtaken.
    assert len(drive.skipped) <= len(drive.tests) * (1 + drive.test_ns // period)


@pytest.mark.parametrize("frame_ms", range(24, 34))
@pytest.mark.slow
def test_at_the_rated_rate_every_node_within_its_period_is_tested_once_a_minute(frame_ms: int) -> None:
    drive = Drive(SECOND // 30, 50 * MS, frame_ms * MS, frame_ms * MS, [0], 60.0)
    drive.run(30 * 60 * 7)
    assert len(drive.tests) >= 6
    assert set(drive.states[drive.states.index(State.OK) :]) == {State.OK}
    assert len(drive.skipped) <= len(drive.tests)


def test_in_place_of_a_frame_a_test_fits_whenever_no_frame_is_awaited() -> None:
    plan = SelfTestPlan(1.0, BOUNDS, 0, 900 * MS)
    assert plan.fits_in_place_of_a_frame(SECOND)  # none came yet
    plan.note_frame(SECOND, 90 * MS, SECOND + 90 * MS)
    assert not plan.fits_in_place_of_a_frame(SECOND + 90 * MS + BOUNDS.age_limit_ns)
    assert plan.fits_in_place_of_a_frame(SECOND + 90 * MS + BOUNDS.age_limit_ns + 1)  # the flag is up for it already


def test_nobody_waits_for_a_test_that_is_overdue() -> None:
    plan = SelfTestPlan(10.0, BOUNDS, 0, MS)
    assert plan.until_due_ns(9 * SECOND - 1) == 1
    assert plan.until_due_ns(9 * SECOND) == 0
    assert plan.until_due_ns(60 * SECOND) == 0


def test_a_period_runs_from_the_newest_test() -> None:
    plan = SelfTestPlan(60.0, BOUNDS, 0, MS)
    plan.note_test(60 * SECOND, MS)
    due = 60 * SECOND + round(EARLY * 60 * SECOND)
    assert plan.is_due(due)
    assert not plan.must_be(due)
    assert not plan.must_be(120 * SECOND - 1)
    assert plan.must_be(120 * SECOND)


def test_what_lies_long_ago_is_forgotten() -> None:
    plan = SelfTestPlan(60.0, BOUNDS, 0, MS)
    for _ in range(4):
        plan.note_test(SECOND, 400 * MS)
    assert "one of 1 ms" in plan.no_room()
    plan.note_test(SECOND, 400 * MS)
    assert "one of 400 ms" in plan.no_room()  # the newest five
    plan = SelfTestPlan(60.0, BOUNDS, 0, 40 * MS)
    plan.note_frame(0, 99 * MS, 99 * MS)
    for number in range(1, 31):  # the slow one is the 31st from the end
        assert not plan.fits((number - 1) * 100 * MS + 99 * MS)
        plan.note_frame(number * 100 * MS, 10 * MS, number * 100 * MS + 10 * MS)
    assert plan.fits(3000 * MS + 90 * MS)  # 30 ms of delay, and frames leave 90


def test_a_test_fits_to_the_last_millisecond_and_a_machine_that_slows_down_is_allowed_for() -> None:
    now = 60 * SECOND
    plan = SelfTestPlan(60.0, BOUNDS, 0, 42 * MS)
    plan.note_frame(now - 90 * MS, 60 * MS, now)
    assert plan.fits(now)  # 42 - 10 ms of delay, and 0.8 of the 40 that frames leave
    assert not plan.fits(now + 1)
    plan = SelfTestPlan(60.0, BOUNDS, 0, 40 * MS)
    plan.note_frame(now - 65 * MS, 99 * MS, now)
    assert not plan.fits(now)  # the next one in 35 ms: a machine that is faster than usual is not relied on


def test_before_the_first_frame_one_is_expected_to_take_as_long_as_a_test() -> None:
    plan = SelfTestPlan(1.0, BOUNDS, 0, 60 * MS)
    assert "one of 60 ms and a frame of 60 ms" in plan.no_room()
    assert not plan.takes_the_place_of(0, 40 * MS)
    assert plan.takes_the_place_of(0, 40 * MS + 1)


RATED = derive_bounds(SECOND // 30, 50 * MS)


def streamed(interval_ms: int, frame_ms: int, answered_ms: float) -> SelfTestPlan:
    """Two frames, the newer one received one interval after 0; both took `frame_ms`."""
    plan = SelfTestPlan(60.0, RATED, 0, MS)
    plan.note_frame(0, frame_ms * MS, frame_ms * MS)
    plan.note_frame(interval_ms * MS, frame_ms * MS, round(answered_ms * MS))
    return plan


@pytest.mark.parametrize(
    ("interval_ms", "begins_ms", "takes_ms", "answer_ms"),
    [
        (40, 50, 60, 130),  # the frame of 80 ms waits, begins at 110 and has its budget to the last: 50 ms
        (40, 60, 55, 140),  # that of 80 ms would end at 135, 55 ms old: the one of 120 ms is the next
        (70, 75, 5, 160),  # that of 140 ms comes long after the test and waits for nothing
    ],
)
def test_in_place_of_a_frame_a_test_fits_where_the_next_answer_still_comes_in_time(
    interval_ms: int, begins_ms: int, takes_ms: int, answer_ms: int
) -> None:
    """Frames of 20 ms; to the nanosecond at which the stream would count as stale."""
    assert RATED.latency_soft_ns == 50 * MS
    oldest = answer_ms - RATED.age_limit_ns / MS
    test = begins_ms * MS, takes_ms * MS
    assert streamed(interval_ms, 20, oldest).fits_in_place_of_a_frame(*test)
    assert not streamed(interval_ms, 20, oldest - 1e-6).fits_in_place_of_a_frame(*test)


def test_whether_a_waiting_frame_may_be_left_out_is_asked_of_the_one_after_it() -> None:
    """One of 80 ms waits at 100 and would be 60 ms old; the one of 120 ms is answered at 160."""
    answered = 160 - RATED.age_limit_ns / MS
    assert streamed(40, 40, answered).takes_the_place_of(80 * MS, 100 * MS)
    assert not streamed(40, 40, answered - 1e-6).takes_the_place_of(80 * MS, 100 * MS)


def test_a_test_that_ends_as_the_next_frame_comes_delays_nobody_however_slow_frames_are() -> None:
    plan = streamed(100, 60, 160)
    assert plan.fits(200 * MS - round(20 * MS / MARGIN), 20 * MS)
    assert not plan.fits(200 * MS - round(20 * MS / MARGIN) + 1, 20 * MS)
