# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How much the mask of one camera changes from frame to frame, by class, without labels and without optical flow.

A pixel *changes* when it is of class c in one frame and of another in the next: motion and flicker together. It
*flickers* when the frame after that says c again: what moves seldom does this, a network that cannot decide does.
Shares are of the pixels that were c in the first frame of the two or three.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array

# Masks further apart than this many periods of the processed frames are not compared: the view has moved on.
GAP_PERIODS = 3
IDS = 256
FIELDS = ("before", "changed", "first", "returned")
Counts = npt.NDArray[np.int64]


def _none() -> Counts:
    return np.zeros(IDS, np.int64)


@dataclass
class FlickerCounts:
    """Pixels by class id, int64 (256,); two of them add up.

    Attributes:
        before: of the earlier frame of each two. changed: those of them that the later one gives another class.
        first: of the first frame of each three. returned: those that the second gives another class and the third
            the first one again.
    """

    before: Counts = field(default_factory=_none)
    changed: Counts = field(default_factory=_none)
    first: Counts = field(default_factory=_none)
    returned: Counts = field(default_factory=_none)

    def merge(self, other: FlickerCounts) -> None:
        """Add the pixels of `other`."""
        for name in FIELDS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def document(self) -> dict[str, list[int]]:
        """For totals.json; `from_document` reads it."""
        return {name: getattr(self, name).tolist() for name in FIELDS}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> FlickerCounts:
        """KeyError or ValueError: not what `document` gave."""
        found = {name: np.array(document[name], np.int64) for name in FIELDS}
        if any(each.shape != (IDS,) for each in found.values()):
            raise ValueError("counts of flicker are not of 256 classes")
        return cls(**found)

    def figures(self) -> dict[str, float]:
        """`flicker` and `mask_change` of all classes together; NaN without frames to compare."""
        return {
            "flicker": _share(self.returned.sum(), self.first.sum()),
            "mask_change": _share(self.changed.sum(), self.before.sum()),
        }

    def by_class(self, names: Sequence[str]) -> list[dict[str, Any]]:
        """The same of each class, in the order of `names`; NaN of a class that was not seen."""
        return [
            {
                "name": name,
                "flicker": _share(self.returned[number], self.first[number]),
                "mask_change": _share(self.changed[number], self.before[number]),
            }
            for number, name in enumerate(names)
        ]


class FlickerTrack:
    """Compares each mask with the two before it; holds these two and nothing more.

    Args:
        period_ns: between two processed frames.
    """

    def __init__(self, period_ns: int) -> None:
        self.counts = FlickerCounts()
        self._gap_ns = GAP_PERIODS * period_ns
        self._masks: list[UInt8Array] = []
        self._stamp_ns = 0
        self._size: tuple[int, int] = (0, 0)

    def add(self, labels: UInt8Array, stamp_ns: int, size: tuple[int, int]) -> None:
        """Take the next mask, uint8 (h, w), of a camera image of `size` (height, width).

        Nothing is compared across a stamp that does not advance, a gap, or another size of image or mask.
        """
        step_ns = stamp_ns - self._stamp_ns
        same = size == self._size and bool(self._masks) and labels.shape == self._masks[-1].shape
        if not (same and 0 < step_ns <= self._gap_ns):
            self._masks.clear()
        self._stamp_ns, self._size = stamp_ns, size
        if self._masks:
            before = self._masks[-1]
            self.counts.before += _count(before)
            self.counts.changed += _count(before[before != labels])
        if len(self._masks) > 1:
            first, second = self._masks
            self.counts.first += _count(first)
            self.counts.returned += _count(first[(first != second) & (first == labels)])
        self._masks = [*self._masks[-1:], labels]

    def interrupt(self) -> None:
        """An image had no mask: what comes next is compared with nothing before it."""
        self._masks.clear()


def _count(labels: UInt8Array) -> Counts:
    return np.bincount(labels.ravel(), minlength=IDS)


def _share(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
