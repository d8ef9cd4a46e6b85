# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fits the lower bound of an image's quality: the farther below the prediction, the less the scene is like known ones.

    lower = predicted - offset - slope * max(0, log(OOD score))

The OOD score of a usual scene is about 1, so that its bound lies `offset` below. The bound is to hold in each group of
images, clean ones and every kind of trouble, and not only in all together, where mild trouble hides what is severe: for
each slope the offset is the largest of the groups' split-conformal ones (Vovk et al., 2005). Taken is the slope whose
bounds lie closest to the predictions of usual images. The score only widens the bound: it never lies closer than the
constant one of all images together. What is judged here was predicted by models that had seen neither
the block of images nor the kind of trouble, since a bound is wanted for weather that nobody has fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg.verdict import LEAST_DISTANCE
from trustseg_lab.metrics.images.view_rows import Bools, Names
from trustseg_lab.metrics.score_histogram import Floats

# Per unit of the score's logarithm; 0 first, so that it is kept where none is better.
SLOPES = tuple(round(0.02 * step, 2) for step in range(51))
# Smaller groups stand together: of fewer images no bound can be told.
LEAST_GROUP = 30


@dataclass(frozen=True)
class LowerBound:
    """`offset` and `slope` as above, both 0 or more."""

    offset: float
    slope: float

    def below(self, distance: Floats) -> Floats:
        """How far below the prediction the bound lies, float64 (n,), by OOD scores (n,); NaN counts as usual."""
        return self.offset + self.slope * strange_part(distance)


def strange_part(distance: Floats) -> Floats:
    """max(0, log(OOD score)), float64 (n,); 0 where there is no score."""
    log = np.log(np.maximum(np.nan_to_num(distance, nan=1.0), LEAST_DISTANCE))
    return np.asarray(np.maximum(log, 0.0), np.float64)


def fit_lower_bound(excess: Floats, distance: Floats, group: Names, usual: Bools, coverage: float) -> LowerBound:
    """The bound that holds for a share `coverage` of each group, of the slope that costs usual images least.

    Args:
        excess: float64 (n,), predicted - true quality of images that no model had seen.
        distance: float64 (n,), their OOD scores, of models that had not seen them; NaN without one: the slope is 0.
        group: str (n,), the kind of trouble, or "clean".
        usual: bool (n,), images for which the bound is to be as close as it can be; of none: all of them.
        coverage: in (0, 1).
    """
    strange = strange_part(distance)
    names, counts = np.unique(group, return_counts=True)
    members = [group == name for name in names[counts >= LEAST_GROUP]]
    rest = np.isin(group, names[counts < LEAST_GROUP])
    members.append(rest if rest.sum() >= LEAST_GROUP else np.ones(len(group), bool))
    at = usual if usual.any() else np.ones(len(group), bool)
    best, least = LowerBound(1.0, 0.0), np.inf
    for slope in SLOPES if strange.any() else SLOPES[:1]:
        left = excess - slope * strange
        offset = max(conformal_offset(left[each], coverage) for each in members)
        width = offset + slope * float(strange[at].mean())
        if width < least - 1e-9:
            best, least = LowerBound(offset, slope), width
    return LowerBound(max(best.offset, conformal_offset(excess, coverage)), best.slope)


def conformal_offset(excess: Floats, coverage: float) -> float:
    """Split-conformal offset: the true quality is at or above predicted - offset for a share `coverage` of images.

    The ceil((n + 1) coverage)-th smallest of predicted - true; holds for images exchangeable with those of `excess`,
    float64 (n,), and is no promise under another shift.
    """
    rank = int(np.ceil((len(excess) + 1) * coverage))
    if rank > len(excess):
        return 1.0  # too few images for any bound but the trivial one
    # Rounded up, so that the image it was taken from still holds; a lower bound is not above the prediction.
    return max(0.0, float(np.ceil(np.sort(excess)[rank - 1] * 1e4 - 1e-6)) / 1e4)
