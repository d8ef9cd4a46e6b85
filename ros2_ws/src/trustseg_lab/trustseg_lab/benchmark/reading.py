# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a method says of one view: a value for every pixel, region, image, class or clip; larger is surer.

`pool` lifts pixels and regions to the image under every aggregation in use, `spread` lowers regions to pixels
(Zenk et al., 2024; Guarino et al., 2026: which aggregation is taken matters as much as the score).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array, UInt8Array

Int32Array = npt.NDArray[np.int32]
Scale = Literal["probability", "quality", "rank"]

# Of the least sure foreground pixels: the share whose mean is told.
FOREGROUND_QUANTILE = 0.1
PATCH_ROWS, PATCH_COLUMNS = 6, 8


class Level(str, Enum):
    """What a reading's values are of."""

    PIXEL = "pixel"
    REGION = "region"
    CLASS = "class"
    IMAGE = "image"
    CLIP = "clip"
    MASK = "mask"


@dataclass(frozen=True)
class Regions:
    """A partition of a view.

    Attributes:
        ids: int32 (h, w), region of each pixel, 0 .. n - 1; -1 outside of all.
        class_of: uint8 (n,), predicted class of each region (the commonest one where it holds several).
    """

    ids: Int32Array
    class_of: UInt8Array

    @property
    def count(self) -> int:
        """n."""
        return int(self.class_of.size)

    def means(self, values: npt.NDArray[np.floating]) -> Float32Array:
        """Mean of `values` (h, w) in each region, float32 (n,); NaN in one without pixels."""
        inside = self.ids >= 0
        ids = self.ids[inside]
        size = np.bincount(ids, minlength=self.count)
        total = np.bincount(ids, values[inside].astype(np.float64), minlength=self.count)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(total / size, np.float32)

    def sizes(self) -> npt.NDArray[np.int64]:
        """Pixels of each region, int64 (n,)."""
        return np.bincount(self.ids[self.ids >= 0], minlength=self.count)


@dataclass(frozen=True)
class Reading:
    """What a method says of one view.

    Attributes:
        level: of the values.
        values: float32 (h, w) | (regions,) | (classes,) | (): by level; NaN where nothing can be said. Of level MASK:
            another mask, class ids as float32 (h, w).
        regions: of a reading by region.
    """

    level: Level
    values: Float32Array
    regions: Regions | None = None

    @staticmethod
    def pixels(values: npt.NDArray[np.floating]) -> Reading:
        """A confidence map (h, w)."""
        return Reading(Level.PIXEL, np.asarray(values, np.float32))

    @staticmethod
    def image(value: float) -> Reading:
        """One value of the whole view."""
        return Reading(Level.IMAGE, np.asarray(value, np.float32))

    @staticmethod
    def classes(values: npt.NDArray[np.floating]) -> Reading:
        """One value a class, (C,); NaN for a class that is not in the mask."""
        return Reading(Level.CLASS, np.asarray(values, np.float32))

    @staticmethod
    def mask(labels: npt.NDArray[np.integer]) -> Reading:
        """Another mask (h, w) that the method would rather have."""
        return Reading(Level.MASK, labels.astype(np.float32))

    @staticmethod
    def of_regions(values: npt.NDArray[np.floating], regions: Regions) -> Reading:
        """One value a region, (n,)."""
        return Reading(Level.REGION, np.asarray(values, np.float32), regions)


@dataclass(frozen=True)
class Mask:
    """The mask whose reading is pooled: labels uint8 (h, w), which classes are foreground, bool (C,)."""

    labels: UInt8Array
    foreground: npt.NDArray[np.bool_]

    @cached_property
    def inside(self) -> npt.NDArray[np.bool_]:
        """bool (h, w): pixels whose 3x3 neighbours are all of their class."""
        kernel = np.ones((3, 3), np.uint8)
        low, high = cv2.erode(self.labels, kernel), cv2.dilate(self.labels, kernel)
        return np.asarray(low == high, bool)


def _mean(values: Float32Array, mask: Mask) -> float:
    return float(values.mean())


def _inside_mean(values: Float32Array, mask: Mask) -> float:
    inside = mask.inside
    return float(values[inside].mean()) if inside.any() else float(values.mean())


def _foreground_quantile(values: Float32Array, mask: Mask) -> float:
    """Mean of the least sure tenth of the foreground's pixels; of all pixels where there is no foreground."""
    chosen = values[mask.foreground[np.minimum(mask.labels, len(mask.foreground) - 1)]]
    chosen = chosen if chosen.size else values.ravel()
    count = max(1, int(FOREGROUND_QUANTILE * chosen.size))
    return float(np.partition(chosen, count - 1)[:count].mean())


def _worst_patch(values: Float32Array, mask: Mask) -> float:
    small = cv2.resize(values, (PATCH_COLUMNS, PATCH_ROWS), interpolation=cv2.INTER_AREA)
    return float(small.min())


def _area_weighted(values: Float32Array, mask: Mask) -> float:
    """Every class of the mask counts alike: its pixels are weighted by the inverse of its area."""
    labels = mask.labels.ravel()
    size = np.bincount(labels)
    total = np.bincount(labels, values.ravel().astype(np.float64))
    return float((total[size > 0] / size[size > 0]).mean())


AGGREGATIONS: dict[str, Callable[[Float32Array, Mask], float]] = {
    "mean": _mean, "inside": _inside_mean, "foreground": _foreground_quantile, "worst_patch": _worst_patch,
    "area_weighted": _area_weighted,
}  # fmt: skip


def pool(reading: Reading, how: str, mask: Mask) -> Reading:
    """The reading of the whole view.

    Args:
        reading: of pixels or of regions (these are lowered first).
        how: one of `AGGREGATIONS`.
        mask: of the same size.
    """
    values = spread(reading)
    if np.isnan(values).any():
        known = values[~np.isnan(values)]
        values = np.where(np.isnan(values), known.mean() if known.size else np.float32(0.0), values)
    return Reading.image(AGGREGATIONS[how](np.asarray(values, np.float32), mask))


def spread(reading: Reading) -> Float32Array:
    """The reading of every pixel, float32 (h, w); pixels outside of all regions are NaN."""
    if reading.regions is None:
        return reading.values
    values = np.append(reading.values, np.float32(np.nan))
    return np.asarray(values[reading.regions.ids], np.float32)
