# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Colours that no scene has: a colour filter's raw pixels, one read at the wrong place, red and blue exchanged."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.input_health.config import HealthConfig
from trustseg.types import UInt8Array

PAIRS = 16  # pairs of rows that a filter's pattern is looked for on
PART = 16  # cells of two by two pixels within which a pattern is of one sign; chance gives about a quarter
MOST_PARTS = 16
CHROMA_SIZES = ((120, 90), (60, 45), (30, 22))  # (width, height): down to the colour map's
# Red minus blue (or blue minus red), green minus their mean, and brightness.
CHROMA = np.array([[1.0, 0.0, -1.0], [-0.5, 1.0, -0.5], [1 / 3, 1 / 3, 1 / 3]], np.float32)
AXIS_WEIGHT = 0.35  # of the newest frame
FLOOR = 0.3  # lumas: rounding alone gives this much colour
LEAST_COLOUR = 1.5  # lumas: below it a picture is grey, and nothing is said; a grey street shows 1.6 through a filter
LEAST_EXCHANGED = 2.0  # lumas: colour that can be told from the same with the opposite sign
SAME_SCENE = 0.8  # correlation of two frames' brightness: the same scene a moment later
Floats = npt.NDArray[np.float32]


class ColourCheck:
    """Colour of one stream's frames; remembers the last colour map, and whether red and blue changed places."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._before: Floats | None = None
        self._green_axis = 0.0
        self._swapped = False
        self._in_row = 0

    def figures(self, image: UInt8Array, small: UInt8Array) -> dict[str, float]:
        """Figures of one frame, uint8 (H, W, 3) in either channel order, and its small copy (h, w, 3)."""
        colours = chroma(small)
        axis = green_axis(colours)
        self._green_axis = axis if self._before is None else self._green_axis + AXIS_WEIGHT * (axis - self._green_axis)
        if self._before is not None and exchanged(self._before, colours):
            self._swapped = not self._swapped
        self._before = colours
        return {"mosaic": mosaic(image), "green_axis": self._green_axis, "swapped": float(self._swapped)}

    def found(self, figures: dict[str, float]) -> bool:
        """Whether the colours have been wrong for long enough."""
        config = self._config
        wrong = figures["mosaic"] >= config.mosaic or figures["green_axis"] >= config.green_axis
        self._in_row = self._in_row + 1 if wrong else 0
        return self._in_row >= config.colour_after or figures["swapped"] > 0.0


def chroma(small: UInt8Array) -> Floats:
    """float32 (3, pixels): red minus blue (or blue minus red), green minus their mean, brightness of a small map."""
    # By halves, each the plain mean of four pixels: a third of the cost of a map made at once.
    for size in CHROMA_SIZES:
        small = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_LINEAR), np.uint8)
    return np.asarray(CHROMA @ small.reshape(-1, 3).T.astype(np.float32), np.float32)


def green_axis(colours: Floats) -> float:
    """Spread of colours between green and magenta over that between yellow and blue; 0 for a grey picture.

    Daylight, lamps and most surfaces lie along the second. A colour filter read one column off shows green for both red
    and blue, and leaves only the first.
    """
    shown = colours[:2]
    along, across = np.abs(shown - shown.mean(axis=1, keepdims=True)).mean(axis=1).tolist()
    return (across + FLOOR) / (along + FLOOR) if across >= LEAST_COLOUR else 0.0


def mosaic(image: UInt8Array) -> float:
    """How much of the finest diagonal detail of uint8 (H, W, 3) is one regular pattern, 0..1."""
    height, cells = image.shape[0], image.shape[1] // 2
    parts = min(MOST_PARTS, cells // PART)
    if height < 2 or not parts:
        return 0.0
    step = max(2, (height - 2) // (PAIRS - 1) // 2 * 2)
    # The middle of the rows: a wide picture costs no more than a narrow one.
    left = (cells - parts * PART) // 2 * 2
    across = slice(left, left + 2 * parts * PART)
    upper, lower = (image[row : height - 1 + row : step, across, 1].astype(np.int16) for row in (0, 1))
    difference = upper - lower
    diagonal = (difference[:, 0::2] - difference[:, 1::2]).reshape(len(difference), parts, PART)
    pattern = np.abs(diagonal.sum(axis=2)).sum()
    return float(pattern / (np.abs(diagonal).sum() + diagonal.size))


def exchanged(before: Floats, now: Floats) -> bool:
    """Whether the colour map is the last one with the opposite sign while brightness shows the same scene."""
    (colour, _, luma), (new_colour, _, new_luma) = before, now
    if colour @ new_colour >= 0.0:
        return False
    strength = float(np.abs(colour).mean())
    if strength < LEAST_EXCHANGED or float(np.abs(colour + new_colour).mean()) > 0.5 * strength:
        return False
    bright, new_bright = luma - luma.mean(), new_luma - new_luma.mean()
    norm = float(np.sqrt((bright**2).sum() * (new_bright**2).sum()))
    return norm > 0.0 and float((bright * new_bright).sum()) >= SAME_SCENE * norm
