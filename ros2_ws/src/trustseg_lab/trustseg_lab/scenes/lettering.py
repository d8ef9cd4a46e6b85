# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Letters on shop fronts and signs."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]


def write(
    picture: Float32,
    text: str,
    at: tuple[float, float],
    scale: float,
    color: tuple[float, float, float],
    thick: int = 1,
) -> None:
    """Write `text` into a float32 picture (H, W, 3) in place, its baseline beginning at `at` (x, y)."""
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.putText(mask, text, (int(at[0]), int(at[1])), cv2.FONT_HERSHEY_DUPLEX, scale, 255, thick, cv2.LINE_AA)
    alpha = mask.astype(np.float32)[..., None] / 255
    picture += (np.array(color, np.float32) - picture) * alpha
