# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a camera, its driver or its bonnet puts over part of every picture by design: constant, or going on by itself.

None of it is a fault, and none may hide one.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

UInt8 = npt.NDArray[np.uint8]

BOX_GREY = 128
CLOCK_ROWS, CLOCK_COLUMNS = 0.05, 0.5  # of the picture: 2.5 % of it
MS_A_TICK = 100
BARS = 0.12  # of the rows, above and below each


def grey_box(image: UInt8, share: float = 0.03) -> UInt8:
    """A copy with a grey box of this share of the picture, in its own proportions, at the right below the middle."""
    out = image.copy()
    height, width = image.shape[:2]
    rows, columns = round(height * share**0.5), round(width * share**0.5)
    top, left = min(round(0.6 * height), height - rows), width - columns
    out[top : top + rows, left : left + columns] = BOX_GREY
    return out


def clock(image: UInt8, tick: int) -> UInt8:
    """A copy with a clock at the top: white digits on black, ten ticks a second."""
    out = image.copy()
    rows, columns = round(CLOCK_ROWS * image.shape[0]), round(CLOCK_COLUMNS * image.shape[1])
    seconds, ms = divmod(MS_A_TICK * tick, 1000)
    box = np.full((40, 600, 3), 16, np.uint8)
    text = f"2024-05-17 08:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"
    cv2.putText(box, text, (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (235, 235, 235), 3)
    out[:rows, :columns] = cv2.resize(box, (columns, rows), interpolation=cv2.INTER_AREA)
    return out


def hood_mask(image: UInt8, share: float = 0.056) -> UInt8:
    """A copy whose bonnet is masked with dark grey: an arch at the bottom of this share of the picture."""
    out = image.copy()
    height, width = image.shape[:2]
    # Half an ellipse over eight tenths of the width: its area is pi/4 of the box around it.
    high = share * height / (0.8 * np.pi / 4.0)
    across = (np.arange(width) - (width - 1) / 2.0) / (0.4 * width)
    top = height - high * np.sqrt(np.maximum(0.0, 1.0 - across**2))
    out[np.arange(height)[:, None] >= top[None, :]] = 40
    return out


def black_bars(image: UInt8) -> UInt8:
    """A copy with a black bar above and below, as a letterbox has."""
    out = image.copy()
    rows = round(BARS * image.shape[0])
    out[:rows] = out[image.shape[0] - rows :] = 16
    return out


def vignette(image: UInt8) -> UInt8:
    """A copy that falls off to black in its corners, as behind a lens that does not cover the sensor."""
    height, width = image.shape[:2]
    y, x = np.ogrid[-1.0 : 1.0 : height * 1j, -1.0 : 1.0 : width * 1j]
    light = np.clip(2.2 - 1.6 * np.sqrt(x**2 + y**2), 0.0, 1.0).astype(np.float32)
    return np.asarray(image * light[..., None], np.float32).astype(np.uint8)


# Each with the number of the frame, which the clock shows.
OVERLAYS: tuple[Callable[[UInt8, int], UInt8], ...] = (
    lambda image, tick: grey_box(image),
    clock,
    lambda image, tick: hood_mask(image),
    lambda image, tick: black_bars(image),
    lambda image, tick: vignette(image),
)
