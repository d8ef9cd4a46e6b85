# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node's statuses: one for every frame received, numbered without a gap, with counters that always add up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from std_msgs.msg import Header
from trustseg_interfaces.msg import SegmentationStatus

from trustseg.bounds import MS, Bounds
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Mode, Outcome, Reason, Severity, severity_of
from trustseg.stream import Received
from trustseg.types import PerceptionResult
from trustseg_ros.common.integrity import seal


@dataclass(frozen=True)
class EngineIdentity:
    """Which engine the statuses speak of; empty before one is loaded."""

    backend: str = ""
    precision: str = ""
    model_sha256: str = ""
    calibration_sha256: str = ""


@dataclass(frozen=True)
class Counts:
    """Answered frames by outcome; `taken_in` also counts those still on their way through the node."""

    taken_in: int = 0
    processed: int = 0
    skipped: int = 0
    rejected: int = 0

    @property
    def answered(self) -> int:
        """Frames that have their status."""
        return self.processed + self.skipped + self.rejected


@dataclass
class StatusPublisher:
    """Writes every status of one node's life.

    Args:
        publish: sends one SegmentationStatus.
        now: ROS time of the publication, as a builtin_interfaces Time.
        instance_id: random, never 0; a reader recognises a restart by it.
        mode: where stamps come from.
        bounds: the node's; the monitor is told what they derive from.
        fault_injection: whether backends may fail on demand.
        clock_ns: steady clock, the one of `Received.at_ns`.
    """

    publish: Callable[[SegmentationStatus], None]
    now: Callable[[], Any]
    instance_id: int
    mode: Mode
    bounds: Bounds
    fault_injection: bool = False
    clock_ns: Callable[[], int] = time.monotonic_ns
    engine: EngineIdentity = field(default_factory=EngineIdentity)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._seq = self._taken_in = 0
        self._outcomes = dict.fromkeys(Outcome, 0)

    @property
    def counts(self) -> Counts:
        """Counters so far."""
        with self._lock:
            by = self._outcomes
            return Counts(self._taken_in, by[Outcome.PROCESSED], by[Outcome.SKIPPED], by[Outcome.REJECTED])

    def take_in(self) -> None:
        """Note the receipt of a frame, which from now on is owed a status."""
        with self._lock:
            self._taken_in += 1

    def processed(
        self, frame: Received, result: PerceptionResult, reasons: Reason, severity: Severity, mask_crc32: int
    ) -> None:
        """The status of a frame that has a mask; `reasons` and `severity` are the node's final ones."""
        status = self._about(frame, Outcome.PROCESSED, reasons, severity)
        verdict = result.verdict
        status.failure_score = verdict.failure_score
        status.threshold = verdict.threshold
        status.recovery_threshold = verdict.recovery_threshold
        status.predicted_miou = verdict.predicted_miou
        status.miou_lower_bound = verdict.miou_lower_bound
        status.coverage = verdict.coverage
        status.mean_confidence = verdict.mean_confidence
        status.low_confidence_share = verdict.low_confidence_share
        status.corridor_mean_confidence = verdict.corridor_mean_confidence
        status.corridor_low_confidence_share = verdict.corridor_low_confidence_share
        status.engine_ms = result.engine_ms
        status.mask_crc32 = mask_crc32
        self._send(status, frame)

    def skipped(self, frame: Received) -> None:
        """The status of a frame that a newer one has overtaken: neither good nor bad."""
        self._send(self._about(frame, Outcome.SKIPPED, Reason.NONE, Severity.GOOD), frame)

    def rejected(self, frame: Received, reasons: Reason) -> None:
        """The status of a frame without a mask: it failed the checks, or the engine failed on it."""
        severity = max(Severity.HARD, severity_of(reasons))
        self._send(self._about(frame, Outcome.REJECTED, reasons, severity), frame)

    def about_node(self, reasons: Reason, severity: Severity) -> None:
        """A status about the node itself: zero header, no counter moves."""
        self._send(self._blank(Outcome.NO_FRAME, reasons, severity), None)

    def _about(self, frame: Received, outcome: Outcome, reasons: Reason, severity: Severity) -> SegmentationStatus:
        status = self._blank(outcome, reasons, severity)
        status.header = header_of(frame.message)
        status.image_age_ms = frame.age_ms
        return status

    def _blank(self, outcome: Outcome, reasons: Reason, severity: Severity) -> SegmentationStatus:
        status = SegmentationStatus()
        status.instance_id = self.instance_id
        status.outcome = int(outcome)
        status.frame_ok = outcome is Outcome.PROCESSED and not reasons
        status.severity = int(severity)
        status.reasons = int(reasons)
        status.first_reason = reasons.first()
        status.mode = int(self.mode)
        status.fault_injection = self.fault_injection
        status.camera_period_ns, status.slowest_period_ns, status.latency_budget_ns = self.bounds.timing
        return status

    def _send(self, status: SegmentationStatus, frame: Received | None) -> None:
        # One lock around counting and sending: seq and counters leave in the order in which they grew.
        with self._lock:
            self._seq += 1
            status.seq = self._seq
            if frame is not None:
                self._outcomes[Outcome(status.outcome)] += 1
                status.latency_ms = (self.clock_ns() - frame.at_ns) / MS
            by = self._outcomes
            status.processed, status.skipped = by[Outcome.PROCESSED], by[Outcome.SKIPPED]
            status.rejected = by[Outcome.REJECTED]
            # Frames still under way are owed a status and not yet in any counter, so that the sum always holds.
            status.received = status.processed + status.skipped + status.rejected
            engine = self.engine
            status.backend, status.precision = engine.backend, engine.precision
            status.model_sha256, status.calibration_sha256 = engine.model_sha256, engine.calibration_sha256
            status.calibrated = bool(engine.calibration_sha256)
            status.publish_stamp = self.now()
            status.publish_steady_ns, status.host_id = self.clock_ns(), host_id()
            seal(status)
            self.publish(status)


def header_of(message: Any) -> Header:
    """Header of an image message, unchanged."""
    return message.header
