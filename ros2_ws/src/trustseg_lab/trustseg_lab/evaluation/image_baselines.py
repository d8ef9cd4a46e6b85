# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scores of whole images that the verdict has to beat: the mean of each confidence map, and how ensembles agree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from trustseg_lab.evaluation.evaluator import ImageRecord
from trustseg_lab.metrics.images.image_verdicts import correlation, failure_auroc, image_aurc
from trustseg_lab.metrics.images.verdict_arrays import Judgements
from trustseg_lab.metrics.score_histogram import Floats

VERDICT, OOD_SCORE = "image_verdict", "ood_score"


def image_baselines(images: Sequence[ImageRecord], quality: Floats, judged: Judgements) -> dict[str, Any]:
    """AUROC of failure, AURC at the risk 1 - Q, Pearson and Spearman with Q of every score, larger being better.

    Images without a true quality (float64 (n,), NaN there) are left out, as `image_metrics` does.
    """
    known = np.isfinite(quality)
    scores: dict[str, Floats] = {VERDICT: 1.0 - judged.failure_score, OOD_SCORE: -judged.distance}
    for name in images[0].scores if images else ():
        scores[f"mean_{name}" if not name.startswith("ensemble_pair") else name] = np.array(
            [record.scores.get(name, float("nan")) for record in images]
        )
    return {name: _metrics(score[known], quality[known]) for name, score in scores.items()}


def _metrics(score: Floats, quality: Floats) -> dict[str, float]:
    return {
        "auroc": failure_auroc(score, quality), "aurc": image_aurc(quality, -score),
        "pearson": correlation(score, quality, ranks=False), "spearman": correlation(score, quality, ranks=True),
    }  # fmt: skip
