# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One camera's drive in recorded time: the node's own rules, pipeline and state machine, with no clock of its own.

What the live node and the failure monitor would have said: every image is checked in its order of recording, goes
through the same `Pipeline.process`, and its evidence through the same state machine, whose clock is the time of
recording. The answer to an image takes no time here: how fast this machine is says nothing about the recorded one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Protocol

from trustseg.bounds import MS, Bounds
from trustseg.failsafe.evidence import Evidence, FailsafeConfig, Snapshot
from trustseg.failsafe.state_machine import StateMachine
from trustseg.reasons import Mode, Outcome, Reason, Severity
from trustseg.stream import Stream
from trustseg.types import Frame, PerceptionResult
from trustseg_lab.recordings.recorded_image import RecordedImage, stamp_ns_of

MAX_PIXELS = 33_554_432


class Processor(Protocol):
    """What `trustseg.pipeline.Pipeline` offers."""

    def process(self, frame: Frame) -> PerceptionResult:
        """Segment one frame and judge it."""


@dataclass(frozen=True)
class TimelineConfig:
    """Settings of one drive.

    Attributes:
        failsafe: of the state machine, with the bounds that follow from the recording's rate.
        live: stamps are compared with the time of recording, as the node did on the road; else only with each other.
        every: one image out of so many is processed.
        allow_resolution_change: another size than the first one is no fault.
    """

    failsafe: FailsafeConfig
    live: bool = False
    every: int = 1
    allow_resolution_change: bool = False

    @property
    def bounds(self) -> Bounds:
        """Every time bound."""
        return self.failsafe.bounds


@dataclass(frozen=True)
class Change:
    """The verdict from `time_ns` on (recorded time), until the next change."""

    time_ns: int
    verdict: Snapshot


@dataclass(frozen=True)
class ReplayedFrame:
    """What became of one image.

    Attributes:
        image: the recorded message.
        seq: number of its status, counted from 1 over all images, also those left out.
        stamp_ns: of its header.
        outcome, reasons, severity: the evidence.
        why: what was wrong with a rejected image; else empty.
        verdict: of the state machine, after this image.
        frame, result: decoded image and its result; None for a rejected one.
        changes: of the verdict since the image before, this one's included.
        age_ms: time of recording minus stamp, NaN where that has no meaning.
        decode_ms, process_ms: measured here, milliseconds.
    """

    image: RecordedImage
    seq: int
    stamp_ns: int
    outcome: Outcome
    reasons: Reason
    severity: Severity
    why: str
    verdict: Snapshot
    frame: Frame | None
    result: PerceptionResult | None
    changes: tuple[Change, ...]
    age_ms: float
    decode_ms: float
    process_ms: float


class Timeline:
    """Takes the images of one camera one after the other.

    Args:
        pipeline: fresh, or reset.
        config: settings.
        instance_id: of the statuses, never 0.
        steady: measures durations, seconds; nothing but the durations depends on it.
    """

    def __init__(
        self, pipeline: Processor, config: TimelineConfig, instance_id: int, steady: Callable[[], float] = perf_counter
    ) -> None:
        self.config = config
        self._pipeline, self._instance_id = pipeline, instance_id
        mode = Mode.LIVE if config.live else Mode.REPLAY
        self._stream = Stream.of(
            config.bounds, mode, max_pixels=MAX_PIXELS, allow_resolution_change=config.allow_resolution_change,
            steady=steady,
        )  # fmt: skip
        self._machine: StateMachine | None = None
        self._shown: Snapshot | None = None
        self._judged_ns: int | None = None
        self._held: Evidence | None = None
        self._seq = self._number = 0
        self._changes: list[Change] = []

    def take(self, image: RecordedImage) -> ReplayedFrame | None:
        """The answer to one image; None for one that `every` leaves out.

        One that is left out advances time and is no gap: its stamp and its size are checked, and for the state machine
        it is what the last processed one was.
        """
        self._seq += 1
        chosen = self._number % self.config.every == 0
        self._number += 1
        self._let_time_pass(image.time_ns)
        time_ns = image.time_ns
        received = self._stream.receive(image.message, time_ns, lambda: (image.clock_ns, time_ns), image.compressed)
        if received.refusal is None and not chosen:
            if self._held is not None:
                self._tell(replace(self._held, seq=self._seq, stamp_ns=stamp_ns_of(image.message)), image.time_ns)
            return None
        found = received.refusal or self._stream.process(received, self._pipeline.process)
        score = found.result.verdict if found.result is not None else None
        evidence = Evidence(
            instance_id=self._instance_id, seq=self._seq, outcome=found.outcome,
            frame_ok=found.outcome is Outcome.PROCESSED and not found.reasons,
            severity=found.severity, reasons=int(found.reasons),
            failure_score=1.0 if score is None else score.failure_score,
            recovery_threshold=0.0 if score is None else score.recovery_threshold,
            stamp_ns=stamp_ns_of(image.message), mode=Mode.REPLAY,
        )  # fmt: skip
        if chosen:
            self._held = evidence
        verdict = self._tell(evidence, image.time_ns)
        return ReplayedFrame(
            image=image, seq=self._seq, stamp_ns=evidence.stamp_ns, outcome=found.outcome, reasons=found.reasons,
            severity=found.severity, why=found.why, verdict=verdict, frame=found.frame, result=found.result,
            changes=self.new_changes(), age_ms=received.age_ms, decode_ms=found.decode_ms,
            process_ms=found.process_ms,
        )  # fmt: skip

    # The monitor ----------------------------------------------------------------------------------------------

    def _let_time_pass(self, now_ns: int) -> None:
        """Up to `now_ns`: a silence is noticed when the age limit passes, not at its end."""
        if self._machine is None:
            self._machine = StateMachine(self.config.failsafe, now_ns)
            # In a recording the node is there; what is missing is the camera.
            self._note(self._machine.on_liveliness(True, now_ns), now_ns)
        elif self._judged_ns is not None:
            due_ns = self._judged_ns + self.config.bounds.age_limit_ns + 1
            if due_ns < now_ns:
                self._note(self._machine.on_tick(due_ns), due_ns)

    def _tell(self, evidence: Evidence, now_ns: int) -> Snapshot:
        if self._machine is None:
            raise RuntimeError("time has not begun")
        verdict = self._machine.on_status(evidence, now_ns)
        self._judged_ns = now_ns
        self._note(verdict, now_ns)
        return verdict

    def _note(self, verdict: Snapshot, now_ns: int) -> None:
        before, self._shown = self._shown, verdict
        if before is None or _told(before) != _told(verdict):
            self._changes.append(Change(now_ns, verdict))

    def new_changes(self) -> tuple[Change, ...]:
        """Changes of the verdict that no answer has carried yet."""
        changes = tuple(self._changes)
        self._changes.clear()
        return changes


def _told(verdict: Snapshot) -> tuple[object, ...]:
    return verdict.state, verdict.failure, verdict.reasons


def seconds(time_ns: int, since_ns: int) -> float:
    """Recorded time in seconds since `since_ns`, to the microsecond."""
    return round((time_ns - since_ns) / (1000 * MS), 6)
