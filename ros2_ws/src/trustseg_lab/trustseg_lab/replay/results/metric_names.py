# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Names of the figures that `--fail-on` may use."""

from __future__ import annotations

from collections.abc import Sequence

from trustseg.reasons import Reason
from trustseg_lab.replay.results.baseline import metric_names
from trustseg_lab.replay.results.summary import identifier


def known_metrics(classes: Sequence[str], with_baseline: bool) -> set[str]:
    """Every name that `--fail-on` may use."""
    reasons = {f"reason_{each.name}" for each in Reason if each.value and each.name}
    named = {name for name in metrics_of_nothing(classes) if not name.startswith("reason_")}
    return named | reasons | set(timing_names()) | (set(metric_names()) if with_baseline else set())


def metrics_of_nothing(classes: Sequence[str]) -> set[str]:
    """Names of the figures, without any drive."""
    fixed = (
        "frames", "processed", "rejected", "left_out", "rejected_share", "good_share", "complete", "duration_s",
        "start_up_s", "failures", "failures_per_hour", "failure_share", "flag_up_share", "longest_failure_s",
        "predicted_miou_mean", "predicted_miou_p05", "mean_confidence", "low_confidence_share", "miou", "accuracy",
        "mean_quality", "poor_frames", "missed", "missed_share", "false_alarm_share", "ece", "auroc",
        "flicker", "mask_change",
    )  # fmt: skip
    return {*fixed, *(f"{kind}_{identifier(name)}" for kind in ("iou", "flicker") for name in classes)}


def timing_names() -> list[str]:
    """Names of the measured figures."""
    measured = [f"{kind}_{q}_ms" for kind in ("latency", "engine", "decode") for q in ("p50", "p95", "p99", "max")]
    return [*measured, "wall_s", "frames_per_s", "share_of_the_limit"]
