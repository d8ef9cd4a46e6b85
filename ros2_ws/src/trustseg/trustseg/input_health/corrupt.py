# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What cables, memory and drivers do to pixels: dead lines, lost rows, banding, bit errors, tearing. Each frame alone.

Everything is taken from a few lines of the whole picture, so that it costs the same whatever the camera's size.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from trustseg.input_health.bits import bit_errors, stuck_bit
from trustseg.input_health.config import HealthConfig
from trustseg.input_health.lines import Lines, image_columns, image_rows, sums
from trustseg.input_health.tearing import Tearing
from trustseg.types import UInt8Array

LEAST_PLACES = 40  # fewer prove nothing
GROUPS = 8  # parts of the width that a band must cross
BAND_MOST = 2.0  # lumas that a single line counts at most
LIKELY = 0.35  # of the places: half of the share that makes a line dead, which suffices for one of one value
PLAIN = 2  # a line counts as one value within this
STEP = 12  # lumas by which a dead line differs from its neighbours
BLACK = 16
FLAT_SKY = 250  # rows of an overexposed sky are constant without any fault
FIGURES = ("dead_lines", "lost_rows", "banding", "bit_errors", "stuck_bit", "tearing")


class Bar(NamedTuple):
    """Rows of one value at an end of the picture, from the start of the stream on."""

    rows: int
    value: int

    def rows_if(self, value: int) -> int:
        """Their number, if the outermost one shows this value still."""
        return self.rows if abs(value - self.value) <= PLAIN else 0


class CorruptCheck:
    """Checks the frames of one stream; remembers which rows never showed anything (a letterbox)."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._letterbox: tuple[int, Bar, Bar] | None = None
        self._tearing = Tearing()

    def figures(self, image: UInt8Array) -> dict[str, float]:
        """Figures of one frame: uint8 (H, W, 3)."""
        if min(image.shape[:2]) < 3:
            return dict.fromkeys(FIGURES, 0.0)
        rows = image_rows(image)
        columns, at = image_columns(image)
        height = image.shape[0]
        runs, bars = border_runs(rows.values), self._bars(rows.values)
        found = (
            max(dead_line(rows), dead_line(columns)),
            max(runs[0] - bars[0], runs[1] - bars[1], 0) / height,
            # The edges of bars are no bands.
            banding(rows.values[:, bars[0] : height - bars[1]] if any(bars) else rows.values),
            bit_errors(image, columns, at),
            stuck_bit(rows),
            self._tearing.strength(image, rows),
        )
        return dict(zip(FIGURES, found, strict=True))

    def _bars(self, lines: UInt8Array) -> tuple[int, int]:
        """Rows above and below that show what they showed in the first picture with anything in it: one value."""
        height = lines.shape[1]
        known = self._letterbox
        if known is None or known[0] != height:
            ends = plain_ends(lines)
            if ends is None:
                return 0, 0
            known = self._letterbox = (height, Bar(ends[0], int(lines[0, 0])), Bar(ends[1], int(lines[0, -1])))
        return known[1].rows_if(int(lines[0, 0])), known[2].rows_if(int(lines[0, -1]))

    def found(self, figures: dict[str, float]) -> bool:
        """Whether any figure is past its limit."""
        config = self._config
        return (
            figures["dead_lines"] >= config.dead_line
            or figures["lost_rows"] >= config.lost_rows
            or figures["banding"] >= config.banding
            or figures["bit_errors"] >= config.bit_errors
            or figures["stuck_bit"] >= config.stuck_bit
            or figures["tearing"] >= config.tearing
        )


def dead_line(lines: Lines) -> float:
    """How sure it is that one of the lines is dead: the largest share of its places where one stands out, 0..1.

    A line stands out where it differs from both neighbours by more than they differ from each other. A line of one
    value needs to do so at half as many places: its value may be near to that of the sky. Of colours only green counts.
    Where no line differs from its neighbours at `LIKELY` of the places it is 0.
    """
    places, apart = lines.values.shape[0], lines.apart
    if places < LEAST_PLACES:
        return 0.0
    _, far_from_both = cv2.threshold(lines.jumps, STEP, 1, cv2.THRESH_BINARY)
    often = sums(np.asarray(far_from_both, np.uint8))[apart // 2 :: apart] >= LIKELY * places
    # What differs from both neighbours may still lie between them: few lines are left for that question.
    likely = np.flatnonzero(often) * apart + apart // 2
    if not likely.size:
        return 0.0
    before, here, after = (lines.values[:, likely + k * apart] for k in range(3))
    shares = (cv2.subtract(lines.jumps[:, likely], cv2.absdiff(before, after)) > STEP).mean(axis=0)
    plain = _spread(here) <= PLAIN
    shares[plain] = np.minimum(1.0, 2.0 * shares[plain])
    return float(shares.max())


def plain_ends(lines: UInt8Array) -> tuple[int, int] | None:
    """Lines at both ends of uint8 (places, lines) that show one value each; None when all of them do."""
    some = slice(None, None, len(lines) // 8 + 1)
    outermost = lines[some, 0].tolist(), lines[some, -1].tolist()
    if all(max(line) - min(line) > PLAIN for line in outermost):
        return 0, 0
    plain = _spread(lines) <= PLAIN
    if plain.all():
        return None
    return int(np.argmin(plain)), int(np.argmin(plain[::-1]))


def border_runs(lines: UInt8Array) -> tuple[int, int]:
    """Lines at both ends of uint8 (places, lines) that show one value, and end as if cut off where that may be dark.

    An overexposed sky shows one value too, and is left out.
    """
    ends = plain_ends(lines)
    if ends is None or ends == (0, 0):
        return 0, 0
    (first, last), count = ends, lines.shape[1]

    def cut(at: int) -> bool:
        jump = cv2.absdiff(np.ascontiguousarray(lines[:, at]), np.ascontiguousarray(lines[:, at + 1]))
        return float(np.mean(jump > STEP)) >= 0.7

    # A grey sky may be as plain as that, a road never is: below, only black needs the cut to be believed.
    top = first > 0 and lines[0, 0] < FLAT_SKY and cut(first - 1)
    value = int(lines[0, -1])
    bottom = last > 0 and value < FLAT_SKY and (value > BLACK or cut(count - last - 1))
    return (first if top else 0, last if bottom else 0)


def banding(lines: UInt8Array) -> float:
    """Mean strength, lumas, of brighter and darker lines of uint8 (places, lines) that run through all places.

    What all parts of a line have in common, against the lines around it.
    """
    places, count = lines.shape
    each = places // GROUPS
    if not each:
        return 0.0
    grouped = lines[: each * GROUPS].reshape(GROUPS, each, count)
    parts = np.asarray(grouped.sum(axis=1, dtype=np.uint16), np.float32)
    fine = parts - cv2.blur(parts, (2 * round(count / 36) + 1, 1), borderType=cv2.BORDER_REFLECT)
    # The weakest part of a line that is brighter, or darker, in all of them.
    common = np.maximum(np.maximum(fine.min(axis=0), -fine.max(axis=0)), 0.0)
    # A kerb or a bridge is one strong line; bands are many.
    return float(np.minimum(common, BAND_MOST * each).mean() / each)


def _spread(lines: UInt8Array) -> UInt8Array:
    """uint8 (lines,): highest minus lowest value of each line of (places, lines)."""
    return np.asarray(lines.max(axis=0) - lines.min(axis=0), np.uint8)
