# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Studies of pixels: thresholds of each image, pixels of equal entropy, and how apart right and wrong ones lie."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trustseg.types import Float32Array
from trustseg_lab.benchmark.methods import softmax
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.metrics.dynamic_thresholds import ThresholdTallies, levels_of
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.score_histogram import Floats, ScoreHistogram

ENTROPY_BINS = 32
MAPS: dict[str, Callable[[Sample], Float32Array]] = {
    "mcp": softmax.mcp, "entropy": softmax.entropy, "margin": softmax.margin, "fused": lambda sample: sample.fused,
}  # fmt: skip


class Thresholds:
    """Flagging errors: a fixed threshold, Otsu's, mean and deviation, and an equal flagged share, by score and group.

    Entropy and margin with a threshold of each image are the published form; recall at a flagged tenth is what its
    "high recall" means.
    """

    name, needs = "thresholds", frozenset[str]()

    def __init__(self) -> None:
        self._tallies = ThresholdTallies()

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        for name, make in MAPS.items():
            histogram = ScoreHistogram()
            histogram.update(make(sample)[sample.truth.known], sample.right[sample.truth.known])
            drive = f"{sample.meta.group} {sample.meta.drive}".strip()
            groups = tuple(dict.fromkeys((sample.meta.group, drive)))
            self._tallies.add(groups, name, *levels_of(histogram))

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows = [
            [group, score, threshold, *(figures[each] for each in ("precision", "recall", "flagged_share"))]
            for group, scores in self._tallies.document().items()
            for score, thresholds in scores.items()
            for threshold, figures in thresholds.items()
        ]
        heads = ("set", "score", "threshold", "precision", "recall", "flagged share")
        return Answer("Thresholds that follow each image", "Errors found by flagging doubtful pixels.", heads, rows)


class EqualEntropy:
    """Pixels of equal entropy, one right and one wrong: does a score tell them apart? Entropy itself gives 0.5.

    The AUROC within bins of entropy, weighted by pairs of a right and a wrong pixel (ConfidNet's figure 2).
    """

    name, needs = "equal_entropy", frozenset[str]()

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], Floats] = {}

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        known = sample.truth.known
        right = sample.right[known].astype(np.int64)
        # Bins of entropy are ranks within the view: about as many pixels in each.
        certain = softmax.entropy(sample)[known]
        edges = np.quantile(certain, np.linspace(0, 1, ENTROPY_BINS + 1)[1:-1])
        within = np.searchsorted(edges, certain)
        for name in ("mcp", "margin", "fused"):
            values = MAPS[name](sample)[known]
            level = np.minimum((values * 256).astype(np.int64), 255)
            joint = np.bincount((within * 256 + level) * 2 + right, minlength=ENTROPY_BINS * 512)
            key = (sample.meta.group, name)
            self._counts[key] = self._counts.get(key, 0) + joint.reshape(ENTROPY_BINS, 256, 2).astype(np.float64)

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows = [[group, name, pairs_won(counts)] for (group, name), counts in self._counts.items()]
        hint = "AUROC among pixels of equal entropy; 0.5 is a coin, which is what entropy itself gives there."
        return Answer("Pixels of equal entropy, one right and one wrong", hint, ("set", "score", "AUROC"), rows)


def pairs_won(counts: Floats) -> float:
    """Share of pairs (right, wrong) of one bin in which the right one has the higher level, ties half; NaN without.

    Args:
        counts: float64 (bins, levels, 2), wrong and right pixels.
    """
    wrong, right = counts[..., 0], counts[..., 1]
    below = np.cumsum(wrong, axis=1) - wrong
    pairs = float((wrong.sum(axis=1) * right.sum(axis=1)).sum())
    return float((right * (below + wrong / 2)).sum()) / pairs if pairs else float("nan")


class Reliability:
    """How far a score serves: overlap of its densities in right and wrong pixels, calibration error of the predicted
    quality over views, and Dice combined with the uncertainty's error (in the style of Li et al.; their formulas are
    not given in the source).
    """

    name, needs = "reliability", frozenset[str]()

    def look(self, index: int, sample: Sample) -> None:
        """Nothing: what is counted for every score is enough."""

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        rows: list[list[object]] = []
        for (name, group), counts in found.pixels.items():
            if "/" in name or not counts.rankable or not counts.wrong_total or not counts.correct_total:
                continue
            overlap = density_overlap(counts)
            places = list(found.rows(group))
            quality = np.array([found.outcomes[each].quality for each in places])
            score = found.images.get(f"{name}/mean")
            gap = quality_gap(score[places], quality) if score is not None and counts.is_probability else float("nan")
            dice = float(np.nanmean([found.outcomes[each].dice for each in places]))
            rows.append([group, name, overlap, gap, harmonic(dice, 1 - gap)])
        heads = ("set", "score", "overlap of densities", "calibration against quality", "harmonic with Dice")
        return Answer("Reliability in three figures", "Overlap: 0 is apart, 1 is one and the same.", heads, rows)


def density_overlap(counts: ScoreHistogram, bins: int = 64) -> float:
    """sum of min(share of the right ones, share of the wrong ones) over bins of equal mass; 1 where they are alike."""
    ranked = counts.ranked()
    size = (ranked.correct + ranked.wrong).astype(np.float64)
    group = np.minimum(((np.cumsum(size) - size / 2) / size.sum() * bins).astype(np.int64), bins - 1)
    right = np.bincount(group, ranked.correct, minlength=bins) / ranked.correct.sum()
    wrong = np.bincount(group, ranked.wrong, minlength=bins) / ranked.wrong.sum()
    return float(np.minimum(right, wrong).sum())


def quality_gap(predicted: Floats, quality: Floats, bins: int = 10) -> float:
    """sum over bins of n_b / N |mean predicted - mean true|; NaN where one is missing."""
    if not len(predicted) or np.isnan(predicted).any() or np.isnan(quality).any():
        return float("nan")
    group = np.clip((predicted * bins).astype(np.int64), 0, bins - 1)
    return float(np.abs(np.bincount(group, predicted - quality, minlength=bins)).sum() / len(predicted))


def harmonic(a: float, b: float) -> float:
    """Harmonic mean; NaN where one is not positive."""
    return 2 * a * b / (a + b) if a > 0 and b > 0 else float("nan")


def failed_share(found: Collected, group: str) -> float:
    """Share of views of `group` with Q < 0.5."""
    return float(np.mean([found.outcomes[each].quality < FAILURE_BELOW for each in found.rows(group)]))
