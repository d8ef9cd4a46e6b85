# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which network serves: the heavy one is left before the monitor believes in late frames, and returns without haste."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg.bounds import MS, SECOND, Bounds, derive_bounds
from trustseg.failsafe.evidence import Evidence, FailsafeConfig
from trustseg.failsafe.state_machine import StateMachine
from trustseg.reasons import Outcome, Reason, State, severity_of
from trustseg_ros.segmenter.backend.network_choice import MOST_DOUBLED, NetworkChoice
from trustseg_ros.segmenter.backend.self_test_plan import MARGIN

BOUNDS = derive_bounds(SECOND // 30, 50 * MS)
DWELL = 10 * SECOND
CAMERAS = st.builds(
    derive_bounds, st.sampled_from([SECOND // 60, SECOND // 30, SECOND // 10, SECOND // 2]),
    st.sampled_from([20 * MS, 50 * MS, 250 * MS]),
)  # fmt: skip


class Drive:
    """Frames at the camera's period while either network serves; a trial whenever it is due."""

    def __init__(self, bounds: Bounds = BOUNDS) -> None:
        self.bounds, self.choice = bounds, NetworkChoice(bounds)
        self.now, self.left, self.back, self.trials = 0, [], [], []
        self.frame(1)

    def frame(self, latency_ns: int, trial_ns: int = MS) -> None:
        self.now += self.bounds.camera_period_ns
        if not self.choice.is_light:
            self.choice.note_frame(self.now, latency_ns)
            if self.choice.why:
                self.left.append(self.now)
                self.choice.leave(self.now)
        elif self.choice.trial_is_due(self.now):
            self.trials.append(self.now)
            if self.choice.tried(self.now, trial_ns):
                self.back.append(self.now)


def test_one_late_frame_is_enough_and_one_within_the_budget_is_not() -> None:
    drive = Drive()
    drive.frame(50 * MS)
    assert not drive.choice.is_light
    drive.frame(50 * MS + 1)
    assert (drive.choice.is_light, drive.choice.switches, drive.left) == (True, 1, [drive.now])


def test_why_is_said_with_its_figures() -> None:
    choice = NetworkChoice(BOUNDS)
    choice.note_frame(0, MS)
    choice.note_frame(SECOND, 61 * MS)
    assert choice.why == "a frame took 61 ms of 50 ms"
    choice.note_frame(2 * SECOND, 10 * MS)
    assert choice.why == ""
    for k in range(6):
        choice.note_frame((3 + k // 6) * SECOND + k * BOUNDS.camera_period_ns, 45 * MS)
    assert choice.why == "6 frames within 1 s took more than 40 ms of 50 ms"


def test_the_first_frame_of_a_stream_says_nothing() -> None:
    choice = NetworkChoice(BOUNDS)
    choice.note_frame(0, SECOND)
    assert choice.why == ""


def test_frames_that_come_close_are_as_many_as_the_monitor_believes_late_ones() -> None:
    least = math.ceil(FailsafeConfig(BOUNDS).soft_least(0, 0))
    drive = Drive()
    for _ in range(least - 1):
        drive.frame(41 * MS)
    assert not drive.choice.is_light
    drive.frame(41 * MS)
    assert drive.choice.is_light
    slow = Drive()
    for k in range(300):
        slow.frame(41 * MS if k % 7 == 0 else 20 * MS)  # five in a second
    assert not slow.choice.is_light


@pytest.mark.parametrize(("skipped", "one_in"), [(0, 3), (0, 4), (1, 3), (1, 4), (2, 3), (2, 4)])
def test_as_many_close_frames_as_the_monitor_believes_late_ones_where_frames_are_skipped(
    skipped: int, one_in: int
) -> None:
    """Against the real state machine: the same frames close to the budget here, late there."""
    bounds = derive_bounds(SECOND // 30, 100 * MS)
    choice, machine = NetworkChoice(bounds), StateMachine(FailsafeConfig(bounds), 0)
    now = seq = so_far = answered = 0
    left = believed = None
    while left is None or believed is None:
        assert answered < 300
        for _ in range(skipped + 1):
            seq, now = seq + 1, now + bounds.camera_period_ns
            is_last = seq % (skipped + 1) == 0
            so_far += not is_last
            late = is_last and answered >= 60 and answered % one_in == 0
            outcome = Outcome.PROCESSED if is_last else Outcome.SKIPPED
            reasons = Reason.LATENCY if late else Reason.NONE
            evidence = Evidence(7, seq, outcome, not late, severity_of(reasons), int(reasons), 0.1, 0.3, now)
            shown = machine.on_status(evidence, now)
        answered += 1
        choice.note_frame(now, 99 * MS if late else 10 * MS, so_far)
        if choice.why:
            left = left or answered
        if answered > 60 and shown.state is not State.OK:
            believed = believed or answered
    assert left == believed


def test_frames_of_a_second_ago_are_forgotten() -> None:
    choice = NetworkChoice(BOUNDS)
    for second in range(1, 60):
        choice.note_frame(second * SECOND, 45 * MS)
        assert not choice.why


@pytest.mark.parametrize(("frame_ms", "fits"), [(33, True), (34, False), (41, False), (6, True)])
def test_a_frame_longer_than_a_period_waits_for_the_one_before(frame_ms: int, fits: bool) -> None:
    assert NetworkChoice(BOUNDS).fits(frame_ms * MS) is fits


def test_with_room_beyond_a_period_a_longer_one_fits() -> None:
    choice = NetworkChoice(derive_bounds(100 * MS, 500 * MS))
    assert [choice.fits(ms * MS) for ms in (100, 300, 301)] == [True, True, False]


def test_a_trial_comes_after_the_dwell_and_one_in_vain_doubles_it() -> None:
    choice = NetworkChoice(BOUNDS)
    choice.leave(0)
    assert [choice.trial_is_due(t) for t in (DWELL - 1, DWELL)] == [False, True]
    assert not choice.tried(DWELL, 60 * MS)
    assert [choice.trial_is_due(t) for t in (3 * DWELL - 1, 3 * DWELL)] == [False, True]
    assert not choice.tried(3 * DWELL, None)
    assert choice.is_light
    assert choice.tried(7 * DWELL, 20 * MS)
    assert (choice.is_light, choice.switches) == (False, 2)
    assert not choice.trial_is_due(9 * DWELL)


@pytest.mark.parametrize(("served", "dwell"), [(DWELL - 1, 2 * DWELL), (DWELL, DWELL)])
def test_a_return_that_did_not_last_doubles_the_dwell(served: int, dwell: int) -> None:
    choice = NetworkChoice(BOUNDS)
    choice.leave(0)
    assert choice.dwell_ns == DWELL
    assert choice.tried(DWELL, 20 * MS)
    choice.leave(DWELL + served)
    assert choice.dwell_ns == dwell


def test_the_dwell_has_an_end() -> None:
    choice, now = NetworkChoice(BOUNDS), 0
    choice.leave(0)
    for _ in range(20):
        now += choice.dwell_ns
        choice.tried(now, None)
    assert choice.dwell_ns == DWELL << MOST_DOUBLED == 320 * SECOND


@pytest.mark.parametrize("lasts_s", [1, 15, 60, 200])
def test_after_a_load_it_is_back_within_as_long_again_and_a_dwell(lasts_s: int) -> None:
    drive = Drive()
    while drive.now < (lasts_s + 400) * SECOND and not drive.back:
        loaded = drive.now < lasts_s * SECOND
        drive.frame(60 * MS if loaded else 20 * MS, 60 * MS if loaded else 20 * MS)
    assert drive.back
    assert drive.back[0] <= 2 * lasts_s * SECOND + DWELL + BOUNDS.camera_period_ns * 3


def test_no_load_raises_the_flag_by_frames_that_are_not_late_beyond_the_hard_limit() -> None:
    """Against the real state machine: late frames come one at a time, a dwell apart."""
    drive, machine = Drive(), StateMachine(FailsafeConfig(BOUNDS), 0)
    states = []
    for seq in range(1, 30 * 120):
        late = 99 * MS if seq > 60 else 10 * MS
        served_by_heavy = not drive.choice.is_light
        drive.frame(late, 20 * MS)  # each trial passes: as bad as it gets
        reasons = Reason.LATENCY if served_by_heavy and late > 50 * MS else Reason.NONE
        shown = machine.on_status(
            Evidence(7, seq, 0, not reasons, severity_of(reasons), int(reasons), 0.1, 0.3, drive.now), drive.now
        )
        states.append(shown.state)
    assert len(drive.left) >= 3
    assert set(states[40:]) == {State.OK}


@given(
    CAMERAS, st.lists(st.floats(0.0, 3.0), min_size=1, max_size=60),
    st.lists(st.floats(0.0, 3.0), min_size=1, max_size=20),
)  # fmt: skip
def test_no_oscillation_whatever_the_times(bounds: Bounds, frames: list[float], trials: list[float]) -> None:
    """Each stay of the light network lasts a dwell, and a short return makes the next stay longer."""
    drive, budget = Drive(bounds), bounds.latency_soft_ns
    dwell = 10 * bounds.rate_window_ns
    for k in range(3000):
        drive.frame(round(frames[k % len(frames)] * budget), round(trials[k % len(trials)] * budget))
    for left, back in zip(drive.left, drive.back, strict=False):
        assert back - left >= dwell
    stays = [back - left for left, back in zip(drive.left, drive.back, strict=False)]
    for k, (back, left) in enumerate(zip(drive.back, drive.left[1:], strict=False)):
        if left - back < dwell and k + 1 < len(stays):
            assert stays[k + 1] >= min(2 * dwell, dwell << MOST_DOUBLED)
    assert drive.choice.dwell_ns <= dwell << MOST_DOUBLED
    assert all(later - earlier >= dwell for earlier, later in zip(drive.trials, drive.trials[1:], strict=False))


@given(CAMERAS, st.lists(st.floats(0.0, MARGIN), min_size=1, max_size=200))
def test_a_network_that_fits_with_a_margin_is_never_left(bounds: Bounds, frames: list[float]) -> None:
    drive = Drive(bounds)
    for share in frames:
        drive.frame(int(share * bounds.latency_soft_ns))
    assert drive.left == []


@given(CAMERAS, st.lists(st.floats(MARGIN + 0.01, 1.0), min_size=200, max_size=200))
def test_one_that_is_always_close_is_left_within_a_window(bounds: Bounds, frames: list[float]) -> None:
    drive = Drive(bounds)
    began = drive.now
    for share in frames:
        drive.frame(int(share * bounds.latency_soft_ns))
    assert drive.left
    assert drive.left[0] - began <= bounds.rate_window_ns


def test_what_is_exactly_a_window_old_is_forgotten_and_what_takes_the_margin_is_not_close() -> None:
    window = BOUNDS.rate_window_ns
    for last, why in ((window - 1, "6 frames within 1 s took more than 40 ms of 50 ms"), (window, "")):
        choice = NetworkChoice(BOUNDS)
        choice.note_frame(-SECOND, MS)
        for at in (0, 1, 2, 3, 4, last):
            choice.note_frame(at, 40 * MS + 1)
        assert choice.why == why
    choice = NetworkChoice(BOUNDS)
    for at in range(20):
        choice.note_frame(at, 40 * MS)
    assert choice.why == ""


def test_nothing_speaks_against_a_network_at_first_or_after_a_switch() -> None:
    choice = NetworkChoice(BOUNDS)
    assert choice.why == ""
    choice.note_frame(0, MS)
    choice.note_frame(1, SECOND)
    choice.leave(1)
    assert choice.why == ""
    assert choice.tried(DWELL + 1, MS)
    assert choice.why == ""


def test_a_frame_of_exactly_a_period_or_of_the_margin_fits() -> None:
    assert NetworkChoice(BOUNDS).fits(BOUNDS.camera_period_ns)
    assert not NetworkChoice(BOUNDS).fits(BOUNDS.camera_period_ns + 1)
    slow_camera = NetworkChoice(derive_bounds(100 * MS, 50 * MS))
    assert slow_camera.fits(40 * MS)
    assert not slow_camera.fits(40 * MS + 1)
