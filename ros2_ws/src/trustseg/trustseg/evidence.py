"""What enters and leaves the fail-safe state machine: evidence, configuration, verdict. Pure data, nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg.bounds import MS, SECOND, Bounds
from trustseg.errors import InputError
from trustseg.reasons import Outcome, Reason, Severity, State, severity_of

# Soft reasons with which masks are still worth having: the vehicle may slow down instead of stopping.
DEGRADING_REASONS = (
    Reason.LOW_QUALITY | Reason.LOW_CONFIDENCE | Reason.STRANGE_SCENE | Reason.LATENCY | Reason.BACKEND_FALLBACK
    | Reason.LOW_RATE | Reason.FRAME_DROP | Reason.CAMERA_INFO | Reason.STATUS_SEQUENCE
)  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What one SegmentationStatus says; every field is as received and trusted for nothing."""

    instance_id: int
    seq: int
    outcome: int = Outcome.PROCESSED
    frame_ok: bool = False
    severity: int = Severity.HARD
    reasons: int = 0
    failure_score: float = 1.0
    recovery_threshold: float = 0.0
    stamp_ns: int = 0


@dataclass(frozen=True)
class FailsafeConfig:
    """Counts of the design's table; times in nanoseconds.

    Attributes:
        bounds: every time bound, see `trustseg.bounds`.
        good_frames: good frames in a row that lead out of failure.
        soft_count, soft_window: this many soft frames among the newest `soft_window` are believed.
        dwell_ns: FAILED lasts at least this long after its last bad frame.
        degraded_is_failure: whether DEGRADED raises the flag.
        backend_failures, backend_window_ns: this many BACKEND frames within the window latch.
        restart_limit, restart_window_ns: this many new instances within the window latch.

    Raises:
        InputError: soft_count is above soft_window, so that no soft fault would ever be believed.
    """

    bounds: Bounds
    good_frames: int = 10
    soft_count: int = 2
    soft_window: int = 3
    dwell_ns: int = 500 * MS
    degraded_is_failure: bool = True
    backend_failures: int = 3
    backend_window_ns: int = 10 * SECOND
    restart_limit: int = 3
    restart_window_ns: int = 60 * SECOND

    def __post_init__(self) -> None:
        if self.soft_count > self.soft_window:
            limit = f"at most soft_window ({self.soft_window})"
            raise InputError("soft_count", expected=limit, got=str(self.soft_count))


@dataclass(frozen=True)
class Snapshot:
    """The verdict at one moment; `source_age_ns` is None before the first status."""

    state: State
    failure: bool
    reasons: Reason
    latched: Reason
    first_reason: str
    failure_score: float
    source_instance_id: int
    source_seq: int
    source_age_ns: int | None
    good_in_row: int
    restarts: int


def worst_of(evidence: Evidence) -> tuple[Severity, Reason]:
    """Severity and reasons of a status, where contradictions count as the worse of what they could mean."""
    reasons, outcome = Reason(evidence.reasons), evidence.outcome
    # `not ... <= ...` also catches NaN.
    score_out_of_range = outcome == Outcome.PROCESSED and not 0.0 <= evidence.failure_score <= 1.0
    if evidence.severity not in tuple(Severity) or outcome not in tuple(Outcome) or score_out_of_range:
        return max(severity_of(reasons), Severity.HARD), reasons | Reason.STATUS_CORRUPT
    severity = max(Severity(evidence.severity), severity_of(reasons))
    rejected = outcome in (Outcome.REJECTED, Outcome.NO_FRAME)
    unexplained = outcome == Outcome.PROCESSED and not evidence.frame_ok and not reasons
    if rejected or unexplained:
        severity = max(severity, Severity.HARD)
    if severity >= Severity.SOFT and not reasons:
        reasons = Reason.NODE_INACTIVE if outcome == Outcome.NO_FRAME else Reason.INTERNAL
    return severity, reasons
