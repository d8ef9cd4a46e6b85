# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which pixels to flag as errors: a threshold that follows each image, against a fixed one.

Uncertainty is 1 - confidence. `otsu` splits an image's uncertainties into the two sides that differ most (Otsu, 1979),
`mean_sigma` flags above mean + k sigma, `quantile` flags the least confident tenth, `fixed` a confidence below 0.5.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from trustseg_lab.metrics.images.view_rows import Bools
from trustseg_lab.metrics.score_bins import bin_values
from trustseg_lab.metrics.score_histogram import CORRECT, WRONG, Counts, Floats, ScoreHistogram

FIXED_CONFIDENCE = 0.5
SIGMAS = 1.0
FLAGGED_SHARE = 0.1
LEVELS = 256
_LEVEL_OF_BIN = np.clip(np.nan_to_num(bin_values()) * LEVELS, 0, LEVELS - 1).astype(np.int64)


def fixed(confidence: Floats, size: Floats) -> Bools:
    """Levels that are flagged, bool (n,): those with a confidence below 0.5."""
    return np.asarray(confidence < FIXED_CONFIDENCE, bool)


def mean_sigma(confidence: Floats, size: Floats) -> Bools:
    """Levels whose uncertainty lies more than `SIGMAS` deviations above the image's mean."""
    mean = np.average(confidence, weights=size)
    deviation = np.average((confidence - mean) ** 2, weights=size) ** 0.5
    return np.asarray(confidence < mean - SIGMAS * deviation, bool)


def quantile(confidence: Floats, size: Floats) -> Bools:
    """The least confident levels that hold at most `FLAGGED_SHARE` of the image."""
    order = np.argsort(confidence, kind="stable")
    flagged = np.zeros(len(confidence), bool)
    flagged[order] = np.cumsum(size[order]) <= FLAGGED_SHARE * size.sum()
    return np.asarray(flagged & (confidence < confidence[order[-1]]), bool)


def otsu(confidence: Floats, size: Floats) -> Bools:
    """Levels below the cut with the largest variance between the two sides; none where all levels are one."""
    order = np.argsort(confidence, kind="stable")
    mass, weighted = np.cumsum(size[order])[:-1], np.cumsum((size * confidence)[order])[:-1]
    total, mean = size.sum(), float(np.average(confidence, weights=size))
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.nan_to_num((mean * mass - weighted) ** 2 / (mass * (total - mass)))
    flagged = np.zeros(len(confidence), bool)
    if between.size and between.max() > 1e-12 * total:
        flagged[order[: int(np.argmax(between)) + 1]] = True
    return flagged


THRESHOLDS: dict[str, Callable[[Floats, Floats], Bools]] = {
    "fixed": fixed, "otsu": otsu, "mean_sigma": mean_sigma, "quantile": quantile,
}  # fmt: skip


@dataclass
class ThresholdTally:
    """Error detection of one threshold on one score; two add up.

    Attributes:
        flagged, found, wrong, pixels: pixels flagged, flagged and wrong, wrong, and all.
        precision, recall: sum over images and number of images where it is defined.
    """

    flagged: int = 0
    found: int = 0
    wrong: int = 0
    pixels: int = 0
    precision: list[float] = field(default_factory=lambda: [0.0, 0.0])
    recall: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def add(self, codes: Counts, flagged: Bools) -> None:
        """Add one image: `codes` int64 (2, n), wrong and right pixels per level; `flagged` bool (n,)."""
        count, found, wrong = int(codes[:, flagged].sum()), int(codes[WRONG, flagged].sum()), int(codes[WRONG].sum())
        self.flagged, self.found = self.flagged + count, self.found + found
        self.wrong, self.pixels = self.wrong + wrong, self.pixels + int(codes.sum())
        for sums, of in ((self.precision, count), (self.recall, wrong)):
            if of:
                sums[0] += found / of
                sums[1] += 1

    def merge(self, other: ThresholdTally) -> None:
        """Add the images of `other`."""
        self.flagged, self.found = self.flagged + other.flagged, self.found + other.found
        self.wrong, self.pixels = self.wrong + other.wrong, self.pixels + other.pixels
        for own, more in ((self.precision, other.precision), (self.recall, other.recall)):
            own[0] += more[0]
            own[1] += more[1]

    def figures(self) -> dict[str, float]:
        """Precision and recall over all pixels and as the mean of the images, share flagged; NaN where undefined."""
        return {
            "precision": _ratio(self.found, self.flagged), "recall": _ratio(self.found, self.wrong),
            "precision_of_images": _ratio(*self.precision), "recall_of_images": _ratio(*self.recall),
            "flagged_share": _ratio(self.flagged, self.pixels),
        }  # fmt: skip


@dataclass
class ThresholdTallies:
    """Tallies by (group of images, score, threshold)."""

    tallies: dict[tuple[str, str, str], ThresholdTally] = field(default_factory=dict)

    def add(self, groups: tuple[str, ...], score: str, confidence: Floats, codes: Counts) -> None:
        """Add one image to all `groups`; `confidence` float64 (n,) of each level, `codes` int64 (2, n)."""
        filled = codes.sum(axis=0) > 0
        if not filled.any() or np.isnan(confidence[filled]).any():
            return
        kept, value = codes[:, filled], confidence[filled]
        for name, threshold in THRESHOLDS.items():
            flagged = threshold(value, kept.sum(axis=0).astype(np.float64))
            for group in groups:
                self.tallies.setdefault((group, score, name), ThresholdTally()).add(kept, flagged)

    def merge(self, other: ThresholdTallies) -> None:
        """Add the images of `other`."""
        for key, tally in other.tallies.items():
            self.tallies.setdefault(key, ThresholdTally()).merge(tally)

    def images(self, group: str) -> int:
        """How many images of `group` had anything wrong."""
        return max((int(each.recall[1]) for key, each in self.tallies.items() if key[0] == group), default=0)

    def document(self) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
        """Figures: group -> score -> threshold."""
        found: dict[str, dict[str, dict[str, dict[str, float]]]] = {}
        for (group, score, name), tally in self.tallies.items():
            found.setdefault(group, {}).setdefault(score, {})[name] = tally.figures()
        return found


def levels_of(histogram: ScoreHistogram) -> tuple[Floats, Counts]:
    """A score's histogram in 256 even levels of probability: their middles float64 (256,), counts int64 (2, 256)."""
    counts = np.zeros((2, LEVELS), np.int64)
    for row, values in ((WRONG, histogram.wrong), (CORRECT, histogram.correct)):
        counts[row] = np.bincount(_LEVEL_OF_BIN, values, minlength=LEVELS).astype(np.int64)
    middles = (np.arange(LEVELS) + 0.5) / LEVELS
    if histogram.wrong[0] + histogram.correct[0]:
        middles = np.full(LEVELS, np.nan)  # a pixel without a score: no threshold says anything
    return middles, counts


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
