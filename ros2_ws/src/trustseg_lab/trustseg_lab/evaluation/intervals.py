# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The part of metrics.json that says how far the figures would move on other blocks of the same drives."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustseg_lab.evaluation.evaluator import PUBLISHED, RANKED, EvaluationState
from trustseg_lab.metrics.bootstrap import (
    LEAST_BLOCKS,
    LEVEL,
    draws,
    interval_of,
    resample_rows,
    resample_scores,
)
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.metrics.images.image_verdicts import image_metrics
from trustseg_lab.metrics.images.verdict_arrays import Judgements
from trustseg_lab.metrics.score_histogram import Counts, Floats

BASE = "mcp"
# Scores whose scale is no probability of being right: their ranking counts, their calibration is undefined.
RANKINGS = ("trust_score", "mc_dropout_mutual_information", "ensemble_mutual_information")
RANKING_FIGURES = ("auroc", "fpr95", "aupr_error", "aupr_success", "aurc")
CALIBRATION_FIGURES = ("ece", "nll", "overconfidence")
IMAGE_FIGURES = (
    "quality_mean", "prevalence", "auroc", "aurc", "balanced_accuracy", "mae", "pearson", "spearman",
    "lower_bound_coverage",
)  # fmt: skip
# Image figures are computed one resample at a time: so many are enough for an interval.
IMAGE_RESAMPLES = 300


def intervals_document(
    state: EvaluationState, judged: Judgements, quality: Floats, threshold: float, resamples: int, seed: int
) -> dict[str, Any] | None:
    """Intervals of all figures and of every score's difference to MCP; None where none are asked for, or where there
    is one block only."""
    blocks = state.blocks.blocks
    if not resamples or blocks < LEAST_BLOCKS:
        return None
    weight = draws(blocks, resamples, seed)
    scores = resample_scores(state.blocks.scores, state.signals, weight)
    names = [name for name in scores.resampled if name not in (RANKED, PUBLISHED)]
    confidence = {name: _told(name, scores.intervals(name)) for name in names}
    differences = {name: _told(name, scores.differences(name, BASE)) for name in names if name != BASE}
    if RANKED in scores.resampled and PUBLISHED in scores.resampled:
        confidence["fused"] = _both(scores.intervals(RANKED), scores.intervals(PUBLISHED))
        differences["fused"] = _both(scores.differences(RANKED, BASE), scores.differences(PUBLISHED, BASE))
    block = np.array([record.block for record in state.images], np.int64)

    def figures(rows: Counts) -> dict[str, float]:
        found = image_metrics(
            quality[rows], judged.failure_score[rows], judged.quality[rows], judged.lower_bound[rows], threshold
        )
        return {name: getattr(found, name) for name in IMAGE_FIGURES}

    return {
        "resamples": resamples, "blocks": blocks, "level": LEVEL, "seed": seed,
        "unit": "contiguous blocks of images of one drive; all scores, masks and verdicts by the same draws",
        "segmentation": _segmentation(state, weight), "confidence": confidence, "difference_to_mcp": differences,
        "image": resample_rows(block, weight[:IMAGE_RESAMPLES], figures),
    }  # fmt: skip


def _told(name: str, figures: dict[str, Any]) -> dict[str, Any]:
    """Without the calibration of a score that is no probability."""
    return {key: each for key, each in figures.items() if name not in RANKINGS or key in RANKING_FIGURES}


def _both(ranking: dict[str, Any], calibrated: dict[str, Any]) -> dict[str, Any]:
    """Figures of the ranking from the one, of the calibration from the other."""
    kept = {name: each for name, each in ranking.items() if name in RANKING_FIGURES}
    return kept | {name: each for name, each in calibrated.items() if name in CALIBRATION_FIGURES}


def _segmentation(state: EvaluationState, weight: Counts) -> dict[str, Any]:
    classes = state.confusion.classes
    counts = np.tensordot(weight, state.block_confusion, axes=(1, 0))
    matrices = [ConfusionMatrix(classes, each) for each in counts]
    return {
        "miou": interval_of(np.array([each.miou() for each in matrices])),
        "accuracy": interval_of(np.array([each.accuracy() for each in matrices])),
    }
