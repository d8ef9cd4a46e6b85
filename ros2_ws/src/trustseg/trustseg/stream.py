# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One image topic: from a received message to the evidence about its frame. Node, replay and soak all call this.

`receive` checks a message where it arrives and is cheap; `process` decodes it, lets the engine segment it and says what
came of it. Neither raises for what a message holds: whatever goes wrong is evidence.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import Any

from trustseg.bounds import MS, Bounds
from trustseg.errors import BackendError, FrameRejected
from trustseg.frames import FrameIntake, IntakeConfig, SourceCheck
from trustseg.reasons import Mode, Outcome, Reason, Severity, severity_of
from trustseg.types import Frame, PerceptionResult

Clocks = Callable[[], tuple[int, int]]


@dataclass(frozen=True)
class FrameEvidence:
    """What is known of one frame.

    Attributes:
        outcome, reasons, severity: for the state machine; a rejected frame is a hard fault whatever its reason.
        why: what was wrong with a rejected frame; else empty.
        error: what the engine or this program raised; None for all else.
        frame, result: decoded image and its result; None for a rejected frame.
        decode_ms, process_ms: durations, milliseconds.
    """

    outcome: Outcome
    reasons: Reason
    severity: Severity
    why: str = ""
    error: Exception | None = None
    frame: Frame | None = None
    result: PerceptionResult | None = None
    decode_ms: float = 0.0
    process_ms: float = 0.0

    @classmethod
    def rejected(cls, reasons: Reason, why: str, error: Exception | None = None) -> FrameEvidence:
        """Evidence about a frame that has no mask."""
        return cls(Outcome.REJECTED, reasons, max(Severity.HARD, severity_of(reasons)), why, error)

    def with_reasons(self, reasons: Reason, severity: Severity = Severity.GOOD) -> FrameEvidence:
        """The same with more reasons, and at least `severity`."""
        reasons |= self.reasons
        return replace(self, reasons=reasons, severity=max(self.severity, severity, severity_of(reasons)))


@dataclass(frozen=True)
class Received:
    """One image message at its receipt.

    Attributes:
        message: sensor_msgs Image or CompressedImage.
        at_ns: steady clock.
        age_ms: clock minus header stamp at receipt, milliseconds; NaN where the mode gives it no meaning.
        compressed: which of the two it is.
        refusal: evidence about a message that fails the checks; None for all others.
    """

    message: Any
    at_ns: int
    age_ms: float = math.nan
    compressed: bool = False
    refusal: FrameEvidence | None = field(default=None, compare=False)


class Stream:
    """One camera's messages, in their order of arrival.

    Args:
        bounds: of the stream.
        intakes: the checks of each type of message that the stream has, by whether it is compressed.
        steady: measures durations, seconds; nothing but the durations depends on it.
    """

    def __init__(
        self, bounds: Bounds, intakes: Mapping[bool, FrameIntake], steady: Callable[[], float] = perf_counter
    ) -> None:
        self._bounds, self._intakes, self._steady = bounds, dict(intakes), steady
        self._usual = next(iter(self._intakes))
        self._source = SourceCheck()

    @classmethod
    def of(
        cls,
        bounds: Bounds,
        mode: Mode,
        *,
        max_pixels: int,
        allow_resolution_change: bool = False,
        compressed: bool | None = None,
        steady: Callable[[], float] = perf_counter,
    ) -> Stream:
        """A stream of raw or of `compressed` images; of both (None), stamps and sizes are held against each other."""
        kinds = (False, True) if compressed is None else (compressed,)
        intakes: dict[bool, FrameIntake] = {}
        for kind in kinds:
            config = IntakeConfig(mode, kind, max_pixels, allow_resolution_change)
            intakes[kind] = FrameIntake(config, bounds, intakes.get(False))
        return cls(bounds, intakes, steady)

    def allow_resolution_change(self, allow: bool) -> None:
        """Change that rule while running, see `FrameIntake.allow_resolution_change`."""
        for intake in self._intakes.values():
            intake.allow_resolution_change(allow)

    def receive(self, message: Any, at_ns: int, clocks: Clocks, compressed: bool | None = None) -> Received:
        """Check everything that needs no pixels; cheap enough for a callback.

        Args:
            message: sensor_msgs Image or CompressedImage: rclpy's and rosbags' alike.
            at_ns: receipt, steady clock.
            clocks: reads (the clock that stamps are made with, the steady clock) at one moment, nanoseconds.
            compressed: which type the message is of, where the stream has both.
        """
        kind = self._usual if compressed is None else compressed
        received = Received(message, at_ns, compressed=kind)
        try:
            return replace(received, age_ms=self._intakes[kind].check(message, *clocks()))
        except FrameRejected as error:
            refusal = FrameEvidence.rejected(Reason(error.reason), str(error))
        except Exception as error:
            refusal = FrameEvidence.rejected(Reason.INTERNAL, _said(error), error)
        return replace(received, refusal=refusal)

    def process(
        self, received: Received, segment: Callable[[Frame], PerceptionResult], waited_ns: int = 0
    ) -> FrameEvidence:
        """Decode a message that `receive` let pass, segment it, and add what only the stream can see.

        Args:
            received: from `receive`.
            segment: `Pipeline.process`, under whatever lock its owner needs.
            waited_ns: from receipt to the begin of this call.
        """
        started = self._steady()
        try:
            frame = self._intakes[received.compressed].decode(received.message)
            decoded = self._steady()
            result = segment(frame)
        except FrameRejected as error:
            return FrameEvidence.rejected(Reason(error.reason), str(error))
        except BackendError as error:
            return FrameEvidence.rejected(Reason.BACKEND, str(error), error)
        except Exception as error:
            return FrameEvidence.rejected(Reason.INTERNAL, _said(error), error)
        ended = self._steady()
        reasons = result.verdict.reasons
        if received.age_ms * MS + waited_ns > self._bounds.backlog_ns:
            reasons |= Reason.BACKLOG  # NaN, where age has no meaning, never is
        if not self._source.same(frame.frame_id):
            reasons |= Reason.MULTI_SOURCE
        return FrameEvidence(
            Outcome.PROCESSED, reasons, max(result.verdict.severity, severity_of(reasons)), frame=frame, result=result,
            decode_ms=(decoded - started) * 1e3, process_ms=(ended - decoded) * 1e3,
        )  # fmt: skip

    def timed(self, evidence: FrameEvidence, latency_ns: int) -> FrameEvidence:
        """The same, with LATENCY where the frame took too long from receipt to now, nanoseconds."""
        if latency_ns <= self._bounds.latency_soft_ns:
            return evidence
        hard = latency_ns > self._bounds.latency_hard_ns
        return evidence.with_reasons(Reason.LATENCY, Severity.HARD if hard else Severity.SOFT)


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
