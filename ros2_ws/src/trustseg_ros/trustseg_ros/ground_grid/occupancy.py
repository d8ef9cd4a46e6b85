# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Mask and confidence to free, occupied and unknown cells.

A pixel of an obstacle shows the ground only at the obstacle's foot: the lowest pixel of its column that is not free
ground. In front of it the ground is free where the network is sure, behind it nothing is known.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array
from trustseg_ros.ground_grid.projection import Footprints, GridShape, Int32

UNKNOWN, FREE, OCCUPIED = -1, 0, 100  # of nav_msgs/OccupancyGrid
NO_FOOT = -1
Int8 = npt.NDArray[np.int8]


@dataclass(frozen=True)
class FreeDistance:
    """How far the corridor ahead is free.

    Attributes:
        from_m: x of the first cells that are seen. to_m: of the end of the last ones.
        free_m: x of the first cells of which one is not free; `to_m` where there are none, 0 where it is the first.
    """

    from_m: float
    to_m: float
    free_m: float


class GroundGrid:
    """One camera's grid.

    Args:
        shape: of the grid. cells: its footprints in the image. free: ids of the classes that can be driven on.
        least_confidence: of a pixel that counts as known, 0 to 255. most_unsure: share of a cell's pixels that may be
            below it.
        lowest_row: first row of the image that shows the vehicle itself.
    """

    def __init__(
        self,
        shape: GridShape,
        cells: Footprints,
        free: Collection[int],
        *,
        least_confidence: int,
        most_unsure: float,
        lowest_row: int,
    ) -> None:
        self.shape, self.cells, self._lowest_row = shape, cells, lowest_row
        self._least, self._most_unsure = least_confidence, most_unsure
        self._obstacle = np.full(256, 255, np.uint8)
        self._obstacle[list(free)] = 0
        span = cells.right - cells.left + 1
        self._level = np.frexp(span.astype(np.float64))[1].astype(np.int32) - 1  # floor(log2)
        self._second = cells.right - (1 << self._level) + 1
        self._area = (cells.bottom - cells.top + 1) * span

    def occupancy(self, labels: UInt8Array, confidence: UInt8Array) -> Int8:
        """Values of nav_msgs/OccupancyGrid, int8 (rows along y, columns along x).

        Args:
            labels, confidence: uint8 (H, W), of the image that the footprints are of.
        """
        cells = self.cells
        foot = self._lowest_foot(labels)
        sums = cv2.integral((confidence < self._least).astype(np.uint8), sdepth=cv2.CV_32S)
        low, high = cells.bottom + 1, cells.right + 1
        unsure = sums[low, high] - sums[cells.top, high] - sums[low, cells.left] + sums[cells.top, cells.left]
        known = cells.seen & (unsure <= self._most_unsure * self._area)
        out = np.full(cells.top.shape, UNKNOWN, np.int8)
        out[known & (foot < cells.clear)] = FREE
        out[known & (foot >= cells.top) & (foot <= cells.bottom)] = OCCUPIED
        return out

    def classes(self, labels: UInt8Array, occupancy: Int8) -> Int8:
        """Class id of each known cell, -1 elsewhere, int8: that of its middle, or of the obstacle that stands in it."""
        cells = self.cells
        middle = (cells.left + cells.right) // 2
        row = np.where(occupancy == OCCUPIED, self._lowest_foot(labels), (cells.top + cells.bottom) // 2)
        found = labels[np.clip(row, 0, labels.shape[0] - 1), middle].astype(np.int16)
        known = (occupancy != UNKNOWN) & (found <= np.iinfo(np.int8).max)
        return np.where(known, found, UNKNOWN).astype(np.int8)

    def free_distance(self, occupancy: Int8, width_m: float) -> FreeDistance:
        """How far a corridor of `width_m` along x, in the middle of the grid, is free."""
        _, y = self.shape.edges()
        inside = (y[1:] > -width_m / 2) & (y[:-1] < width_m / 2)
        seen = np.flatnonzero(self.cells.seen[inside].all(axis=0))
        edge = self.shape.edges()[0]
        if not len(seen):
            return FreeDistance(float(edge[-1]), float(edge[-1]), 0.0)
        first = int(seen[0])
        gap = np.flatnonzero(np.diff(seen) > 1)
        last = int(seen[gap[0]] if len(gap) else seen[-1])
        blocked = np.flatnonzero((occupancy[inside, first : last + 1] != FREE).any(axis=0))
        begin, end = float(edge[first]), float(edge[last + 1])
        if not len(blocked):
            return FreeDistance(begin, end, end)
        return FreeDistance(begin, end, float(edge[first + blocked[0]]) if blocked[0] else 0.0)

    def _lowest_foot(self, labels: UInt8Array) -> Int32:
        """Lowest row of an obstacle in any column of each cell, `NO_FOOT` where there is none, int32."""
        obstacle = cv2.LUT(labels[: self._lowest_row], self._obstacle)
        rows = obstacle.shape[0]
        foot = np.where(obstacle.any(axis=0), rows - 1 - np.argmax(obstacle[::-1], axis=0), NO_FOOT).astype(np.int32)
        # Greatest value of every run of 1, 2, 4, ... columns: two of them cover the columns of any cell.
        runs = [foot]
        for level in range(int(self._level.max(initial=0))):
            step = 1 << level
            longer = runs[-1].copy()
            longer[:-step] = np.maximum(longer[:-step], runs[-1][step:])
            runs.append(longer)
        table = np.stack(runs)
        return np.maximum(table[self._level, self.cells.left], table[self._level, self._second])
