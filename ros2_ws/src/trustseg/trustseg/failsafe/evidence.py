# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What enters and leaves the fail-safe state machine: evidence, configuration, verdict. Pure data, nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg.bounds import MS, SECOND, Bounds
from trustseg.errors import InputError
from trustseg.reasons import Mode, Outcome, Reason, Severity, State, severity_of, what_is_wrong

# Soft reasons with which masks are still worth having: the vehicle may slow down instead of stopping.
DEGRADING_REASONS = (
    Reason.LOW_QUALITY | Reason.LOW_CONFIDENCE | Reason.STRANGE_SCENE | Reason.LATENCY | Reason.BACKEND_FALLBACK
    | Reason.LOW_RATE | Reason.FRAME_DROP | Reason.CAMERA_INFO | Reason.STATUS_SEQUENCE | Reason.UNKNOWN_OBJECT
)  # fmt: skip


# Fewer soft frames than this within a window are no habit, whatever their share.
SOFT_LEAST = 3


# A run of good frames takes its periods; a camera may hurry by this much.
RUN_SHARE = 0.7


@dataclass(frozen=True)
class Evidence:
    """What one SegmentationStatus says; every field is as received and trusted for nothing.

    Attributes:
        timing: camera period, slowest period and latency budget of the node, nanoseconds; None where node and state
            machine are one process with one configuration (replay).
        published_ns: when it was published, on the clock of the machine's `now_ns`; None where that is not known.
    """

    instance_id: int
    seq: int
    outcome: int = Outcome.PROCESSED
    frame_ok: bool = False
    severity: int = Severity.HARD
    reasons: int = 0
    failure_score: float = 1.0
    recovery_threshold: float = 0.0
    stamp_ns: int = 0
    mode: int = Mode.LIVE
    fault_injection: bool = False
    timing: tuple[int, int, int] | None = None
    published_ns: int | None = None


@dataclass(frozen=True)
class FailsafeConfig:
    """Counts of the state machine; times in nanoseconds.

    Attributes:
        bounds: every time bound, see `trustseg.bounds`.
        good_frames: good frames in a row that lead out of failure.
        soft_count, soft_window: this many soft frames among the newest `soft_window` are believed.
        soft_share: so is this share of the frames of `Bounds.rate_window_ns`, see `soft_least`.
        dwell_ns: FAILED lasts at least this long after its last bad frame.
        degraded_is_failure: whether DEGRADED raises the flag.
        backend_failures, backend_window_ns: this many BACKEND frames within the window latch.
        restart_limit, restart_window_ns: this many new instances within the window latch.

    Raises:
        InputError: soft_count is above soft_window or soft_share above 1, so that no soft fault would be believed.
    """

    bounds: Bounds
    good_frames: int = 10
    soft_count: int = 2
    soft_window: int = 3
    soft_share: float = 0.2
    dwell_ns: int = 500 * MS
    degraded_is_failure: bool = True
    backend_failures: int = 3
    backend_window_ns: int = 10 * SECOND
    restart_limit: int = 3
    restart_window_ns: int = 60 * SECOND

    @property
    def run_ns(self) -> int:
        """Least time that `good_frames` in a row take: a queue that is emptied at once proves nothing."""
        return round(RUN_SHARE * (self.good_frames - 1) * self.bounds.camera_period_ns)

    def soft_least(self, judged: int, skipped: int) -> float:
        """How many soft frames within `Bounds.rate_window_ns` are believed, `SOFT_LEAST` at the least.

        Of the frames that were judged, or that such a time holds where not so many have come yet. One that was skipped
        is neither good nor bad, so that it hides no habit of the others.
        """
        due = self.bounds.window_frames - skipped
        return max(SOFT_LEAST, self.soft_share * judged, int(self.soft_share * due))

    def __post_init__(self) -> None:
        if self.soft_count > self.soft_window:
            limit = f"at most soft_window ({self.soft_window})"
            raise InputError("soft_count", expected=limit, got=str(self.soft_count))
        if not 0.0 < self.soft_share <= 1.0:
            raise InputError("soft_share", expected="above 0 and at most 1", got=f"{self.soft_share:g}")


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
    mode: int = Mode.LIVE
    fault_injection: bool = False
    degraded_is_failure: bool = True


def worst_of(evidence: Evidence) -> tuple[Severity, Reason]:
    """Severity and reasons of a status, where contradictions count as the worse of what they could mean."""
    reasons, outcome = Reason(evidence.reasons), evidence.outcome
    # `not ... <= ...` also catches NaN.
    score_out_of_range = outcome == Outcome.PROCESSED and not 0.0 <= evidence.failure_score <= 1.0
    if evidence.severity not in tuple(Severity) or outcome not in tuple(Outcome) or score_out_of_range:
        return max(severity_of(reasons), Severity.HARD), reasons | Reason.STATUS_CORRUPT
    if evidence.mode not in tuple(Mode):
        reasons |= Reason.STATUS_CORRUPT
        return max(severity_of(reasons), Severity.HARD), reasons
    severity = max(Severity(evidence.severity), severity_of(reasons))
    wrong = what_is_wrong(reasons)
    rejected = outcome in (Outcome.REJECTED, Outcome.NO_FRAME)
    unexplained = outcome == Outcome.PROCESSED and not evidence.frame_ok and not wrong
    if rejected or unexplained:
        severity = max(severity, Severity.HARD)
    if severity >= Severity.SOFT and not wrong:
        reasons |= Reason.NODE_INACTIVE if outcome == Outcome.NO_FRAME else Reason.INTERNAL
    return severity, reasons
