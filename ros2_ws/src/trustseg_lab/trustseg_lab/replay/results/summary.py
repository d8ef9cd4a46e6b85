# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`summary.json` and `timing.json`: what a drive comes to. The first is the same in every run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from trustseg.bounds import SECOND
from trustseg.bundle.loading import Bundle
from trustseg.reasons import Reason
from trustseg_lab.data import shown
from trustseg_lab.replay.camera_replay import DriveMetrics
from trustseg_lab.replay.job import ReplayJob, ReplayOptions
from trustseg_lab.replay.results.flag import Failure
from trustseg_lab.replay.results.flicker import FlickerCounts
from trustseg_lab.replay.results.totals import DriveTotals
from trustseg_lab.replay.results.truth import TruthTotals
from trustseg_lab.replay.timeline import seconds
from trustseg_lab.replay.versions import versions

SCHEMA_VERSION = 1
HOUR_S = 3600.0
NAN = float("nan")


def metrics_of(drives: Sequence[DriveTotals], class_names: Sequence[str]) -> dict[str, float]:
    """Every figure that a gate may name, over all drives together; NaN where undefined."""
    tallies, flags = [d.tally for d in drives], [d.flag for d in drives]
    images = sum(t.images for t in tallies)
    processed, rejected = sum(t.processed for t in tallies), sum(t.rejected for t in tallies)
    judged = processed + rejected
    duration_s = sum((d.tally.last_ns - d.tally.first_ns + d.period_ns) / SECOND for d in drives)
    start_up_s, up_s = sum(f.start_up_ns for f in flags) / SECOND, sum(f.up_ns() for f in flags) / SECOND
    failures = [each for flag in flags for each in flag.failures]
    predicted = np.concatenate([np.frombuffer(t.predicted) for t in tallies])
    after_start_s = duration_s - start_up_s
    found = {
        "frames": float(images), "processed": float(processed), "rejected": float(rejected),
        "left_out": float(sum(t.left_out for t in tallies)), "rejected_share": _share(rejected, judged),
        "good_share": _share(sum(t.good for t in tallies), judged),
        "complete": float(not any(d.losses for d in drives)), "duration_s": duration_s, "start_up_s": start_up_s,
        "failures": float(len(failures)), "failures_per_hour": _share(len(failures) * HOUR_S, duration_s),
        "failure_share": _share(up_s, after_start_s), "flag_up_share": _share(up_s + start_up_s, duration_s),
        "longest_failure_s": max((each.duration_s for each in failures), default=0.0),
        "predicted_miou_mean": _mean(predicted), "predicted_miou_p05": _quantile(predicted, 0.05),
        "mean_confidence": _mean(np.concatenate([np.frombuffer(t.confidence) for t in tallies])),
        "low_confidence_share": _mean(np.concatenate([np.frombuffer(t.low_share) for t in tallies])),
    }  # fmt: skip
    for reason in Reason:
        if reason.name and reason.value:
            found[f"reason_{reason.name}"] = _share(sum(t.reasons[reason.name] for t in tallies), judged)
    truth = truth_of(drives)
    document = truth.document(list(class_names)) if truth else None
    named = ("miou", "accuracy", "mean_quality", "poor_frames", "missed", "missed_share", "false_alarm_share")
    found |= {name: float(document[name]) if document else NAN for name in named}
    for name in ("ece", "auroc"):
        found[name] = float(document["confidence"][name]) if document else NAN
    for name in class_names:
        found[f"iou_{identifier(name)}"] = float(document["class_iou"][name]) if document else NAN
    flicker = flicker_of(drives)
    found |= flicker.figures()
    return found | {f"flicker_{identifier(each['name'])}": each["flicker"] for each in flicker.by_class(class_names)}


def timing_of(drives: Sequence[DriveTotals]) -> dict[str, float]:
    """Measured times, milliseconds, over all drives; part of what a gate may name."""
    found: dict[str, float] = {}
    for name in ("latency", "engine", "decode"):
        values = np.concatenate([np.frombuffer(getattr(d.tally, f"{name}_ms")) for d in drives])
        for label, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)):
            found[f"{name}_{label}_ms"] = _quantile(values, share)
    wall_s = sum(d.wall_s for d in drives)
    found["wall_s"] = wall_s
    found["frames_per_s"] = _share(sum(d.tally.images for d in drives), wall_s)
    decoded_s = sum(sum(d.tally.decode_ms) + sum(d.tally.engine_ms) for d in drives) / 1e3
    found["share_of_the_limit"] = _share(decoded_s, wall_s)
    return found


def flicker_of(drives: Sequence[DriveTotals]) -> FlickerCounts:
    """Counts of all frames of all drives."""
    total = FlickerCounts()
    for each in drives:
        total.merge(each.tally.flicker)
    return total


def truth_of(drives: Sequence[DriveTotals]) -> TruthTotals | None:
    """Counts of all labelled frames of all drives."""
    given = [d.truth for d in drives if d.truth is not None]
    if not given:
        return None
    total = TruthTotals(given[0].classes, given[0].void)
    for each in given:
        total.merge(each)
    return total


def drive_document(job: ReplayJob, bundle: Bundle, drive: DriveMetrics) -> dict[str, Any]:
    """summary.json of one drive."""
    card, tally, options = bundle.card, drive.tally, job.options
    names = [each.name for each in card.classes]
    truth = truth_of([drive])
    return {
        "schema_version": SCHEMA_VERSION,
        "input": {
            "name": shown(job.path.name), "topic": job.topic, "fingerprint": drive.fingerprint,
            "first_ns": tally.first_ns, "last_ns": tally.last_ns,
            "rate_hz": SECOND / drive.period_ns, "complete": not drive.losses,
            "losses": drive.losses,
        },
        "bundle": {
            "name": card.name, "backend": drive.backend, "precision": options.precision,
            "model_sha256": bundle.model(options.precision).sha256,
            "calibration_sha256": bundle.calibration_sha256(options.precision),
            "classes": [{"name": each.name, "color": list(each.color)} for each in card.classes],
        },
        "settings": settings_of(options),
        "metrics": metrics_of([drive], names),
        "reasons": dict(sorted(tally.reasons.items())),
        "rejected": {
            name: {"frames": each.frames, "first": each.seqs, "why": each.why}
            for name, each in sorted(tally.rejections.items())
        },
        "failures": [_failure(each, tally.first_ns) for each in drive.flag.failures],
        "failures_without_pictures": drive.events_without_pictures,
        "changes": [
            {
                "time_s": seconds(each.time_ns, tally.first_ns), "state": each.verdict.state.name,
                "failure": each.verdict.failure, "reasons": each.verdict.reasons.names(),
            }
            for each in drive.flag.changes
        ],
        "changes_in_all": drive.flag.changes_in_all,
        "confidence": drive.tables.document(),
        "truth": truth.document(names) if truth else None,
        "flicker": tally.flicker.by_class(names),
        **({} if drive.selective is None else {"selective_risk": drive.selective}),
        "instance_id": drive.instance_id,
        "versions": versions() | {drive.backend: drive.backend_version},
    }  # fmt: skip


def settings_of(options: ReplayOptions) -> dict[str, Any]:
    """All that decides about the results beside input and bundle; what is new here gets its former value in
    `trustseg_lab.replay.results.baseline.FORMER`."""
    geometry = options.geometry
    return {
        "start_s": options.start_s, "end_s": options.end_s, "every": options.every, "live": options.live,
        "latency_budget_ms": options.latency_budget_ms, "threads": options.threads, "labels": bool(options.labels),
        "void": options.void, "temporal_filter": options.temporal_filter, "selective_risk": options.selective_risk,
        "missed_errors": options.missed_errors, "recorded_stamps": options.recorded_stamps, "frozen": options.frozen,
        "allow_resolution_change": options.allow_resolution_change, "input_geometry": geometry.describe(),
        "camera": None if geometry.camera is None else sha256(repr(geometry.camera).encode()).hexdigest()[:16],
    }  # fmt: skip


def _failure(each: Failure, first_ns: int) -> dict[str, Any]:
    return {
        "start_s": seconds(each.start_ns, first_ns), "end_s": seconds(each.end_ns, first_ns), "open": each.open,
        "start_seq": each.start_seq, "first_reason": each.first_reason, "reasons": each.reasons.names(),
        "states": [state.name for state in each.states],
    }  # fmt: skip


def identifier(name: str) -> str:
    """A class's name as part of a name in the gate's language."""
    return re.sub(r"\W", "_", name)


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else NAN


def _mean(values: np.ndarray[Any, np.dtype[np.float64]]) -> float:
    return float(values.mean()) if values.size else NAN


def _quantile(values: np.ndarray[Any, np.dtype[np.float64]], share: float) -> float:
    return float(np.quantile(values, share)) if values.size else NAN
