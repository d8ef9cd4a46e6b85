# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits how far a poor scene lowers every pixel's confidence: by the log loss of all pixels, clean views included.

The predicted quality of each view is cross-fitted, so that the slope fits what the verdict says of scenes that it has
not seen; kinds of trouble that are held out enter nothing but the report.
"""

from __future__ import annotations

import numpy as np

from trustseg.bundle.calibration_file import SceneShift
from trustseg.calibration import logit, lowered, scene_shift
from trustseg_lab.metrics.images.view_rows import Bools, CalibrationRows
from trustseg_lab.metrics.score_histogram import CORRECT, WRONG, Floats

# Where the shift may begin, as quantiles of the predicted quality of good, clean views.
START_QUANTILES = (0.02, 0.1, 0.25, 0.5)
SLOPES = np.linspace(0.0, 3.0, 31)
# A slope is worth its place from this share of the log loss on; below it, confidence is left as it is.
LEAST_GAIN = 0.002


def fit_scene_shift(
    rows: CalibrationRows, fitting: Bools, good_clean: Bools, quality: Floats, table: Floats
) -> SceneShift | None:
    """The shift with the least log loss, every view counting alike; None where none helps.

    Args:
        rows: all views.
        fitting: bool (n,), views that may be fitted on.
        good_clean: bool (n,), views on which the network is as good as it should be.
        quality: float64 (n,), cross-fitted predicted quality.
        table: float64 (256,), the fitted confidence table.
    """
    if not good_clean.any() or not fitting.any():
        return None
    share = rows.codes[fitting] / rows.codes[fitting].sum(axis=(1, 2), keepdims=True)
    z, usual = logit(quality[fitting]), logit(table)
    best, least = None, mean_log_loss(share, usual, np.zeros(len(z)))
    enough = least * (1.0 - LEAST_GAIN)
    for start in np.quantile(quality[good_clean], START_QUANTILES):
        below = np.maximum(logit(start) - z, 0.0)
        for slope in SLOPES[1:]:
            loss = mean_log_loss(share, usual, slope * below)
            if loss < min(least, enough):
                best, least = SceneShift(start=round(float(start), 4), slope=round(float(slope), 4)), loss
    return best


def mean_log_loss(share: Floats, table_logit: Floats, shift: Floats) -> float:
    """Mean over views of the log loss of their pixels.

    Args:
        share: float64 (n, 2, 256), share of each view's pixels that is wrong or right, by code.
        table_logit: float64 (256,).
        shift: float64 (n,), taken from the logit.
    """
    x = table_logit[None, :] - shift[:, None]
    loss = share[:, CORRECT] * np.logaddexp(0.0, -x) + share[:, WRONG] * np.logaddexp(0.0, x)
    return float(loss.sum(axis=1).mean())


def overconfidence(rows: CalibrationRows, quality: Floats, table: Floats, shift: SceneShift | None) -> Floats:
    """Mean calibrated confidence minus accuracy of each view, float64 (n,)."""
    total = rows.codes.sum(axis=1)
    pixels = total.sum(axis=1)
    tables = np.stack([lowered(table, scene_shift(shift, float(each))) for each in quality])
    return np.asarray((total * tables).sum(axis=1) / pixels - rows.codes[:, CORRECT].sum(axis=1) / pixels, np.float64)
