# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Figures of one picture that several checks share."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array

SMALL_SIZE = (180, 240)  # (height, width) of the copy that most figures are taken from
BLOCKS = (12, 16)  # (rows, columns) of the grid that parts are looked for in: 15 x 15 pixels of the copy each
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))  # (rows, columns) from a pixel to its neighbour
ROUNDING = 0.5  # lumas squared: about what rounding to whole lumas adds to a mean square difference
Blocks = npt.NDArray[np.float32]


def small_copy(image: UInt8Array) -> UInt8Array:
    """uint8 of at most `SMALL_SIZE`; never enlarged: that would look like blur."""
    height, width = min(SMALL_SIZE[0], image.shape[0]), min(SMALL_SIZE[1], image.shape[1])
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def quantile(values: npt.NDArray[np.floating], share: float) -> float:
    """The value below which about `share` of `values` lie; 0 of none. numpy's own takes ten times as long."""
    return float(np.sort(values, axis=None)[int(share * (values.size - 1))]) if values.size else 0.0


def block_means(values: npt.NDArray[np.generic]) -> Blocks:
    """float32 `BLOCKS`: mean of each block of a uint8 (h, w) image."""
    rows, columns = BLOCKS
    return np.asarray(cv2.resize(values.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def block_metrics(luma: UInt8Array, before: UInt8Array) -> npt.NDArray[np.float32]:
    """float32 (3, *`BLOCKS`) of uint8 (h, w) and the last one: each block's mean change since, its mean, its detail.

    Detail is the mean difference of neighbours in a row.
    """
    height, width = luma.shape
    maps = np.zeros((3, height, width), np.uint8)
    cv2.absdiff(luma, before, dst=maps[0])
    maps[1] = luma
    cv2.absdiff(luma[:, 1:], luma[:, :-1], dst=maps[2, :, 1:])
    rows, columns = BLOCKS
    if height % rows:
        return np.stack([block_means(each) for each in maps])
    # The three at once, rows first: exact sums, and half of the cost.
    each = height // rows
    summed = maps.reshape(3 * rows, each, width).sum(axis=1, dtype=np.uint16).astype(np.float32)
    means = cv2.resize(summed, (columns, 3 * rows), interpolation=cv2.INTER_AREA) / np.float32(each)
    return np.asarray(means, np.float32).reshape(3, rows, columns)


def blur_ratio(luma: UInt8Array) -> float:
    """Energy of second over first differences of uint8 (h, w), the lowest of four directions; 0 for an empty scene.

    Blur of any kind takes high frequencies away first; motion blur takes them along its direction only.
    """
    if min(luma.shape) < 3:
        return 0.0
    ratios = []
    for down, right in DIRECTIONS:
        # (a - 2 b + c)^2 = 2 (a - b)^2 + 2 (b - c)^2 - (a - c)^2: no second difference needs to be made.
        near, far = _mean_square(luma, down, right), _mean_square(luma, 2 * down, 2 * right)
        ratios.append((4.0 * near - far) / (near + ROUNDING))
    return max(0.0, min(ratios))


def _mean_square(luma: UInt8Array, down: int, right: int) -> float:
    """Mean square difference of pixels to those so many rows below and columns to the right."""
    height, width = luma.shape
    here = luma[: height - down, max(0, -right) : width - max(0, right)]
    there = luma[down:, max(0, right) : width + min(0, right)]
    return float(cv2.norm(here, there, cv2.NORM_L2SQR)) / here.size
