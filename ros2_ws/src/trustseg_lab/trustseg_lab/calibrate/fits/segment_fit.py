# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits the predicted IoU of segments (MetaSeg, Rottmann et al., IJCNN 2020): logistic regression of a share.

Every figure that is told is of segments whose block of images was left out of the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from trustseg.bundle.calibration_file import SegmentModel
from trustseg.errors import InputError
from trustseg.segments import predicted_iou
from trustseg_lab.calibrate.published_rows import PublishedRows, segment_columns
from trustseg_lab.metrics.images.image_verdicts import correlation, score_auroc
from trustseg_lab.metrics.images.view_rows import Bools, Ints, folds_by_block
from trustseg_lab.metrics.score_histogram import Floats

FOLDS = 5
CLIP = 8.0
HALF = 0.5
LEAST_STD = 1e-6
CONFIDENCE = "confidence"


@dataclass(frozen=True)
class SegmentMetrics:
    """What the predicted IoU is worth on one group of views.

    Attributes:
        segments: how many. missed: share of them that meet nothing of their class (IoU 0). mean_iou: of all.
        auroc: of IoU > 0 by the predicted IoU. auroc_half: of IoU >= 0.5. r2, mae: of the predicted IoU.
        pearson: correlation of predicted and true IoU.
        auroc_mean_confidence, auroc_half_mean_confidence, r2_mean_confidence: the same where the mean confidence is all
            that the model sees.
    """

    segments: int
    missed: float
    mean_iou: float
    auroc: float
    auroc_half: float
    r2: float
    mae: float
    pearson: float
    auroc_mean_confidence: float
    auroc_half_mean_confidence: float
    r2_mean_confidence: float


@dataclass(frozen=True)
class SegmentFit:
    """The model, and its figures by group of views."""

    model: SegmentModel
    groups: dict[str, SegmentMetrics]


def fit_segments(rows: PublishedRows, classes: list[str], seed: int) -> SegmentFit:
    """Fit on the segments of views that may be fitted on.

    Raises:
        InputError: too few blocks to cross-fit, or segments of one kind only.
    """
    fold = np.full(len(rows.block), FOLDS)  # sets that are judged are in none
    fold[~rows.judged] = folds_by_block(rows.block[~rows.judged], FOLDS, seed)
    fold = fold[rows.view]
    fitting = (~rows.judged & ~rows.held_out & ~(rows.seen & rows.clean))[rows.view]
    hit = rows.iou[fitting] > 0
    if not hit.size or hit.all() or not hit.any():
        raise InputError(
            f"no model of segments can be fitted of {', '.join(classes)}",
            expected="segments that meet what is there, and segments that do not",
            got=f"{int(hit.sum())} that do, {int((~hit).sum())} that do not", fix="give more --data or other --objects",
        )  # fmt: skip
    model, whole = _crossed(rows, fitting, fold, segment_columns(classes), classes)
    alone = _crossed(rows, fitting, fold, [CONFIDENCE], classes)[1]
    groups = {}
    for name, keep in rows.groups().items():
        inside = keep[rows.view]
        if inside.any():
            groups[name] = _metrics(rows.iou[inside], whole[inside], alone[inside])
    return SegmentFit(model, groups)


def _crossed(
    rows: PublishedRows, fitting: Bools, fold: Ints, used: list[str], classes: list[str]
) -> tuple[SegmentModel, Floats]:
    """The model of all that may be fitted on, and what is predicted of each segment by one that has not seen it."""
    predicted = np.zeros(len(rows.iou))
    for each in range(FOLDS):
        inside, train = fold == each, fitting & (fold != each)
        if inside.any():
            predicted[inside] = _predicted(_fit(rows, train, used, classes), rows, inside)
    model, judged = _fit(rows, fitting, used, classes), rows.judged[rows.view]
    predicted[judged] = _predicted(model, rows, judged)
    return model, predicted


def fractional_logistic(x: Floats, share: Floats) -> tuple[Floats, float]:
    """Weights float64 (K,) and bias of the logistic regression of shares float64 (n,) in [0, 1] on x float64 (n, K).

    Each row counts twice: as a hit with weight `share`, as a miss with the rest (Papke and Wooldridge, 1996).
    """
    twice = np.concatenate([x, x])
    target = np.concatenate([np.ones(len(x)), np.zeros(len(x))])
    weight = np.concatenate([share, 1.0 - share])
    kept = weight > 0
    with threadpool_limits(1):
        fitted = LogisticRegression(max_iter=1000).fit(twice[kept], target[kept], sample_weight=weight[kept])
    return np.asarray(fitted.coef_[0], np.float64), float(fitted.intercept_[0])


def _fit(rows: PublishedRows, keep: Bools, used: list[str], classes: list[str]) -> SegmentModel:
    names = segment_columns(classes)
    x = rows.figures[keep][:, [names.index(name) for name in used]]
    mean, std = x.mean(axis=0).round(7), np.maximum(x.std(axis=0), LEAST_STD).round(7)
    weight, bias = fractional_logistic(np.clip((x - mean) / std, -CLIP, CLIP), rows.iou[keep])
    return SegmentModel(
        classes=classes, features=used, mean=mean.tolist(), std=std.tolist(), weight=weight.round(6).tolist(),
        bias=round(bias, 6), clip=CLIP,
    )  # fmt: skip


def _predicted(model: SegmentModel, rows: PublishedRows, keep: Bools) -> Floats:
    names = segment_columns(model.classes)
    figures = {name: rows.figures[keep, index] for index, name in enumerate(names)}
    return predicted_iou(model, figures, int(keep.sum()))


def _metrics(iou: Floats, predicted: Floats, alone: Floats) -> SegmentMetrics:
    hit, half = iou > 0, iou >= HALF
    return SegmentMetrics(
        segments=len(iou),
        missed=float((~hit).mean()),
        mean_iou=float(iou.mean()),
        auroc=score_auroc(predicted, hit),
        auroc_half=score_auroc(predicted, half),
        r2=_r2(iou, predicted),
        mae=float(np.abs(iou - predicted).mean()),
        pearson=correlation(predicted, iou, ranks=False),
        auroc_mean_confidence=score_auroc(alone, hit),
        auroc_half_mean_confidence=score_auroc(alone, half),
        r2_mean_confidence=_r2(iou, alone),
    )


def _r2(truth: Floats, predicted: Floats) -> float:
    """1 - squared error over squared spread; NaN without any spread."""
    spread = float(np.sum((truth - truth.mean()) ** 2))
    return 1.0 - float(np.sum((truth - predicted) ** 2)) / spread if spread else float("nan")
