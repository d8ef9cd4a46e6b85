# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the fitted image verdict is worth, by group of views, beside the baselines that it has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trustseg.bundle.calibration_file import SceneShift
from trustseg_lab.calibrate.fits.scene_shift_fit import overconfidence
from trustseg_lab.calibrate.fits.verdict_fit import VerdictFit
from trustseg_lab.calibrate.verdict_intervals import VerdictIntervals, verdict_intervals
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.images.image_verdicts import ImageMetrics, failure_auroc, image_metrics
from trustseg_lab.metrics.images.verdict_arrays import Judgements
from trustseg_lab.metrics.images.view_rows import Bools, CalibrationRows, Ints
from trustseg_lab.metrics.score_histogram import Floats

HARD_SEVERITY = 0.7


@dataclass(frozen=True)
class GroupMetrics:
    """One group of views; their quality and scores are predicted by models that have not seen their blocks. Threshold,
    OOD limit, lower bound and confidence table are the final ones, fitted on all views but the held-out kinds.

    Attributes:
        verdict: figures of failure score, predicted quality and lower bound.
        flagged_failures, flagged_good: share of true failures, and of good views, that failure score or OOD score
            flags.
        flagged_balanced_accuracy: of that combined flag.
        ood_share: share of views whose OOD score is above the limit.
        auroc_mean_confidence: AUROC of failure by mean calibrated confidence alone: the baseline.
        auroc_ood_score: AUROC of failure by distance alone.
        intervals: of AUROC, its gain over mean confidence, and that combined flag's balanced accuracy.
        overconfidence, overconfidence_unshifted: mean of calibrated confidence minus accuracy over the views, with the
            scene's shift and without it.
    """

    verdict: ImageMetrics
    flagged_failures: float
    flagged_good: float
    flagged_balanced_accuracy: float
    ood_share: float
    auroc_mean_confidence: float
    auroc_ood_score: float
    intervals: VerdictIntervals
    overconfidence: float
    overconfidence_unshifted: float


def groups_of(rows: CalibrationRows) -> dict[str, Bools]:
    """Views by what they say: clean ones, trouble that was fitted on, trouble that was not, the hard part of that."""
    unseen_clean = rows.clean & ~rows.seen & ~rows.elsewhere
    found = {"clean": unseen_clean}
    for source in sorted(set(rows.source[unseen_clean].tolist())):
        # The folder's name alone: the report travels with the bundle, the path belongs to one machine.
        label = f"clean, {Path(source).name}"
        rows_here = unseen_clean & (rows.source == source)
        found[label] = found[label] | rows_here if label in found else rows_here
    for source in sorted(set(rows.source[rows.elsewhere].tolist())):
        # By the last two names: many a folder of images is called images.
        name, there = "/".join(Path(source).parts[-2:]), rows.elsewhere & (rows.source == source)
        found[f"elsewhere, {name}"] = there & rows.clean
        found[f"elsewhere, {name}, in trouble"] = there & ~rows.clean
    found["fitted kinds"] = ~rows.clean & ~rows.held_out & ~rows.elsewhere
    found["held-out kinds"] = rows.held_out
    found[f"held-out kinds, severity >= {HARD_SEVERITY}"] = rows.held_out & (rows.severity >= HARD_SEVERITY)
    for kind in sorted(set(rows.kind[rows.held_out].tolist())):
        found[f"held out: {kind}"] = rows.held_out & (rows.kind == kind)
    return found


def group_metrics(
    rows: CalibrationRows, fit: VerdictFit, table: Floats, shift: SceneShift | None
) -> dict[str, GroupMetrics]:
    """Figures of every group that has views; `table` float64 (256,) is the fitted confidence table."""
    excess = overconfidence(rows, fit.crossed.quality, table, shift)
    unshifted = overconfidence(rows, fit.crossed.quality, table, None)
    totals = rows.codes.sum(axis=1)
    confidence = totals @ table / totals.sum(axis=1)
    return {
        name: _metrics(
            rows.quality[keep],
            rows.block[keep],
            _kept(fit.crossed, keep),
            confidence[keep],
            fit,
            (excess[keep], unshifted[keep]),
        )
        for name, keep in groups_of(rows).items()
        if keep.any()
    }


def _kept(judged: Judgements, keep: Bools) -> Judgements:
    return Judgements(judged.quality[keep], judged.failure_score[keep], judged.distance[keep], judged.lower_bound[keep])


def _metrics(
    quality: Floats, block: Ints, judged: Judgements, confidence: Floats, fit: VerdictFit,
    excess: tuple[Floats, Floats],
) -> GroupMetrics:  # fmt: skip
    threshold, ood = fit.model.failure_threshold, fit.model.ood_score
    failed = quality < FAILURE_BELOW
    unusual = judged.distance > ood.limit if ood else np.zeros(len(quality), bool)
    flagged = (judged.failure_score >= threshold) | unusual
    found, alarms = _share(flagged[failed]), _share(flagged[~failed])
    return GroupMetrics(
        verdict=image_metrics(quality, judged.failure_score, judged.quality, judged.lower_bound, threshold),
        flagged_failures=found, flagged_good=alarms, flagged_balanced_accuracy=(found + 1.0 - alarms) / 2.0,
        ood_share=_share(unusual), auroc_mean_confidence=failure_auroc(confidence, quality),
        auroc_ood_score=failure_auroc(-judged.distance, quality),
        intervals=verdict_intervals(block, failed, judged.failure_score, -confidence, flagged),
        overconfidence=float(excess[0].mean()),
        overconfidence_unshifted=float(excess[1].mean()),
    )  # fmt: skip


def _share(values: Bools) -> float:
    return float(values.mean()) if values.size else float("nan")
