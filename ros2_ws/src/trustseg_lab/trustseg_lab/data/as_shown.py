# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A labelled image as the node shows it to the network by default, for whoever works at the network's size.

A picture that is much wider or higher than the network's input is not stretched to it alone: its mirror image stands
beside it (`trustseg.camera`). Here that is put beside the camera's picture, so that stretching it is right again.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from trustseg.camera.geometry import PADDING
from trustseg.camera.input_geometry import InputGeometry
from trustseg.types import UInt8Array
from trustseg_lab.data.labelled_images import LabelledImage


def as_shown(pair: LabelledImage, size: tuple[int, int], void: int | None) -> LabelledImage:
    """`pair` with its mirror image where a network of `size` (height, width) sees that; the labels are `void` there.

    Labels that have no id for void stay as they are, and so does their image: it is stretched.
    """
    if void is None or not any(margins((pair.labels.shape[0], pair.labels.shape[1]), size)):
        return pair
    return replace(pair, image=mirrored(pair.image, size), labels=bordered(pair.labels, size, void))


def mirrored(image: UInt8Array, size: tuple[int, int]) -> UInt8Array:
    """uint8 (H, W, 3) with its mirror image beside it, or as it is."""
    return np.asarray(_padded(image, size, PADDING, 0), np.uint8)


def bordered(labels: UInt8Array, size: tuple[int, int], void: int) -> UInt8Array:
    """uint8 (H, W) with `void` where `mirrored` has the mirror image."""
    return np.asarray(_padded(labels, size, cv2.BORDER_CONSTANT, void), np.uint8)


def margins(shown: tuple[int, int], size: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns that a picture of `shown` (height, width) is enlarged by, both sides together."""
    down, across = InputGeometry().scales(shown, size)
    return max(0, round(size[0] / down) - shown[0]), max(0, round(size[1] / across) - shown[1])


def _padded(image: UInt8Array, size: tuple[int, int], border: int, value: int) -> UInt8Array:
    rows, columns = margins((image.shape[0], image.shape[1]), size)
    if not rows and not columns:
        return image
    top, left = rows // 2, columns // 2
    padded = cv2.copyMakeBorder(image, top, rows - top, left, columns - left, border, value=(value,) * 3)
    return np.asarray(padded, np.uint8)
