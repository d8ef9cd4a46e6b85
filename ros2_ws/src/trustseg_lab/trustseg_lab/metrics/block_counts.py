# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Counts of every score by block of images: what paired resampling rests on. Memory does not grow with the images.

Neighbouring frames of a drive are nearly one picture, so not images but blocks of them are resampled. A block keeps a
coarse histogram of each score: one bin for eight of `score_bins`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
import numpy.typing as npt

from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, drive_of
from trustseg_lab.metrics.score_bins import BINS
from trustseg_lab.metrics.score_histogram import CORRECT, WRONG, Floats, ScoreHistogram

MERGED_BINS = 8
COARSE_BINS = BINS // MERGED_BINS
MOST_BLOCKS = 32
# Groups of ties that a resample works on: as fine as the figures are told.
GROUPS = 2048

BlockBins = npt.NDArray[np.uint32]


def blocks_of(stems: Sequence[str]) -> list[int]:
    """Block of each image, from 0: even parts of each drive, of about `BLOCK_IMAGES` images or so many that there are
    at most `MOST_BLOCKS` blocks; drives of few images (each its own name, say) are put together."""
    length = max(BLOCK_IMAGES, -(-len(stems) // MOST_BLOCKS))
    found: list[int] = []
    for _, drive in groupby(stems, drive_of):
        count = len(list(drive))
        parts, first = -(-count // length), found[-1] + 1 if found else 0
        found += [first + index * parts // count for index in range(count)]
    merged = -(-(found[-1] + 1) // MOST_BLOCKS) if found else 1
    return [block // merged for block in found]


@dataclass
class BlockCounts:
    """Of each score, uint32 (blocks, 2, COARSE_BINS): wrong and right pixels."""

    blocks: int
    scores: dict[str, BlockBins] = field(default_factory=dict)

    def add(self, name: str, block: int, histogram: ScoreHistogram) -> None:
        """Add the pixels of `histogram` to `block` of score `name`."""
        if name not in self.scores:
            self.scores[name] = np.zeros((self.blocks, 2, COARSE_BINS), np.uint32)
        kept = self.scores[name][block]
        for row, counts in ((WRONG, histogram.wrong), (CORRECT, histogram.correct)):
            kept[row] += counts.reshape(COARSE_BINS, MERGED_BINS).sum(axis=1).astype(np.uint32)

    def merge(self, other: BlockCounts) -> None:
        """Add the pixels of `other`, which has the same blocks."""
        for name, counts in other.scores.items():
            self.scores[name] = self.scores[name] + counts if name in self.scores else counts


@dataclass(frozen=True)
class GroupedScore:
    """One score in `GROUPS` groups of ties at most, most confident first.

    Attributes:
        value: float64 (n,), mean probability of each group; NaN where it holds no probabilities.
        correct, wrong: float64 (blocks, n).
    """

    value: Floats
    correct: Floats
    wrong: Floats


def grouped(bins: BlockBins, total: ScoreHistogram) -> GroupedScore | None:
    """Groups of about equal mass, of right and of wrong pixels alike; None where a pixel has no score."""
    if not total.rankable:
        return None
    ranked = total.ranked()
    size = (total.correct + total.wrong).astype(np.float64)
    value = np.zeros(BINS)
    filled = np.flatnonzero(size[1:])[::-1] + 1  # the order of `ranked`
    value[filled] = ranked.value * size[filled]
    pixels, wrong, summed = (_merged(each) for each in (size, total.wrong.astype(np.float64), value))
    order = np.flatnonzero(pixels)[::-1]
    mass = 0.5 * np.cumsum(pixels[order]) / pixels.sum() + 0.5 * np.cumsum(wrong[order]) / max(wrong.sum(), 1.0)
    group = np.unique(np.minimum((mass * GROUPS).astype(np.int64), GROUPS - 1), return_inverse=True)[1]
    first = np.flatnonzero(np.diff(group, prepend=-1))

    def summed_up(values: npt.NDArray[np.floating]) -> Floats:
        return np.asarray(np.add.reduceat(values[..., order], first, axis=-1), np.float64)

    counts = bins.astype(np.float64)
    return GroupedScore(
        summed_up(summed) / summed_up(pixels), summed_up(counts[:, CORRECT]), summed_up(counts[:, WRONG])
    )


def _merged(values: Floats) -> Floats:
    return np.asarray(values.reshape(COARSE_BINS, MERGED_BINS).sum(axis=1), np.float64)
