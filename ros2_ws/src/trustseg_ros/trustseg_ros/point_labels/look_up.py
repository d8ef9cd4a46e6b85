# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which class and confidence the mask has where a point is seen."""

from __future__ import annotations

import numpy as np

from trustseg.bundle.card import VOID_LABEL
from trustseg.types import Float32Array, UInt8Array
from trustseg_ros.ground_grid.projection import CameraMount, Float64, Lens


def nothing(count: int) -> tuple[UInt8Array, Float32Array]:
    """`count` points of which nothing is known: class 255, confidence 0."""
    return np.full(count, VOID_LABEL, np.uint8), np.zeros(count, np.float32)


def looked_up(
    points: Float64, lens: Lens, mount: CameraMount, labels: UInt8Array, confidence: UInt8Array
) -> tuple[UInt8Array, Float32Array]:
    """Class and confidence of each point; 255 and 0 behind the camera, outside of the image, and where the mask is 255.

    Args:
        points: float64 (points, 3), metres in the axes that `mount` is given in; not finite: no point.
        lens: of an image of the mask's size. mount: where the camera is.
        labels, confidence: uint8 (h, w), confidence as P x 255.

    Returns:
        (uint8 (points,), float32 (points,) in 0..1).
    """
    classes, sure = nothing(len(points))
    if not len(points):
        return classes, sure
    finite = np.asarray(np.isfinite(points).all(axis=1), np.bool_)
    pixels, ahead = lens.project(np.where(finite[:, None], points, 0.0), mount)
    known = ahead & finite & np.asarray(np.isfinite(pixels).all(axis=1), np.bool_)
    # The centre of pixel 0 is at 0: what lies within half a pixel of it is in it.
    column, row = np.floor(np.clip(np.where(known[:, None], pixels, -1.0), -1e6, 1e6) + 0.5).astype(np.int64).T
    height, width = labels.shape
    seen = np.flatnonzero(known & (column >= 0) & (column < width) & (row >= 0) & (row < height))
    at = (row[seen], column[seen])
    classes[seen] = labels[at]
    sure[seen] = np.where(labels[at] == VOID_LABEL, 0, confidence[at]) / np.float32(255)
    return classes, sure
