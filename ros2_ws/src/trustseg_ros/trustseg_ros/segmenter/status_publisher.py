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
from trustseg.failsafe.messages import EngineIdentity, StatusSource, status_fields
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Mode, Outcome, Reason, Severity, severity_of
from trustseg.stream import Received
from trustseg.types import PerceptionResult
from trustseg_ros.common.integrity import seal


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
        self._source = StatusSource(self.instance_id, self.mode, self.bounds.timing, self.fault_injection)

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
        more = {"verdict": result.verdict, "engine_ms": result.engine_ms, "mask_crc32": mask_crc32}
        self._send(frame, Outcome.PROCESSED, reasons, severity, **more)

    def skipped(self, frame: Received) -> None:
        """The status of a frame that a newer one has overtaken: neither good nor bad."""
        self._send(frame, Outcome.SKIPPED, Reason.NONE, Severity.GOOD)

    def rejected(self, frame: Received, reasons: Reason) -> None:
        """The status of a frame without a mask: it failed the checks, or the engine failed on it."""
        self._send(frame, Outcome.REJECTED, reasons, max(Severity.HARD, severity_of(reasons)))

    def about_node(self, reasons: Reason, severity: Severity) -> None:
        """A status about the node itself: zero header, no counter moves."""
        self._send(None, Outcome.NO_FRAME, reasons, severity)

    def _send(self, frame: Received | None, outcome: Outcome, reasons: Reason, severity: Severity, **more: Any) -> None:
        # One lock around counting and sending: seq and counters leave in the order in which they grew.
        with self._lock:
            self._seq += 1
            # Read before anything is filled in: of a process that is stopped on the way the status is old, not new.
            stamp, now_ns = self.now(), self.clock_ns()
            if frame is not None:
                self._outcomes[outcome] += 1
                more |= {"image_age_ms": frame.age_ms, "latency_ms": (now_ns - frame.at_ns) / MS}
            fields = status_fields(
                self._source, self.engine, seq=self._seq, counts=self._outcomes, outcome=outcome, reasons=reasons,
                severity=severity, **more,
            )  # fmt: skip
            status = SegmentationStatus(header=Header() if frame is None else header_of(frame.message), **fields)
            status.publish_stamp, status.publish_steady_ns, status.host_id = stamp, now_ns, host_id()
            seal(status)
            self.publish(status)


def header_of(message: Any) -> Header:
    """Header of an image message, unchanged."""
    return message.header
