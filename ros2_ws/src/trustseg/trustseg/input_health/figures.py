"""Figures of one picture that several checks share."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array

SMALL_SIZE = (180, 240)  # (height, width) of the copy that most figures are taken from
BLOCKS = (12, 16)  # (rows, columns) of the grid that parts are looked for in: 15 x 15 pixels of the copy each
_ALL, _HEAD, _TAIL = slice(None), slice(None, -1), slice(1, None)
# Second-difference kernel, and the two views whose difference is the first one: along x, y and both diagonals.
SECOND_DIFFERENCES = (
    (np.array([[0, 0, 0], [1, -2, 1], [0, 0, 0]], np.float32), (_ALL, _TAIL), (_ALL, _HEAD)),
    (np.array([[0, 1, 0], [0, -2, 0], [0, 1, 0]], np.float32), (_TAIL, _ALL), (_HEAD, _ALL)),
    (np.array([[1, 0, 0], [0, -2, 0], [0, 0, 1]], np.float32), (_TAIL, _TAIL), (_HEAD, _HEAD)),
    (np.array([[0, 0, 1], [0, -2, 0], [1, 0, 0]], np.float32), (_TAIL, _HEAD), (_HEAD, _TAIL)),
)
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


def blur_ratio(luma: UInt8Array) -> float:
    """Energy of second over first differences of uint8 (h, w), the lowest of four directions; 0 for an empty scene.

    Blur of any kind takes high frequencies away first; motion blur takes them along its direction only.
    """
    half_step = 0.5 * luma.size  # rounding to whole lumas alone gives about this much energy
    ratios = []
    for kernel, first, second in SECOND_DIFFERENCES:
        bent = cv2.norm(cv2.filter2D(luma, cv2.CV_16S, kernel)[1:-1, 1:-1]) ** 2
        ratios.append(bent / (cv2.norm(luma[first], luma[second]) ** 2 + half_step))
    return float(min(ratios))
