# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The verdict on a rig: failed while any camera that a planner needs is failed, silent or not to be believed. No ROS.

The verdict of each camera's monitor is judged by the guard that a planner would put in its own process, with the same
bounds; this is what judges whether a word may be relied on. There is no state here beyond the guards': hysteresis is
the cameras' monitors'.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from trustseg.bounds import MS
from trustseg.failsafe.evidence import Snapshot
from trustseg.reasons import Mode, Reason, State
from trustseg_ros.planner.guard import ALTERED, NEW, NONE_YET, SILENT, STUCK, FailureGuard

# What a camera counts as while its monitor's word is not to be believed.
UNBELIEVED: dict[str, tuple[State, Reason]] = {
    NONE_YET: (State.UNKNOWN, Reason.NO_INPUT),
    NEW: (State.UNKNOWN, Reason.RECOVERING),
    SILENT: (State.STALE, Reason.STATUS_STALE),
    ALTERED: (State.FAILED, Reason.STATUS_CORRUPT),
    STUCK: (State.FAILED, Reason.STATUS_SEQUENCE),
}
# Two names that are heard from one monitor, or whose monitors hear one node, are one camera: the other is not seen.
SAME = "its verdict is another camera's too"
# From bad to good: of several cameras the rig has the state that comes first.
WORST_FIRST = (State.LATCHED, State.STALE, State.FAILED, State.UNKNOWN, State.DEGRADED, State.OK)


@dataclass(frozen=True)
class CameraWord:
    """What is known of one camera now.

    Attributes:
        name: of the camera. required: whether the rig's flag heeds it.
        failed: its flag is up, or its monitor is not to be believed. why: in words; empty while it is not failed.
        state, reasons: of its monitor's verdict, or what that monitor's silence counts as.
        verdict: the newest that was taken, None before the first.
    """

    name: str
    required: bool
    failed: bool
    why: str
    state: State
    reasons: Reason
    verdict: Any


@dataclass(frozen=True)
class RigVerdict:
    """The rig's verdict, and each camera's part in it, in the order of the cameras."""

    snapshot: Snapshot
    cameras: tuple[CameraWord, ...]


class RigJudge:
    """Keeps one guard for each camera.

    Args:
        cameras: names. required: those of them that a planner needs, at least one.
        clock_ns: steady clock. host: whose clock that is (`trustseg.failsafe.publication.host_id`).
    """

    def __init__(
        self,
        cameras: Sequence[str],
        required: Sequence[str],
        *,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        host: int | None = None,
    ) -> None:
        if not required or set(required) - set(cameras):
            raise ValueError(f"required must name some of {cameras}, got {required}")
        self._required, self._clock_ns = frozenset(required), clock_ns
        # A rig of recorded cameras is judged too; its own verdict then says so, and the planner's guard refuses it.
        self._guards = {name: FailureGuard(simulation=True, clock_ns=clock_ns, host=host) for name in cameras}
        self._taken_ns = dict.fromkeys(cameras, 0)

    def on_verdict(self, camera: str, message: Any) -> None:
        """Take one FailureState of a camera's monitor."""
        guard = self._guards[camera]
        guard.on_message(message)
        if guard.newest is message:
            self._taken_ns[camera] = self._clock_ns()

    def now(self) -> RigVerdict:
        """The verdict at this moment."""
        same = self._same()
        words = tuple(self._word(name, guard, name in same) for name, guard in self._guards.items())
        return RigVerdict(self._together([each for each in words if each.required]), words)

    def _same(self) -> set[str]:
        """Cameras whose newest verdicts come from one monitor, or are about one node."""
        by_source: dict[tuple[str, int], list[str]] = {}
        for name, guard in self._guards.items():
            for kind in ("instance_id", "source_instance_id"):
                source = 0 if guard.newest is None else getattr(guard.newest, kind)
                if source:  # a monitor that has heard no status says 0
                    by_source.setdefault((kind, source), []).append(name)
        return {name for names in by_source.values() if len(names) > 1 for name in names}

    def _word(self, name: str, guard: FailureGuard, same: bool) -> CameraWord:
        why, state, reasons = guard.why, guard.state, guard.reasons
        if why in UNBELIEVED:
            state, reasons = UNBELIEVED[why]
        elif same and not why:
            why, state, reasons = SAME, State.FAILED, reasons | Reason.MULTI_SOURCE
        elif why and state is State.OK:
            state, reasons = State.FAILED, reasons | Reason.STATUS_CORRUPT  # a flag that is up without a cause
        return CameraWord(name, name in self._required, bool(why), why, state, reasons, guard.newest)

    def _together(self, needed: Sequence[CameraWord]) -> Snapshot:
        failure = any(each.failed for each in needed)
        worst = min(needed, key=lambda each: (not each.failed, WORST_FIRST.index(each.state)))
        heard = [each.verdict for each in needed if each.verdict is not None]
        complete = len(heard) == len(needed)
        latched = reasons = Reason.NONE
        for each in needed:
            reasons |= each.reasons
        for verdict in heard:
            latched |= Reason(verdict.latched_reasons)
        return Snapshot(
            state=worst.state,
            failure=failure,
            reasons=reasons,
            latched=latched,
            first_reason=f"{worst.name}: {_first(worst)}" if worst.state is not State.OK else "",
            failure_score=max(v.failure_score for v in heard) if complete else 1.0,
            source_instance_id=0 if worst.verdict is None else worst.verdict.source_instance_id,
            source_seq=0 if worst.verdict is None else worst.verdict.source_seq,
            source_age_ns=self._age_ns(needed) if complete else None,
            good_in_row=min(v.good_in_row for v in heard) if complete else 0,
            restarts=sum(v.restarts for v in heard),
            mode=next((v.mode for v in heard if v.mode != Mode.LIVE), Mode.LIVE),
            fault_injection=any(v.fault_injection for v in heard),
            degraded_is_failure=any(v.degraded_is_failure for v in heard) or not complete,
        )

    def _age_ns(self, needed: Sequence[CameraWord]) -> int | None:
        """Age of the status that is oldest among the newest of each camera, by what their monitors said of it."""
        now_ns = self._clock_ns()
        oldest = max(each.verdict.source_age_ms * MS + now_ns - self._taken_ns[each.name] for each in needed)
        return round(oldest) if isfinite(oldest) else None


def _first(word: CameraWord) -> str:
    return word.reasons.first() or word.why
