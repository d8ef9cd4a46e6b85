# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The few lines of the whole picture that the checks of damage look at, and how neighbours differ along them.

The picture is read once: whatever its size, about `LINES` of its columns, and as many of its rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array

LINES = 64  # places along a row or column that are looked at
COLOURS = 3  # bytes from a pixel's value to its neighbour's of the same colour


@dataclass(frozen=True)
class Lines:
    """Lines side by side, and what they differ by.

    Attributes:
        values: uint8 (places, count): each column of it is one line of the picture, seen at so many places.
        apart: how many columns of `values` lie between a line and the next one.
        steps: uint8 (places, count - apart): how much each line differs from the next one.
        jumps: uint8 (places, count - 2 apart): how much each line but the outermost differs from both neighbours.
    """

    values: UInt8Array
    apart: int
    steps: UInt8Array
    jumps: UInt8Array

    @classmethod
    def of(cls, values: UInt8Array, apart: int = 1) -> Lines:
        """Lines of `values`, which has three of them or more."""
        steps = np.asarray(cv2.absdiff(values[:, apart:], values[:, :-apart]), np.uint8)
        return cls(values, apart, steps, np.asarray(cv2.min(steps[:, apart:], steps[:, :-apart]), np.uint8))


def image_rows(image: UInt8Array) -> Lines:
    """The rows of uint8 (H, W, 3), seen in the green of evenly spread columns."""
    step = max(1, image.shape[1] // LINES)
    return Lines.of(np.asarray(cv2.transpose(np.ascontiguousarray(image[:, step // 2 :: step, 1])), np.uint8))


def image_columns(image: UInt8Array) -> tuple[Lines, slice]:
    """The columns of uint8 (H, W, 3), all their colours, seen in evenly spread rows; and those rows."""
    step = max(1, image.shape[0] // LINES)
    at = slice(step // 2, None, step)
    return Lines.of(image[at].reshape(-1, COLOURS * image.shape[1]), COLOURS), at


def sums(values: UInt8Array) -> npt.NDArray[np.int32]:
    """int32 (count,): sum of each column of uint8 (places, count)."""
    return np.asarray(cv2.reduce(values, 0, cv2.REDUCE_SUM, dtype=cv2.CV_32S)[0], np.int32)
