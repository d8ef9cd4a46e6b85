# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fields of SegmentationStatus and FailureState, for rclpy's messages and for those of a bag alike.

Headers, times as messages and the checksum are the sender's: each kind of message has its own classes for them.
Standard library only: the monitor imports this.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trustseg.bounds import MS
from trustseg.failsafe.evidence import Snapshot
from trustseg.reasons import Mode, Outcome, Reason, Severity

VERSION = 2
# Figures of a frame's verdict that its status carries under the same name; of a frame without a verdict.
SCORES: dict[str, float] = {
    "failure_score": 1.0,
    "threshold": 0.0,
    "recovery_threshold": 0.0,
    "predicted_miou": 0.0,
    "miou_lower_bound": 0.0,
    "coverage": 0.0,
    "mean_confidence": 0.0,
    "low_confidence_share": 0.0,
    "corridor_mean_confidence": 0.0,
    "corridor_low_confidence_share": 0.0,
}


@dataclass(frozen=True)
class EngineIdentity:
    """Which engine the statuses speak of; empty before one is loaded.

    `told`: what each status says on account of it, of the reasons that only inform.
    """

    backend: str = ""
    precision: str = ""
    model_sha256: str = ""
    calibration_sha256: str = ""
    told: Reason = Reason.NONE


@dataclass(frozen=True)
class StatusSource:
    """What does not change from status to status of one node's life.

    Attributes:
        instance_id: random, never 0.
        mode: where stamps come from.
        timing: what the bounds derive from, see `Bounds.timing`, nanoseconds.
        fault_injection: whether backends may fail on demand.
    """

    instance_id: int
    mode: Mode
    timing: tuple[int, int, int]
    fault_injection: bool = False


def status_fields(
    source: StatusSource,
    engine: EngineIdentity,
    *,
    seq: int,
    counts: Mapping[Outcome, int],
    outcome: Outcome,
    reasons: Reason,
    severity: Severity,
    verdict: Any = None,
    image_age_ms: float = 0.0,
    latency_ms: float = 0.0,
    engine_ms: float = 0.0,
    mask_crc32: int = 0,
) -> dict[str, Any]:
    """Fields of one SegmentationStatus, without header, publication and checksum.

    Args:
        source, engine: who speaks, and of which engine.
        seq: number of this status. counts: answered frames by outcome, this one's included.
        outcome, reasons, severity: the evidence.
        verdict: the frame's `FrameVerdict`, None for a frame without a mask.
        image_age_ms, latency_ms, engine_ms: milliseconds. mask_crc32: of the mask as published.
    """
    period_ns, slowest_ns, budget_ns = source.timing
    said = reasons | engine.told
    scores = SCORES if verdict is None else {name: float(getattr(verdict, name)) for name in SCORES}
    return {
        "version": VERSION, "instance_id": source.instance_id, "seq": seq, "outcome": int(outcome),
        "frame_ok": outcome is Outcome.PROCESSED and not reasons, "severity": int(severity),
        "reasons": int(said),
        "first_reason": said.first(), **scores, "calibrated": bool(engine.calibration_sha256),
        "image_age_ms": image_age_ms, "latency_ms": latency_ms, "engine_ms": engine_ms,
        # Frames still under way are owed a status and not yet in any counter, so that the sum always holds.
        "received": sum(counts[each] for each in ANSWERS), "processed": counts[Outcome.PROCESSED],
        "skipped": counts[Outcome.SKIPPED], "rejected": counts[Outcome.REJECTED],
        "mode": int(source.mode), "fault_injection": source.fault_injection,
        "camera_period_ns": period_ns, "slowest_period_ns": slowest_ns, "latency_budget_ns": budget_ns,
        "backend": engine.backend, "precision": engine.precision, "model_sha256": engine.model_sha256,
        "calibration_sha256": engine.calibration_sha256, "mask_crc32": mask_crc32,
    }  # fmt: skip


ANSWERS = (Outcome.PROCESSED, Outcome.SKIPPED, Outcome.REJECTED)


def verdict_fields(snapshot: Snapshot) -> dict[str, Any]:
    """Fields of one FailureState, without header, identity, validity, publication and checksum."""
    score = snapshot.failure_score
    return {
        "version": VERSION, "source_instance_id": snapshot.source_instance_id, "source_seq": snapshot.source_seq,
        "state": int(snapshot.state), "failure": snapshot.failure, "reasons": int(snapshot.reasons),
        "latched_reasons": int(snapshot.latched), "first_reason": snapshot.first_reason,
        "failure_score": min(score, 1.0) if score >= 0.0 else 1.0,  # also where it is no number
        "source_age_ms": age_ms(snapshot), "good_in_row": snapshot.good_in_row, "restarts": snapshot.restarts,
        "mode": int(snapshot.mode), "fault_injection": snapshot.fault_injection,
        "degraded_is_failure": snapshot.degraded_is_failure,
    }  # fmt: skip


def age_ms(snapshot: Snapshot) -> float:
    """Age of the newest status, milliseconds; infinite where there is none."""
    return math.inf if snapshot.source_age_ns is None else snapshot.source_age_ns / MS
