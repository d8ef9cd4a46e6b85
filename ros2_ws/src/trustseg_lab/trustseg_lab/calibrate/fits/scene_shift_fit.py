# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits how far a poor or strange scene lowers every pixel's confidence: by the log loss of all pixels, clean views too.

Predicted quality and OOD score of each view come from models that had not seen it, nor its kind of trouble, so that the
slopes fit what the verdict says of new scenes; kinds that are held out enter nothing but the report.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg.bundle.calibration_file import SceneShift
from trustseg.calibration import logit, lowered, scene_shift
from trustseg_lab.metrics.images.view_rows import Bools, CalibrationRows
from trustseg_lab.metrics.score_histogram import CORRECT, WRONG, Floats

# Where the shift may begin, as quantiles of the predicted quality, and of the OOD score, of good, clean views.
START_QUANTILES = (0.02, 0.1, 0.25, 0.5)
OOD_QUANTILES = (0.5, 0.75, 0.9, 0.98)
SLOPES = np.linspace(0.0, 3.0, 31)
# A slope is worth its place from this share of the log loss on; below it, confidence is left as it is.
LEAST_GAIN = 0.002
ROUNDS = 2  # of each slope with the other one held


def fit_scene_shift(
    rows: CalibrationRows, fitting: Bools, good_clean: Bools, quality: Floats, distance: Floats, table: Floats
) -> SceneShift | None:
    """The shift with the least log loss, every view counting alike; None where none helps.

    Args:
        rows: all views.
        fitting: bool (n,), views that may be fitted on.
        good_clean: bool (n,), views on which the network is as good as it should be.
        quality: float64 (n,), predicted quality by models that had not seen the view.
        distance: float64 (n,), OOD score by models that had not seen it; NaN without one: it lowers nothing.
        table: float64 (256,), the fitted confidence table.
    """
    if not good_clean.any() or not fitting.any():
        return None
    share = rows.codes[fitting] / rows.codes[fitting].sum(axis=(1, 2), keepdims=True)
    usual = logit(table)
    z, good_z = logit(quality[fitting]), logit(quality[good_clean])
    poor = {float(start): np.maximum(start - z, 0.0) for start in np.quantile(good_z, START_QUANTILES)}
    strange = {}
    if not np.isnan(distance).any():
        log = np.log(distance)
        strange = {
            float(start): np.maximum(log[fitting] - start, 0.0) for start in np.quantile(log[good_clean], OOD_QUANTILES)
        }
    by_quality, by_ood = _Slope(max(poor), 0.0), _Slope(0.0, 0.0)
    none = mean_log_loss(share, usual, np.zeros(len(z)))
    for _ in range(ROUNDS):
        by_quality = _least(share, usual, poor, by_ood.of(strange, len(z)), by_quality)
        by_ood = _least(share, usual, strange, by_quality.of(poor, len(z)), by_ood)
    if by_quality.slope + by_ood.slope == 0.0 or (
        mean_log_loss(share, usual, by_quality.of(poor, len(z)) + by_ood.of(strange, len(z))) >= none * (1 - LEAST_GAIN)
    ):
        return None
    return SceneShift(
        start=round(float(1.0 / (1.0 + np.exp(-by_quality.start))), 4), slope=by_quality.slope,
        ood_start=round(float(np.exp(by_ood.start)), 4), ood_slope=by_ood.slope,
    )  # fmt: skip


@dataclass(frozen=True)
class _Slope:
    """slope x how far a view lies beyond start, both in logarithms."""

    start: float
    slope: float

    def of(self, beyond: dict[float, Floats], views: int) -> Floats:
        return self.slope * beyond[self.start] if self.slope > 0.0 else np.zeros(views)


def _least(share: Floats, usual: Floats, beyond: dict[float, Floats], other: Floats, now: _Slope) -> _Slope:
    """The start among `beyond` and the slope with the least log loss beside a shift of `other`.

    One that is worth less than `LEAST_GAIN` is none.
    """
    without = mean_log_loss(share, usual, other)
    best, least = _Slope(now.start, 0.0), without * (1.0 - LEAST_GAIN)
    for start, far in beyond.items():
        for slope in SLOPES[1:]:
            loss = mean_log_loss(share, usual, other + slope * far)
            if loss < least:
                best, least = _Slope(start, round(float(slope), 4)), loss
    return best


def scene_shifts(shift: SceneShift | None, quality: Floats, distance: Floats) -> Floats:
    """What each view's scene takes from the logit of its pixels, float64 (n,), by predicted quality and OOD score."""
    pairs = zip(quality.tolist(), distance.tolist(), strict=True)
    return np.array([scene_shift(shift, each, far) for each, far in pairs], np.float64)


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


def overconfidence(rows: CalibrationRows, table: Floats, shifts: Floats) -> Floats:
    """Mean calibrated confidence minus accuracy of each view, float64 (n,); `shifts` as of `scene_shifts`."""
    total = rows.codes.sum(axis=1)
    pixels = total.sum(axis=1)
    tables = np.stack([lowered(table, float(each)) for each in shifts])
    return np.asarray((total * tables).sum(axis=1) / pixels - rows.codes[:, CORRECT].sum(axis=1) / pixels, np.float64)
