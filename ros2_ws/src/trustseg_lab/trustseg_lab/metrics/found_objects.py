# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How well scores find the pixels of objects that no class describes, and how many of those are trusted all the same.

One streaming state a score, like that of the confidence metrics: an object pixel takes the place of a right one there,
so that their ranking functions give the AUROC, the FPR95 and the average precision of finding objects.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg_lab.metrics.ranking.auroc import auroc
from trustseg_lab.metrics.ranking.average_precision import aupr_success
from trustseg_lab.metrics.ranking.fpr_at_tpr import fpr_at_tpr
from trustseg_lab.metrics.score_bins import bin_of_scores
from trustseg_lab.metrics.score_histogram import CORRECT, LEFT_OUT, WRONG, ScoreHistogram

SURE = 0.9  # a confidence above it is taken for certain
Bools = npt.NDArray[np.bool_]


@dataclass
class FoundObjects:
    """Counts of one score, which is high where an object is.

    Attributes:
        among_all, among_road: object pixels (as CORRECT) against all other labelled ones, and against road alone.
        object_pixels, sure_objects, known_pixels, sure_known: pixels of objects and of classes, and how many of each
            have a confidence, 1 - score, above SURE.
        confidence: whether 1 - score is a confidence at all.
    """

    confidence: bool = True
    among_all: ScoreHistogram = field(default_factory=ScoreHistogram)
    among_road: ScoreHistogram = field(default_factory=ScoreHistogram)
    object_pixels: int = 0
    sure_objects: int = 0
    known_pixels: int = 0
    sure_known: int = 0

    def add(self, score: npt.ArrayLike, objects: Bools, known: Bools, road: Bools) -> None:
        """Add an image: `score` float (h, w), and which pixels are of an object, of a class, of the road among these;
        bool (h, w) each. What is neither is left out."""
        values = np.asarray(score, np.float64)
        bins = bin_of_scores(values)
        kinds = np.full(values.shape, LEFT_OUT, np.uint8)
        kinds[known] = WRONG
        kinds[objects] = CORRECT
        self.among_all.update_bins(bins, kinds)
        kinds[known & ~road] = LEFT_OUT
        self.among_road.update_bins(bins, kinds)
        sure = 1.0 - values > SURE
        self.object_pixels += int(objects.sum())
        self.known_pixels += int(known.sum())
        self.sure_objects += int((sure & objects).sum())
        self.sure_known += int((sure & known).sum())

    def record(self) -> dict[str, Any]:
        """Figures in [0, 1], NaN where undefined; the sure shares of a confidence alone."""
        found: dict[str, Any] = {**ranked(self.among_all), "road": ranked(self.among_road)}
        if self.confidence:
            found["sure_share"] = share(self.sure_objects, self.object_pixels)
            found["sure_share_known"] = share(self.sure_known, self.known_pixels)
        return found


def ranked(histogram: ScoreHistogram) -> dict[str, float]:
    """AUROC, FPR at 95 % of the object pixels found, and average precision."""
    return {"auroc": auroc(histogram), "fpr95": fpr_at_tpr(histogram), "ap": aupr_success(histogram)}


def share(part: int, whole: int) -> float:
    """NaN of nothing."""
    return part / whole if whole else float("nan")
