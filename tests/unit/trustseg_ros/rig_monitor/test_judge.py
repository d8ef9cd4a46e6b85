# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The verdict on a rig: a camera that is needed raises the flag by its word, its silence or its contradiction."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plain_verdict import Verdict
from trustseg.bounds import VERDICT_VALID_NS
from trustseg.failsafe.evidence import Snapshot
from trustseg.reasons import Mode, Reason, State
from trustseg_ros.common.integrity import seal
from trustseg_ros.planner.guard import FailureGuard
from trustseg_ros.rig_monitor.judge import CameraWord, RigJudge

MS = 1_000_000
STEP = 20 * MS
HOST = 70
CAMERAS = ("front", "left", "right")


class Rig:
    """Monitors of three cameras on a clock that the test moves; every verdict is also given to a guard of its own."""

    def __init__(self, required: tuple[str, ...] = CAMERAS) -> None:
        self.now_ns = 0
        self.seq = dict.fromkeys(CAMERAS, 0)
        clock = {"clock_ns": lambda: self.now_ns, "host": HOST}
        self.judge = RigJudge(CAMERAS, required, **clock)  # type: ignore[arg-type]
        self.guards = {name: FailureGuard(simulation=True, **clock) for name in CAMERAS}  # type: ignore[arg-type]

    def say(self, camera: str, *, altered: bool = False, again: bool = False, **changes: Any) -> None:
        self.seq[camera] += not again
        place = CAMERAS.index(camera)  # each has a monitor and a node of its own
        own = {"instance_id": 100 + place, "source_instance_id": 200 + place}
        message = Verdict(seq=self.seq[camera], publish_steady_ns=self.now_ns, host_id=HOST, **own)
        for name, value in changes.items():
            setattr(message, name, value)
        seal(message)
        message.crc32 ^= int(altered)
        self.judge.on_verdict(camera, message)
        self.guards[camera].on_message(message)

    def step(self, *cameras: str, **changes: Any) -> None:
        """A tick later, these monitors publish."""
        self.now_ns += STEP
        for name in cameras or CAMERAS:
            self.say(name, **changes)

    def trusted(self) -> Rig:
        self.step()
        self.step()
        assert not self.snapshot.failure
        return self

    @property
    def snapshot(self) -> Snapshot:
        return self.judge.now().snapshot

    def word(self, camera: str) -> CameraWord:
        return next(each for each in self.judge.now().cameras if each.name == camera)


def test_before_every_required_camera_was_heard_the_flag_is_up() -> None:
    rig = Rig()
    first = rig.snapshot
    assert (first.state, first.failure, first.reasons) == (State.UNKNOWN, True, Reason.NO_INPUT)
    assert (first.first_reason, first.source_age_ns, first.good_in_row) == ("front: NO_INPUT", None, 0)
    assert (first.failure_score, first.source_instance_id, first.source_seq) == (1.0, 0, 0)
    assert first.degraded_is_failure
    for _ in range(2):
        rig.step("front", "left")
    assert rig.snapshot.failure
    assert rig.snapshot.first_reason == "right: NO_INPUT"
    assert rig.word("right").why == "no verdict has arrived"
    assert not rig.word("left").failed
    assert (rig.snapshot.source_age_ns, rig.snapshot.good_in_row, rig.snapshot.failure_score) == (None, 0, 1.0)
    rig.step("right", degraded_is_failure=False)
    assert rig.snapshot.failure
    assert rig.snapshot.reasons == Reason.RECOVERING  # one verdict proves that it ran once


def test_all_that_are_required_make_a_rig_that_is_ok() -> None:
    rig = Rig().trusted()
    found = rig.snapshot
    assert (found.state, found.reasons, found.first_reason) == (State.OK, Reason.NONE, "")
    assert [each.name for each in rig.judge.now().cameras] == list(CAMERAS)


@pytest.mark.parametrize("camera", CAMERAS)
def test_one_camera_raises_the_flag_with_its_name_and_its_reasons(camera: str) -> None:
    rig = Rig().trusted()
    rig.say(camera, failure=True, state=State.FAILED, reasons=int(Reason.DARK), source_instance_id=9, source_seq=4)
    found = rig.snapshot
    assert (found.state, found.failure, found.reasons) == (State.FAILED, True, Reason.DARK)
    assert (found.first_reason, found.source_instance_id, found.source_seq) == (f"{camera}: DARK", 9, 4)
    assert [each.failed for each in rig.judge.now().cameras] == [name == camera for name in CAMERAS]
    assert rig.word(camera).why == "FAILED: DARK"


def test_a_camera_that_is_not_required_is_told_and_not_heeded() -> None:
    rig = Rig(required=("front", "right")).trusted()
    rig.step(failure=False)
    rig.say("left", failure=True, state=State.LATCHED, reasons=int(Reason.SELF_TEST), latched_reasons=1 << 31)
    found, left = rig.snapshot, rig.word("left")
    assert (found.state, found.failure, found.reasons, found.latched) == (State.OK, False, Reason.NONE, Reason.NONE)
    assert (left.failed, left.required, left.state, left.reasons) == (True, False, State.LATCHED, Reason.SELF_TEST)
    # Nor is its silence from the first moment on.
    rig = Rig(required=("front",))
    rig.step("front")
    rig.step("front")
    assert not rig.snapshot.failure


def test_a_monitor_that_falls_silent_is_failure_when_the_guards_limit_is_over() -> None:
    rig = Rig().trusted()
    left_at_ns = rig.now_ns
    while rig.now_ns + STEP - left_at_ns <= VERDICT_VALID_NS:
        rig.step("front", "right")
        assert not rig.snapshot.failure
    rig.now_ns = left_at_ns + VERDICT_VALID_NS
    assert not rig.snapshot.failure
    rig.now_ns += 1
    found = rig.snapshot
    assert (found.state, found.failure, found.reasons) == (State.STALE, True, Reason.STATUS_STALE)
    assert found.first_reason == "left: STATUS_STALE"
    assert rig.word("left").why == "the monitor is silent"
    # Two verdicts of it later it is believed again.
    rig.step()
    assert rig.snapshot.reasons == Reason.RECOVERING
    rig.step()
    assert not rig.snapshot.failure


def test_what_is_altered_or_repeated_is_failure() -> None:
    rig = Rig().trusted()
    rig.say("left", altered=True)
    assert (rig.snapshot.state, rig.snapshot.reasons) == (State.FAILED, Reason.STATUS_CORRUPT)
    rig = Rig().trusted()
    rig.say("left", again=True)
    assert (rig.snapshot.state, rig.snapshot.reasons) == (State.FAILED, Reason.STATUS_SEQUENCE)


def test_a_flag_that_is_up_in_state_ok_contradicts_itself() -> None:
    rig = Rig().trusted()
    rig.say("left", failure=True)
    found = rig.snapshot
    assert (found.state, found.failure, found.reasons) == (State.FAILED, True, Reason.STATUS_CORRUPT)


@pytest.mark.parametrize("kind", ["instance_id", "source_instance_id"])
def test_two_names_for_one_camera_are_failure_of_both(kind: str) -> None:
    rig = Rig(required=("front", "left"))
    for _ in range(3):
        rig.step("front", "right")
        rig.say("left", **{kind: {"instance_id": 100, "source_instance_id": 200}[kind]})
    found = rig.snapshot
    assert (found.state, found.failure, found.reasons) == (State.FAILED, True, Reason.MULTI_SOURCE)
    assert [each.failed for each in rig.judge.now().cameras] == [True, True, False]
    assert rig.word("left").why == "its verdict is another camera's too"
    rig.step("left")  # of its own again
    rig.step()
    assert not rig.snapshot.failure


def test_monitors_that_have_heard_no_node_are_not_one_and_the_same() -> None:
    rig = Rig()
    for _ in range(2):
        rig.step(source_instance_id=0)
    assert not rig.snapshot.failure


def test_an_unknown_state_is_failure() -> None:
    rig = Rig().trusted()
    rig.say("left", state=77)
    assert (rig.snapshot.state, rig.snapshot.failure) == (State.UNKNOWN, True)
    assert rig.snapshot.first_reason == "left: UNKNOWN: "


def test_degraded_raises_the_flag_where_the_cameras_monitor_says_so() -> None:
    rig = Rig().trusted()
    quality = {"state": State.DEGRADED, "reasons": int(Reason.LOW_QUALITY)}
    rig.say("left", failure=False, degraded_is_failure=False, **quality)
    found = rig.snapshot
    assert (found.state, found.failure, found.reasons) == (State.DEGRADED, False, Reason.LOW_QUALITY)
    assert (found.first_reason, found.degraded_is_failure) == ("left: LOW_QUALITY", True)
    rig.say("right", failure=True, **quality)
    found = rig.snapshot
    assert (found.state, found.failure, found.first_reason) == (State.DEGRADED, True, "right: LOW_QUALITY")
    for name in CAMERAS:
        rig.say(name, degraded_is_failure=False)
    assert not rig.snapshot.degraded_is_failure


def test_of_several_failed_cameras_the_worst_names_the_state_and_all_give_their_reasons() -> None:
    rig = Rig().trusted()
    rig.say("front", failure=True, state=State.FAILED, reasons=int(Reason.DARK))
    rig.say("left", failure=True, state=State.STALE, reasons=int(Reason.INPUT_STALE))
    assert (rig.snapshot.state, rig.snapshot.reasons) == (State.STALE, Reason.DARK | Reason.INPUT_STALE)
    latched = {"state": State.LATCHED, "reasons": int(Reason.RESTARTS), "latched_reasons": int(Reason.RESTARTS)}
    rig.say("right", failure=True, **latched)
    found = rig.snapshot
    assert (found.state, found.first_reason, found.latched) == (State.LATCHED, "right: RESTARTS", Reason.RESTARTS)
    assert found.reasons == Reason.DARK | Reason.INPUT_STALE | Reason.RESTARTS
    other = {"state": State.LATCHED, "reasons": int(Reason.SELF_TEST), "latched_reasons": int(Reason.SELF_TEST)}
    rig.say("left", failure=True, **other)
    assert rig.snapshot.latched == Reason.RESTARTS | Reason.SELF_TEST  # an operator must see both
    # A failed camera names the state before one that is merely new.
    rig.step(failure=True, state=State.FAILED, reasons=int(Reason.BLUR))
    rig.say("right", failure=True, state=State.UNKNOWN, reasons=int(Reason.NEW_INSTANCE))
    assert rig.snapshot.state is State.FAILED


def test_the_figures_are_those_of_the_worst_camera() -> None:
    rig = Rig().trusted()
    rig.say("front", failure_score=0.1, good_in_row=30, restarts=1, source_age_ms=10.0)
    rig.say("left", failure_score=0.4, good_in_row=12, restarts=2, source_age_ms=40.0)
    rig.say("right", failure_score=0.2, good_in_row=40, source_age_ms=20.0)
    found = rig.snapshot
    assert (found.failure_score, found.good_in_row, found.restarts) == (0.4, 12, 3)
    assert found.source_age_ns == 40 * MS
    rig.now_ns += 5 * MS
    rig.say("left", altered=True)  # not taken: the age is still that of the one before
    assert rig.snapshot.source_age_ns == 45 * MS
    rig.say("right", source_age_ms=math.inf)
    assert rig.snapshot.source_age_ns is None


def test_recorded_simulated_and_injected_frames_show_in_the_rigs_verdict() -> None:
    rig = Rig().trusted()
    assert (rig.snapshot.mode, rig.snapshot.fault_injection) == (Mode.LIVE, False)
    rig.say("left", mode=Mode.REPLAY)
    rig.say("right", fault_injection=True)
    found = rig.snapshot
    assert (found.failure, found.mode, found.fault_injection) == (False, Mode.REPLAY, True)


@pytest.mark.parametrize("required", [(), ("front", "rear")])
def test_a_rig_needs_cameras_that_it_has(required: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="required must name some of"):
        RigJudge(CAMERAS, required)


WORDS = st.one_of(
    st.fixed_dictionaries({"state": st.sampled_from([*State, 9]), "failure": st.booleans()}),
    st.just({"altered": True}),
    st.just({"again": True}),
    st.just({}),
)
EVENTS = st.lists(st.tuples(st.sampled_from(CAMERAS), WORDS, st.sampled_from((0, STEP, 80 * MS))), max_size=40)


@given(EVENTS, st.sets(st.sampled_from(CAMERAS), min_size=1))
def test_the_rig_is_failed_exactly_while_a_guard_of_a_required_camera_says_so(
    events: list[tuple[str, dict[str, Any], int]], required: set[str]
) -> None:
    rig = Rig(tuple(required))
    for camera, word, wait_ns in events:
        rig.say(camera, **word)
        rig.now_ns += wait_ns
        verdict = rig.judge.now()
        assert verdict.snapshot.failure == any(rig.guards[name].failed() for name in required)
        assert [each.failed for each in verdict.cameras] == [rig.guards[name].failed() for name in CAMERAS]
        # A planner's guard believes a flag that is down in these two states only.
        assert verdict.snapshot.failure or verdict.snapshot.state in (State.OK, State.DEGRADED)
        assert verdict.snapshot.state is not State.OK or not verdict.snapshot.failure
