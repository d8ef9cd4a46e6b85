# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scores of several passes: dropout, dropped weights, augmentation, flip, other networks; pixels, images and classes.

Class-wise figures follow Bayesian QuickNAT (Roy et al., 2019): IoU over all samples, coefficient of variation of the
area, mean pairwise Dice; pairwise Dice over the image is the winner of Zenk et al. (2024).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import combinations

import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.method import Method, Score
from trustseg_lab.benchmark.passes.runner import DROP_WEIGHTS, DROPOUT, FLIP_PASSES, MEMBERS, ODIN, TTA
from trustseg_lab.benchmark.reading import Level
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.evaluation.baselines.ensemble import mean_dice
from trustseg_lab.metrics.score_histogram import Floats

MAPS = ("entropy", "probability", "mutual_information", "agreement")
MORE = ("expected_entropy", "spread", "class_spread", "epkl")


def doubt_map(sample: Sample, passes: str, name: str) -> Float32Array:
    """Confidence map `name` of `passes`."""
    return sample.passes(passes).confidence(name)


def summed_ranks(sample: Sample, passes: str) -> Float32Array:
    """Mean rank of four uncertainties within the view (combination without scale, Sikha and Pouplin)."""
    found = sample.passes(passes)
    ranks = [_ranks(found.confidence(name)) for name in ("entropy", "mutual_information", "spread", "epkl")]
    return np.asarray(np.mean(ranks, axis=0), np.float32)


def _ranks(values: Float32Array) -> Floats:
    flat = np.unique(values, return_inverse=True)[1].reshape(values.shape).astype(np.float64)
    return np.asarray(flat / max(flat.max(), 1.0), np.float64)


def pairwise_dice(sample: Sample, passes: str) -> float:
    """Mean over pairs of passes of the mean Dice of their masks."""
    masks = sample.passes(passes).masks
    return float(np.mean([mean_dice(a, b, _classes(sample)) for a, b in combinations(masks, 2)]))


def class_areas(masks: UInt8Array, classes: int) -> Floats:
    """Pixels of each class in each of T masks, float64 (T, C)."""
    return np.stack([np.bincount(mask.ravel(), minlength=classes)[:classes] for mask in masks]).astype(np.float64)


def samples_iou(masks: UInt8Array, labels: UInt8Array, classes: int) -> Floats:
    """Pixels of a class in all of T masks over those in any, float64 (C,); NaN where the class is not in `labels`."""
    found = np.full(classes, np.nan)
    for each in np.unique(labels):
        member = masks == each
        union = member.any(axis=0).sum()
        found[each] = member.all(axis=0).sum() / union if union else np.nan
    return found


def area_steadiness(masks: UInt8Array, labels: UInt8Array, classes: int) -> Floats:
    """1 / (1 + coefficient of variation of the area) of each class, float64 (C,); NaN where it is not in `labels`."""
    areas = class_areas(masks, classes)
    with np.errstate(invalid="ignore", divide="ignore"):
        variation = areas.std(axis=0) / areas.mean(axis=0)
    return _present(1 / (1 + variation), labels, classes)


def class_pairwise_dice(masks: UInt8Array, labels: UInt8Array, classes: int) -> Floats:
    """Mean Dice of each class over pairs of T masks, float64 (C,); NaN where it is not in `labels`."""
    areas = class_areas(masks, classes)
    found = []
    for i, j in combinations(range(len(masks)), 2):
        both = np.bincount(masks[i][masks[i] == masks[j]], minlength=classes)[:classes]
        with np.errstate(invalid="ignore", divide="ignore"):
            found.append(2 * both / (areas[i] + areas[j]))
    return _present(np.mean(found, axis=0), labels, classes)


def class_mean(values: Float32Array, labels: UInt8Array, classes: int) -> Floats:
    """Mean of a map within each class of the mask, float64 (C,); NaN where it is not there."""
    size = np.bincount(labels.ravel(), minlength=classes)[:classes]
    total = np.bincount(labels.ravel(), values.ravel().astype(np.float64), minlength=classes)[:classes]
    return np.asarray(np.divide(total, size, out=np.full(classes, np.nan), where=size > 0), np.float64)


def _present(values: Floats, labels: UInt8Array, classes: int) -> Floats:
    there = np.bincount(labels.ravel(), minlength=classes)[:classes] > 0
    return np.asarray(np.where(there, values, np.nan), np.float64)


def _classes(sample: Sample) -> int:
    return len(sample.card.classes)


def _of_masks(
    sample: Sample, passes: str, function: Callable[[UInt8Array, UInt8Array, int], Floats]
) -> npt.NDArray[np.floating]:
    return function(sample.passes(passes).masks, sample.labels, _classes(sample))


def _class_entropy(sample: Sample, passes: str) -> npt.NDArray[np.floating]:
    return class_mean(sample.passes(passes).confidence("entropy"), sample.labels, _classes(sample))


def fused_by_class(sample: Sample) -> npt.NDArray[np.floating]:
    """Mean fused confidence of each class: what the shipped graph tells for nothing."""
    return class_mean(sample.fused, sample.labels, _classes(sample))


def _family(passes: str) -> list[Method]:
    needs = frozenset({passes})
    found: list[Method] = [
        Score(f"{passes}_{name}", partial(doubt_map, passes=passes, name=name), needs=needs,
              scale="probability" if name == "probability" else "rank")
        for name in (*MAPS, *MORE)
    ]  # fmt: skip
    found.append(Score(f"{passes}_ranks", partial(summed_ranks, passes=passes), needs=needs))
    found.append(Score(f"{passes}_pairwise_dice", partial(pairwise_dice, passes=passes), Level.IMAGE, needs=needs))
    for name, function in (
        ("class_iou", samples_iou), ("class_area", area_steadiness), ("class_dice", class_pairwise_dice)
    ):  # fmt: skip
        found.append(Score(
            f"{passes}_{name}", partial(_of_masks, passes=passes, function=function), Level.CLASS,
            "quality" if name == "class_iou" else "rank", needs,
        ))  # fmt: skip
    found.append(Score(f"{passes}_class_entropy", partial(_class_entropy, passes=passes), Level.CLASS, needs=needs))
    return found


METHODS: tuple[Method, ...] = (
    *(each for passes in (FLIP_PASSES, TTA, DROPOUT, DROP_WEIGHTS, MEMBERS) for each in _family(passes)),
    Score("drop_weights_jackknife", partial(doubt_map, passes=DROP_WEIGHTS, name="jackknife"),
          needs=frozenset({DROP_WEIGHTS})),
    Score("odin", partial(doubt_map, passes=ODIN, name="odin"), needs=frozenset({ODIN})),
    Score("class_fused", fused_by_class, Level.CLASS),
)  # fmt: skip
