# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recorded time: silence, faults, images left out, and the same state machine as the monitor's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bag_factory import FIRST_NS, PERIOD_NS, Shot, message_of, shots
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import BackendError
from trustseg.failsafe.evidence import Evidence, FailsafeConfig
from trustseg.failsafe.state_machine import StateMachine
from trustseg.reasons import Mode, Outcome, Reason, State
from trustseg.types import Frame, FrameVerdict, HealthReport, PerceptionResult
from trustseg_lab.recordings.recorded_image import RecordedImage
from trustseg_lab.replay.results.flag import FlagTrack
from trustseg_lab.replay.timeline import ReplayedFrame, Timeline, TimelineConfig

BOUNDS = derive_bounds(PERIOD_NS, 50 * MS)
CONFIG = TimelineConfig(FailsafeConfig(BOUNDS))


class Fake:
    """Judges by the brightness of one pixel: black is LOW_QUALITY, white fails the backend."""

    def __init__(self) -> None:
        self.processed: list[int] = []

    def process(self, frame: Frame) -> PerceptionResult:
        self.processed.append(frame.stamp_ns)
        value = int(frame.image[0, 0, 0])
        if value == 255:
            raise BackendError("broken")
        reasons = Reason.LOW_QUALITY if value == 0 else Reason.NONE
        verdict = FrameVerdict(reasons, 0.9 if reasons else 0.1, 0.5, 0.7, 0.5, 0.8, 0.1, 0.9, 0.8, 0.1, 0.5)
        pixels = np.zeros((4, 4), np.uint8)
        return PerceptionResult(pixels, pixels, np.zeros(1, np.float32), verdict, HealthReport(), 1.0, 2.0)


def recorded(images: list[Shot]) -> list[RecordedImage]:
    return [RecordedImage(i, s.time_ns, message_of(s), False) for i, s in enumerate(images)]


def drive(images: list[Shot], config: TimelineConfig = CONFIG) -> tuple[list[ReplayedFrame], Fake]:
    fake = Fake()
    timeline = Timeline(fake, config, 7, steady=lambda: 0.0)
    return [a for each in recorded(images) if (a := timeline.take(each)) is not None], fake


def states(answers: list[ReplayedFrame]) -> list[str]:
    return [a.verdict.state.name for a in answers]


def painted(shot: Shot, value: int) -> Shot:
    image = shot.image.copy()
    image[0, 0] = value
    return replace(shot, image=image)


def test_a_good_drive_earns_trust_after_ten_frames() -> None:
    answers, _ = drive([painted(s, 100) for s in shots(15)])
    assert states(answers) == ["UNKNOWN"] * 9 + ["OK"] * 6
    assert [a.seq for a in answers] == list(range(1, 16))


def test_a_gap_raises_the_flag_when_it_would_have_been_noticed_not_when_it_ends() -> None:
    images = [painted(s, 100) for s in shots(30)]
    answers, _ = drive(images[:15] + images[25:])
    changes = answers[15].changes
    assert [c.verdict.state for c in changes[:1]] == [State.STALE]
    assert changes[0].verdict.reasons & Reason.INPUT_STALE
    silence_ns = changes[0].time_ns - images[14].time_ns
    assert BOUNDS.age_limit_ns < silence_ns <= BOUNDS.age_limit_ns + BOUNDS.tick_ns


def test_a_gap_below_the_age_limit_is_none() -> None:
    images = [painted(s, 100) for s in shots(30)]
    assert set(states(drive(images[:20] + images[21:])[0][10:])) == {"OK"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stamp_ns": 0}, Reason.STAMP_INVALID),
        ({"stamp_ns": FIRST_NS + 19 * PERIOD_NS}, Reason.DUPLICATE),
        ({"stamp_ns": FIRST_NS + 15 * PERIOD_NS}, Reason.STAMP_BACKWARD),
        ({"changes": {"encoding": "what"}}, Reason.BAD_ENCODING),
        ({"changes": {"step": 5}}, Reason.BAD_STEP),
        ({"changes": {"height": 50}}, Reason.BAD_SIZE),
        ({"changes": {"height": 0}}, Reason.BAD_DIMENSIONS),
    ],
)
def test_faults_in_the_recording_fail_the_frame_and_the_drive(change: dict[str, object], reason: Reason) -> None:
    images = [painted(s, 100) for s in shots(40)]
    images[20] = replace(images[20], **change)  # type: ignore[arg-type]
    answers, fake = drive(images)
    bad = answers[20]
    assert (bad.outcome, bad.reasons, bad.verdict.state) == (Outcome.REJECTED, reason, State.FAILED)
    assert bad.why
    assert bad.result is None
    assert len(fake.processed) == 39
    assert answers[-1].verdict.state is State.OK  # it recovers, as on the road


def test_another_size_is_a_fault_unless_allowed() -> None:
    images = [painted(s, 100) for s in shots(14)]
    images[12] = replace(images[12], image=np.full((40, 50, 3), 100, np.uint8))
    assert drive(images)[0][12].reasons is Reason.RES_CHANGED
    assert drive(images, replace(CONFIG, allow_resolution_change=True))[0][12].outcome is Outcome.PROCESSED


def test_a_backend_that_fails_is_a_rejection_and_three_of_them_latch() -> None:
    answers, _ = drive([painted(s, 255 if 12 <= i < 15 else 100) for i, s in enumerate(shots(30))])
    assert [a.reasons for a in answers[12:15]] == [Reason.BACKEND] * 3
    assert set(states(answers[14:])) == {"LATCHED"}


def test_two_poor_frames_of_three_are_believed() -> None:
    answers, _ = drive([painted(s, 0 if i in (14, 20, 21) else 100) for i, s in enumerate(shots(40))])
    assert states(answers[10:21]) == ["OK"] * 11
    assert states(answers[21:23]) == ["DEGRADED"] * 2
    assert states(answers)[-1] == "OK"


def test_stamps_are_held_against_the_recording_only_where_asked() -> None:
    images = [painted(s, 100) for s in shots(3)]
    ahead = [replace(s, time_ns=s.stamp_ns - SECOND) for s in images]
    assert drive(ahead)[0][0].outcome is Outcome.PROCESSED
    assert drive(ahead, replace(CONFIG, live=True))[0][0].reasons is Reason.STAMP_FUTURE
    late = [replace(s, time_ns=s.stamp_ns + SECOND) for s in images]
    found = drive(late, replace(CONFIG, live=True))[0][0]
    assert (found.outcome, found.reasons, found.age_ms) == (Outcome.PROCESSED, Reason.BACKLOG, 1000.0)


class TestEvery:
    def test_what_is_left_out_is_no_gap_and_lets_time_pass(self) -> None:
        answers, fake = drive([painted(s, 100) for s in shots(60)], replace(CONFIG, every=10))
        assert [a.image.index for a in answers] == [0, 10, 20, 30, 40, 50]
        assert len(fake.processed) == 6
        assert states(answers) == ["UNKNOWN"] + ["OK"] * 5

    def test_a_real_gap_is_still_one(self) -> None:
        images = [painted(s, 100) for s in shots(60)]
        answers, _ = drive(images[:25] + images[35:], replace(CONFIG, every=10))
        assert State.STALE in [c.verdict.state for a in answers for c in a.changes]

    def test_a_wrong_stamp_among_those_left_out_is_found(self) -> None:
        images = [painted(s, 100) for s in shots(30)]
        images[15] = replace(images[15], stamp_ns=0)
        answers, _ = drive(images, replace(CONFIG, every=10))
        assert [(a.image.index, a.reasons) for a in answers if a.reasons] == [(15, Reason.STAMP_INVALID)]


EVENTS = st.lists(
    st.tuples(st.sampled_from(["good", "good", "good", "poor", "broken", "stamp 0"]), st.integers(0, 400)),
    min_size=1, max_size=60,
)  # fmt: skip


def images_of(events: list[tuple[str, int]]) -> list[Shot]:
    """One image an event (kind, milliseconds beyond 50 since the one before)."""
    value = {"good": 100, "poor": 0, "broken": 255, "stamp 0": 100}
    shot, time_ns = shots(1)[0], FIRST_NS
    images = []
    for kind, gap_ms in events:
        time_ns += (50 + gap_ms) * MS
        images.append(
            painted(replace(shot, stamp_ns=0 if kind == "stamp 0" else time_ns, time_ns=time_ns), value[kind])
        )
    return images


@given(EVENTS)
@settings(max_examples=60)
def test_the_verdicts_are_those_of_a_monitor_that_ticks_all_the_time(events: list[tuple[str, int]]) -> None:
    """Against a plain loop: every status when it comes, a tick every five milliseconds in between."""
    images = images_of(events)
    answers, _ = drive(images)
    machine = StateMachine(CONFIG.failsafe, images[0].time_ns)
    machine.on_liveliness(True, images[0].time_ns)
    now_ns = images[0].time_ns
    for answer in answers:
        while now_ns + 5 * MS < answer.image.time_ns:
            now_ns += 5 * MS
            machine.on_tick(now_ns)
        now_ns = answer.image.time_ns
        score = answer.result.verdict if answer.result else None
        expected = machine.on_status(
            Evidence(
                7, answer.seq, answer.outcome, not answer.reasons, answer.severity, int(answer.reasons),
                score.failure_score if score else 1.0, score.recovery_threshold if score else 0.0, answer.stamp_ns,
                mode=Mode.REPLAY,
            ),
            now_ns,
        )  # fmt: skip
        assert answer.verdict == expected


@given(EVENTS)
@settings(max_examples=60)
def test_the_flag_track_adds_up(events: list[tuple[str, int]]) -> None:
    images = images_of(events)
    answers, _ = drive(images)
    track, changes = FlagTrack(), [c for a in answers for c in a.changes]
    for answer in answers:
        for change in answer.changes:
            track.add(change, answer.seq)
    end_ns = images[-1].time_ns + PERIOD_NS
    track.finish(end_ns)
    up_ns = sum(
        (changes[i + 1].time_ns if i + 1 < len(changes) else end_ns) - c.time_ns
        for i, c in enumerate(changes)
        if c.verdict.failure
    )
    assert track.up_ns() + track.start_up_ns == up_ns
    assert all(f.start_ns <= f.end_ns for f in track.failures)
    assert [c.time_ns for c in changes] == sorted(c.time_ns for c in changes)
