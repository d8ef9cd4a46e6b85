# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Choice of frames under a budget: worth labelling each, and different from each other.

Greedy farthest-first, weighted: after the frame of the greatest worth always the one whose worth times distance to
what is chosen already is greatest (core-set selection, Sener and Savarese 2018, with the worth as a factor). Nothing is
drawn at random: the same recordings give the same frames.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]
# Mean difference of the grey levels of two images made small; a parked camera's noise is below 1.
NEAR_DUPLICATE_LEVELS = 4.0
PART = 4096  # thumbnails compared at once, so that memory stays flat


@dataclass(frozen=True)
class Choice:
    """One chosen frame.

    Attributes:
        index: of the candidate. worth: 0 to 1. reason: the criterion in which it stands out most.
        distance: to the nearest frame that was chosen before, in units of the usual distance; infinite for the first.
    """

    index: int
    worth: float
    reason: str
    distance: float


def ranked(values: Float64) -> Float64:
    """Share of the candidates that a value exceeds, ties in the middle, 0 to 1; NaN counts as the least worth, 0."""
    known = np.isfinite(values)
    out = np.zeros(len(values))
    if known.any():
        found = values[known]
        below = np.searchsorted(np.sort(found), found, side="left")
        up_to = np.searchsorted(np.sort(found), found, side="right")
        out[known] = (below + up_to - 1) / 2 / max(1, len(found) - 1)
    return out


def choose(
    criteria: Mapping[str, Sequence[float] | Float64],
    features: Float64,
    thumbnails: UInt8 | Sequence[UInt8 | None],
    budget: int,
    duplicate_levels: float = NEAR_DUPLICATE_LEVELS,
    closed: Collection[int] = (),
) -> list[Choice]:
    """The frames to label, most worth first.

    Args:
        criteria: by name one value for each of N candidates, the greater the more worth; NaN where there is none.
        features: float64 (N, D) of the images; scaled here.
        thumbnails: uint8 (N, P), grey levels of the images made small; or one each, None where it is not known: such a
            frame is no near-duplicate.
        budget: how many at most; fewer are given where the rest are near-duplicates.
        duplicate_levels: mean difference of the grey levels up to which two images are near-duplicates.
        closed: candidates that must not be chosen.
    """
    count = len(features)
    if not count or budget < 1:
        return []
    ranks = np.stack([ranked(np.asarray(values, np.float64)) for values in criteria.values()])
    worth = ranks.mean(axis=0)
    names = list(criteria)
    spread = features.std(axis=0)
    scaled = np.where(spread > 1e-9, (features - features.mean(axis=0)) / np.maximum(spread, 1e-9), 0.0)
    # Of frames far apart in the recording, so that neighbours do not make it small.
    half = count // 2
    usual = float(np.median(np.linalg.norm(scaled[:half] - scaled[half : 2 * half], axis=1))) if half else 1.0
    nearest = np.full(count, np.inf)
    open_ = np.ones(count, bool)
    open_[list(closed)] = False
    seen = np.array([index for index, each in enumerate(thumbnails) if each is not None], np.int64)
    small = np.stack([each for each in thumbnails if each is not None]) if len(seen) else None
    place = np.full(count, -1)
    place[seen] = np.arange(len(seen))
    chosen: list[Choice] = []
    while open_.any() and len(chosen) < budget:
        distance = nearest / usual if usual > 0 else np.where(np.isinf(nearest), np.inf, 0.0)
        value = np.where(open_, (worth + 1e-6) * np.minimum(distance, 1.0), -1.0)
        best = int(np.argmax(value))
        chosen.append(Choice(best, float(worth[best]), names[int(np.argmax(ranks[:, best]))], float(distance[best])))
        nearest = np.minimum(nearest, np.linalg.norm(scaled - scaled[best], axis=1))
        if small is not None and place[best] >= 0:
            open_[seen[_levels(small, small[place[best]]) <= duplicate_levels]] = False
        open_[best] = False
    return chosen


def _levels(thumbnails: UInt8, one: UInt8) -> Float64:
    """Mean difference of the grey levels of each to one of them, float64 (N,)."""
    own = one.astype(np.int16)
    parts = [
        np.abs(thumbnails[at : at + PART].astype(np.int16) - own).mean(axis=1) for at in range(0, len(thumbnails), PART)
    ]
    return np.concatenate(parts)
