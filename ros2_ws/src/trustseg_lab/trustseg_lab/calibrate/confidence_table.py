# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The 256-entry confidence calibration: from the graph's confidence code to P(pixel right), by isotonic regression.

Fitted on counts of right and wrong pixels per code (Zadrozny and Elkan, KDD 2002); what it is worth is told by tables
that were fitted without the block they are measured on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.isotonic import IsotonicRegression

from trustseg_lab.metrics.calibration_error import adaptive_ece, ece, reliability_points
from trustseg_lab.metrics.images.view_rows import CalibrationRows, folds_by_block
from trustseg_lab.metrics.proper_scores import nll
from trustseg_lab.metrics.score_histogram import CORRECT, Counts, Floats, ScoreHistogram, histogram_of_codes

# Pixels worth of belief in the uncalibrated score at each code: decides only where hardly any pixel was seen.
PRIOR_PIXELS = 50.0
# A code is never promised to be always right or always wrong, however many pixels agree: unseen drives differ.
SURE_LIMIT = 1e-4


@dataclass(frozen=True)
class TableFit:
    """A table and what cross-fitting says of it.

    Attributes:
        table: float64 (256,) in [0, 1], not falling.
        ece_before, ece_after, adaptive_ece_before, adaptive_ece_after, nll_before, nll_after: over the pixels of all
            folds, before by the score itself, after by the table of the other folds.
        pixels, views, folds: how much it rests on.
        reliability_before, reliability_after: points of the diagrams, rows of (mean confidence, share right, share of
            the pixels).
    """

    table: Floats
    ece_before: float
    ece_after: float
    adaptive_ece_before: float
    adaptive_ece_after: float
    nll_before: float
    nll_after: float
    pixels: int
    views: int
    folds: int
    reliability_before: list[list[float]]
    reliability_after: list[list[float]]


def fit_table(rows: CalibrationRows, scores: Floats, folds: int, seed: int) -> TableFit:
    """Fit on all `rows`, report by `folds`-fold cross-fitting over blocks.

    Args:
        rows: the views to calibrate on.
        scores: float64 (256,), uncalibrated probability of each code.

    Raises:
        InputError: fewer blocks than folds.
    """
    fold = folds_by_block(rows.block, folds, seed)
    before, after = ScoreHistogram(), ScoreHistogram()
    for each in range(folds):
        out = rows.codes[fold == each].sum(axis=0)
        before.merge(histogram_of_codes(out, scores))
        after.merge(histogram_of_codes(out, isotonic_table(rows.codes[fold != each].sum(axis=0), scores)))
    total = rows.codes.sum(axis=0)
    return TableFit(
        table=isotonic_table(total, scores), ece_before=ece(before), ece_after=ece(after),
        adaptive_ece_before=adaptive_ece(before), adaptive_ece_after=adaptive_ece(after),
        nll_before=nll(before), nll_after=nll(after), pixels=int(total.sum()), views=len(rows), folds=folds,
        reliability_before=reliability_points(before), reliability_after=reliability_points(after),
    )  # fmt: skip


def isotonic_table(codes: Counts, scores: Floats) -> Floats:
    """Table float64 (256,), not falling, from counts int64 (2, 256) and the uncalibrated `scores` float64 (256,)."""
    weight = codes.sum(axis=0) + PRIOR_PIXELS
    share = (codes[CORRECT] + PRIOR_PIXELS * scores) / weight
    fitted = IsotonicRegression(out_of_bounds="clip").fit_transform(np.arange(256.0), share, sample_weight=weight)
    # float rounding within a plateau could fall by 1e-17, which the card's schema refuses.
    return np.maximum.accumulate(np.clip(np.asarray(fitted, np.float64), SURE_LIMIT, 1.0 - SURE_LIMIT))
