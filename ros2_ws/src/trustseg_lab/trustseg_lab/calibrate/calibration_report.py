# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What calibration is worth: reliability before and after, by kind of scene, and a temperature beside the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg.bundle.calibration_file import SceneShift
from trustseg.calibration import lowered, scene_shift
from trustseg_lab.calibrate.verdict_report import groups_of
from trustseg_lab.evaluation.baselines.temperature import LogitSample, fit_temperature, log_loss, scaled_mcp
from trustseg_lab.metrics.calibration_error import adaptive_ece, ece
from trustseg_lab.metrics.images.view_rows import CalibrationRows, Ints, folds_by_block
from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram, histogram_of_codes


@dataclass(frozen=True)
class CalibrationMetrics:
    """ECE and adaptive ECE of one group of views: of the score as the graph gives it, through the table, and through
    the table with the scene's shift, as it is published. Table and shift are the final ones, not cross-fitted."""

    views: int
    ece_before: float
    ece_table: float
    ece_published: float
    adaptive_ece_before: float
    adaptive_ece_table: float
    adaptive_ece_published: float


@dataclass(frozen=True)
class TemperatureReport:
    """A temperature on all pixels, and what temperatures of the other folds' blocks are worth on each block.

    Attributes:
        temperature: fitted on all of them. pixels, images: of the sample.
        nll_before, nll_after: of the true class. ece_before, ece_after and the adaptive ones: of the MCP.
    """

    temperature: float
    images: int
    pixels: int
    nll_before: float
    nll_after: float
    ece_before: float
    ece_after: float
    adaptive_ece_before: float
    adaptive_ece_after: float


def calibration_by_group(
    rows: CalibrationRows, quality: Floats, scores: Floats, table: Floats, shift: SceneShift | None
) -> dict[str, CalibrationMetrics]:
    """Figures of every group of `groups_of`.

    Args:
        rows: all views. quality: float64 (n,), cross-fitted predicted quality.
        scores, table: float64 (256,), probability of each code before and after. shift: of poor scenes.
    """
    found = {}
    for name, keep in groups_of(rows).items():
        if not keep.any():
            continue
        total = rows.codes[keep].sum(axis=0)
        published = ScoreHistogram()
        for codes, each in zip(rows.codes[keep], quality[keep], strict=True):
            published.merge(histogram_of_codes(codes, lowered(table, scene_shift(shift, float(each)))))
        parts = [histogram_of_codes(total, scores), histogram_of_codes(total, table), published]
        found[name] = CalibrationMetrics(
            int(keep.sum()), *(ece(each) for each in parts), *(adaptive_ece(each) for each in parts)
        )
    return found


def temperature_report(sample: LogitSample, block: Ints, folds: int, seed: int) -> TemperatureReport:
    """Fit on all pixels, measure by cross-fitting over blocks.

    Args:
        sample: logits of labelled pixels. block: int64 (n,), block of each pixel's image.

    Raises:
        InputError: fewer blocks than folds.
    """
    fold = folds_by_block(block, folds, seed)
    before, after = ScoreHistogram(), ScoreHistogram()
    losses = np.zeros(2)
    for each in range(folds):
        inside = fold == each
        fitted = fit_temperature(_pixels(sample, ~inside)).temperature
        part = _pixels(sample, inside)
        right = part.logits.argmax(axis=0) == part.truth
        before.update(scaled_mcp(part.logits, 1.0), right)
        after.update(scaled_mcp(part.logits, fitted), right)
        losses += int(inside.sum()) * np.array([log_loss(part, 1.0), log_loss(part, fitted)])
    losses /= len(fold)
    return TemperatureReport(
        fit_temperature(sample).temperature, sample.images, int(sample.truth.size), float(losses[0]), float(losses[1]),
        ece(before), ece(after), adaptive_ece(before), adaptive_ece(after),
    )  # fmt: skip


def _pixels(sample: LogitSample, keep: np.ndarray) -> LogitSample:
    return LogitSample(sample.logits[:, keep], sample.truth[keep], sample.images)
