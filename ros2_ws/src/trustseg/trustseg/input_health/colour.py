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
CHROMA_SIZE = (48, 36)  # (width, height) of the colour map
AXIS_WEIGHT = 0.35  # of the newest frame
FLOOR = 0.3  # lumas: rounding alone gives this much colour
LEAST_COLOUR = 2.0  # lumas: below it a picture is grey, and nothing is said
SAME_SCENE = 0.8  # correlation of two frames' brightness: the same scene a moment later
Floats = npt.NDArray[np.float32]


class ColourCheck:
    """Colour of one stream's frames; remembers the last colour map, and whether red and blue changed places."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._before: tuple[Floats, Floats] | None = None
        self._green_axis = 0.0
        self._swapped = False
        self._in_row = 0

    def figures(self, image: UInt8Array, small: UInt8Array) -> dict[str, float]:
        """Figures of one frame, uint8 (H, W, 3) in either channel order, and its small copy (h, w, 3)."""
        red_blue, green, luma = chroma(small)
        axis = green_axis(red_blue, green)
        self._green_axis = axis if self._before is None else self._green_axis + AXIS_WEIGHT * (axis - self._green_axis)
        if self._before is not None and exchanged(self._before, (red_blue, luma)):
            self._swapped = not self._swapped
        self._before = (red_blue, luma)
        return {"mosaic": mosaic(image), "green_axis": self._green_axis, "swapped": float(self._swapped)}

    def found(self, figures: dict[str, float]) -> bool:
        """Whether the colours have been wrong for long enough."""
        config = self._config
        wrong = figures["mosaic"] >= config.mosaic or figures["green_axis"] >= config.green_axis
        self._in_row = self._in_row + 1 if wrong else 0
        return self._in_row >= config.colour_after or figures["swapped"] > 0.0


def chroma(small: UInt8Array) -> tuple[Floats, Floats, Floats]:
    """Red minus blue (or blue minus red), green minus their mean, and brightness: float32 `CHROMA_SIZE` maps."""
    picture = cv2.resize(small, CHROMA_SIZE, interpolation=cv2.INTER_AREA).astype(np.float32)
    first, green, last = picture[..., 0], picture[..., 1], picture[..., 2]
    return first - last, green - 0.5 * (first + last), (first + green + last) / 3.0


def green_axis(red_blue: Floats, green: Floats) -> float:
    """Spread of colours between green and magenta over that between yellow and blue; 0 for a grey picture.

    Daylight, lamps and most surfaces lie along the second. A colour filter read one column off shows green for both red
    and blue, and leaves only the first.
    """
    across = float(np.abs(green - green.mean()).mean())
    along = float(np.abs(red_blue - red_blue.mean()).mean())
    return (across + FLOOR) / (along + FLOOR) if across >= LEAST_COLOUR else 0.0


def mosaic(image: UInt8Array) -> float:
    """How much of the finest diagonal detail of uint8 (H, W, 3) is one regular pattern, 0..1."""
    height, width = image.shape[0], image.shape[1] // 2 * 2
    parts = min(MOST_PARTS, width // (2 * PART))
    if height < 2 or not parts:
        return 0.0
    at = np.linspace(0, height - 2, PAIRS).astype(np.intp) // 2 * 2
    upper, lower = image[at, :width, 1].astype(np.int16), image[at + 1, :width, 1].astype(np.int16)
    across = upper - lower
    diagonal = across[:, 0::2] - across[:, 1::2]
    used = diagonal.shape[1] // parts * parts
    cells = diagonal[:, :used].reshape(len(at), parts, -1)
    return float(np.abs(cells.mean(axis=2)).mean() / (np.abs(cells).mean() + 1.0))


def exchanged(before: tuple[Floats, Floats], now: tuple[Floats, Floats]) -> bool:
    """Whether the colour map is the last one with the opposite sign while brightness shows the same scene."""
    (colour, luma), (new_colour, new_luma) = before, now
    strength = float(np.abs(colour).mean())
    if strength < LEAST_COLOUR or float(np.abs(colour + new_colour).mean()) > 0.5 * strength:
        return False
    bright, new_bright = luma - luma.mean(), new_luma - new_luma.mean()
    norm = float(np.sqrt((bright**2).sum() * (new_bright**2).sum()))
    return norm > 0.0 and float((bright * new_bright).sum()) >= SAME_SCENE * norm
