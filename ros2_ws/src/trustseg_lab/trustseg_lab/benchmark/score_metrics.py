# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Figures of every score on every set, with the interval of its difference to the shipped one.

Rankings are told by the existing metrics; a failure is Q < 0.5, beside it the other published cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.metrics.block_counts import GroupedScore, grouped
from trustseg_lab.metrics.bootstrap import LEAST_BLOCKS, draws, interval_of, metrics_of
from trustseg_lab.metrics.confidence_metrics import confidence_metrics
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.images.image_verdicts import correlation, image_aurc
from trustseg_lab.metrics.score_histogram import Floats

Bools = npt.NDArray[np.bool_]
SHIPPED_PIXEL, SHIPPED_IMAGE = "fused", "verdict"
RESAMPLES = 300
INTERVALS = ("auroc", "fpr95")
PIXEL_FIGURES = ("auroc", "fpr95", "aupr_error", "aurc", "e_aurc", "augrc", "ece", "brier", "nll")
MIOU_CUT = 0.4
DICE_CUTS = (0.8, 0.67, 0.6)


def pixel_metrics(found: Collected, group: str, resamples: int, seed: int) -> dict[str, dict[str, Any]]:
    """Figures of every pixel score on `group`, and of their differences to the fused confidence."""
    scores = {name: counts for (name, of), counts in found.pixels.items() if of == group}
    if not scores:
        return {}
    blocks = found.blocks[group]
    weight = draws(blocks.blocks, resamples, seed) if resamples and blocks.blocks >= LEAST_BLOCKS else None
    drawn: dict[str, dict[str, Floats]] = {}
    rows: dict[str, dict[str, Any]] = {}
    for name, counts in scores.items():
        told = asdict(confidence_metrics(counts))
        probability = found.scales.get(name) == "probability"
        rows[name] = {
            each: told[each] if probability or each not in ("ece", "brier", "nll") else float("nan")
            for each in PIXEL_FIGURES
        }
        score = grouped(blocks.scores[name], counts) if weight is not None else None
        if score is not None and weight is not None:
            drawn[name] = metrics_of(score, weight)
    _add_differences(rows, drawn, SHIPPED_PIXEL)
    return rows


def _add_differences(rows: dict[str, dict[str, Any]], drawn: dict[str, dict[str, Floats]], base: str) -> None:
    """95 % intervals of the paired differences to `base`, under "difference"."""
    for name, figures in drawn.items():
        if base in drawn and name != base:
            rows[name]["difference"] = {
                each: asdict(interval_of(figures[each] - drawn[base][each])) for each in INTERVALS
            }


def image_metrics(found: Collected, group: str, resamples: int, seed: int) -> dict[str, dict[str, Any]]:
    """Figures of every image score on `group`, and of their differences to the verdict."""
    rows = list(found.rows(group))
    quality = np.array([found.outcomes[each].quality for each in rows])
    keep = np.isfinite(quality)
    places = [row for row, kept in zip(rows, keep, strict=True) if kept]
    quality = quality[keep]
    if not places:
        return {}
    block = np.unique([found.metas[each].block for each in places], return_inverse=True)[1]
    count = int(block.max()) + 1
    weight = draws(count, resamples, seed) if resamples and count >= LEAST_BLOCKS else None
    drawn: dict[str, dict[str, Floats]] = {}
    told: dict[str, dict[str, Any]] = {}
    for name, values in found.images.items():
        score = values[places]
        if np.isnan(score).any():
            continue
        told[name] = _image_row(found, name, score, quality, places)
        failed = quality < FAILURE_BELOW
        if weight is not None and failed.any() and not failed.all():
            drawn[name] = metrics_of(image_counts(score, failed, block), weight)
    _add_differences(told, drawn, SHIPPED_IMAGE)
    return told


def image_counts(score: Floats, failed: Bools, block: npt.NDArray[np.int64]) -> GroupedScore:
    """Good and failed views per tie of a score, the surest first, by block."""
    values, tie = np.unique(-score, return_inverse=True)
    counts = np.zeros((2, int(block.max()) + 1, len(values)))
    np.add.at(counts, (failed.astype(np.int64), block, tie), 1.0)
    return GroupedScore(np.full(len(values), np.nan), counts[0], counts[1])


def _image_row(found: Collected, name: str, score: Floats, quality: Floats, places: Sequence[int]) -> dict[str, Any]:
    failed = quality < FAILURE_BELOW
    scale = found.scales[name]
    row: dict[str, Any] = {
        "views": len(score), "failed_share": float(failed.mean()), **ranking_metrics(score, failed),
        "aurc": image_aurc(quality, -score), "augrc": generalised_aurc(quality, -score),
        "pearson": correlation(score, quality, ranks=False), "spearman": correlation(score, quality, ranks=True),
    }  # fmt: skip
    row["e_aurc"] = row["aurc"] - image_aurc(quality, 1 - quality)
    if scale == "quality":
        row |= regression_metrics(score, quality)
    if scale == "probability":
        row["brier"] = float(np.mean((score - ~failed) ** 2))
        row["ece"] = calibration_gap(score, ~failed)
    row["cuts"] = {}
    for cut, bad in cuts(found, places).items():
        threshold = 0.5 if scale == "quality" and cut == "q<0.5" else fitted_threshold(found, name, cut)
        row["cuts"][cut] = {
            **ranking_metrics(score, bad), **decision_metrics(score <= threshold, bad), "threshold": threshold,
        }  # fmt: skip
    return row


def cuts(found: Collected, places: Sequence[int]) -> dict[str, Bools]:
    """Each published meaning of a failed view: bool (n,)."""
    outcomes = [found.outcomes[each] for each in places]
    dice = np.array([each.dice for each in outcomes])
    bad = {
        "q<0.5": np.array([each.quality for each in outcomes]) < FAILURE_BELOW,
        "miou<0.4": np.array([each.miou for each in outcomes]) < MIOU_CUT,
    }
    return bad | {f"dice<={cut:g}": dice <= cut for cut in DICE_CUTS}


def fitted_threshold(found: Collected, name: str, cut: str) -> float:
    """The score of the best balanced accuracy over the views that may be fitted on; NaN where one class is missing."""
    places = [index for index, meta in enumerate(found.metas) if meta.fit]
    score = found.images[name][places]
    bad = cuts(found, places)[cut]
    known = np.isfinite(score)
    score, bad = score[known], bad[known]
    if not bad.any() or bad.all():
        return float("nan")
    values, tie = np.unique(score, return_inverse=True)
    hit = np.cumsum(np.bincount(tie, bad, minlength=len(values))) / bad.sum()
    false = np.cumsum(np.bincount(tie, ~bad, minlength=len(values))) / (~bad).sum()
    best = int(np.argmax(hit - false))
    following = values[min(best + 1, len(values) - 1)]
    return float((values[best] + following) / 2)


def ranking_metrics(score: Floats, bad: Bools) -> dict[str, float]:
    """AUROC of the good ones, FPR95, AUPR with the bad ones positive; NaN where one class is missing."""
    if not bad.any() or bad.all():
        return dict.fromkeys(("auroc", "fpr95", "aupr_error"), float("nan"))
    counts = image_counts(score, bad, np.zeros(len(score), np.int64))
    figures = metrics_of(counts, np.ones((1, 1), np.int64))
    return {name: float(figures[name][0]) for name in ("auroc", "fpr95", "aupr_error")}


def decision_metrics(flagged: Bools, bad: Bools) -> dict[str, float]:
    """Precision, recall, F1, accuracy, specificity, balanced accuracy and Cohen's kappa of flags; NaN where undefined.

    A flag is a claim that the view is bad. From the four counts: scikit-learn's functions, to which a test holds them,
    take 18 ms a call and were three quarters of a run's time.
    """
    undefined = float("nan")
    hit, false, missed = (int(np.sum(each)) for each in (flagged & bad, flagged & ~bad, ~flagged & bad))
    right, count = len(bad) - hit - false - missed, len(bad)

    def share(part: float, whole: float) -> float:
        return part / whole if whole else undefined

    recall, specificity = share(hit, hit + missed), share(right, right + false)
    accuracy = share(hit + right, count)
    chance = share((hit + false) * (hit + missed) + (missed + right) * (false + right), count**2)
    balanced = bool(bad.any() and not bad.all())
    return {
        "precision": share(hit, hit + false),
        "recall": recall,
        "f1": share(2 * hit, 2 * hit + false + missed),
        "accuracy": accuracy,
        "specificity": specificity,
        "balanced_accuracy": (recall + specificity) / 2 if balanced else undefined,
        "kappa": share(accuracy - chance, 1 - chance) if balanced else undefined,
    }


def regression_metrics(predicted: Floats, quality: Floats) -> dict[str, float]:
    """MAE, RMSE and R2 of a predicted quality."""
    error = predicted - quality
    spread = float(np.sum((quality - quality.mean()) ** 2))
    return {
        "mae": float(np.abs(error).mean()), "rmse": float(np.sqrt(np.mean(error**2))),
        "r2": 1 - float(np.sum(error**2)) / spread if spread else float("nan"),
    }  # fmt: skip


def generalised_aurc(quality: Floats, doubt: Floats) -> float:
    """AUGRC at the risk 1 - Q: mean over coverage k / N of (sum of the risks of the k surest) / N (Traub et al., 2024).

    Ties enter with their mean, and the area is of trapezia from 0.
    """
    _, group, size = np.unique(doubt, return_inverse=True, return_counts=True)
    risk = np.repeat(np.bincount(group, 1.0 - quality) / size, size)
    curve = np.concatenate([[0.0], np.cumsum(risk)]) / risk.size
    return float(np.mean((curve[1:] + curve[:-1]) / 2))


def calibration_gap(probability: Floats, good: Bools, bins: int = 10) -> float:
    """ECE of n views with bins of equal width."""
    group = np.minimum((probability * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(group, probability - good, minlength=bins)
    return float(np.abs(gaps).sum() / len(probability))


def class_metrics(found: Collected, group: str) -> dict[str, dict[str, Any]]:
    """Class scores against the IoU and Dice of their class, over all classes of all views of `group`."""
    places = list(found.rows(group))
    iou = np.array([found.outcomes[each].class_iou for each in places])
    dice = np.array([found.outcomes[each].class_dice for each in places])
    told = {}
    for name, values in found.classes.items():
        score = values[places]
        known = np.isfinite(score) & np.isfinite(iou)
        if known.sum() < 2:
            continue
        row: dict[str, Any] = {
            "classes": int(known.sum()), "pearson": correlation(score[known], iou[known], ranks=False),
            "spearman": correlation(score[known], iou[known], ranks=True),
            **ranking_metrics(score[known], iou[known] < FAILURE_BELOW),
        }  # fmt: skip
        if found.scales[name] == "quality":
            row |= regression_metrics(score[known], iou[known])
        row["cuts"] = {f"dice<={cut:g}": ranking_metrics(score[known], dice[known] <= cut) for cut in DICE_CUTS}
        told[name] = row
    return told


def region_metrics(found: Collected, group: str) -> dict[str, dict[str, Any]]:
    """Region scores against the truth of their region: R2, correlation, AUROC of IoU_adj > 0 or of half right."""
    wanted = np.array(list(found.rows(group)))
    told = {}
    for name, rows in found.regions.items():
        if not rows.values:
            continue
        view = np.concatenate(rows.view)
        keep = np.isin(view, wanted)
        value, truth = np.concatenate(rows.values)[keep], np.concatenate(rows.truth)[keep]
        if len(value) < 2:
            continue
        told[name] = {
            "regions": len(value), "pearson": correlation(value, truth, ranks=False),
            "spearman": correlation(value, truth, ranks=True), **ranking_metrics(value, truth <= 0.0),
            "auroc_half": ranking_metrics(value, truth < FAILURE_BELOW)["auroc"],
        }  # fmt: skip
        if found.scales.get(f"{name}") == "quality":
            told[name] |= regression_metrics(value, truth)
    return told


def mean_ranks(tables: dict[str, dict[str, dict[str, Any]]], figure: str = "auroc") -> dict[str, float]:
    """Mean place of each score over sets by `figure`, 1 the best; only sets in which it is defined for all count."""
    places: dict[str, list[float]] = {}
    for rows in tables.values():
        named = {name: row[figure] for name, row in rows.items() if row[figure] == row[figure]}
        if not named:
            continue
        values = np.array(list(named.values()))
        for name, value in named.items():
            places.setdefault(name, []).append(float((values > value).sum() + (values == value).sum() / 2 + 0.5))
    return {name: float(np.mean(each)) for name, each in places.items()}
