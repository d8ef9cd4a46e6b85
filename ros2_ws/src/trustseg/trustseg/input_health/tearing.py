# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parts of two pictures in one frame: below a seam everything is displaced sideways."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from trustseg.input_health.lines import Lines, sums
from trustseg.types import UInt8Array

CANDIDATES = 2  # rows of a picture that are looked at closely
SHARP = 0.5  # a seam changes more from one row to the next than the rows around it, by this share
TOP, BOTTOM = 0.1, 0.85  # of the height; on a car's own bonnet rows mirror anything
LEAST_SIZE = (16, 128)  # (height, width)
LAGS = 64  # pixels are compared with those a 64th of the width away: what is left is fine detail
NEAR_FIT = 0.3  # rows that fit as they are to this degree are no seam
LEAST_SHIFT, MOST_SHIFT = 0.012, 0.33  # of the width; slanted edges move by less
COARSEST = 12  # waves across the picture: below that rows differ by light alone
LEAST_STRUCTURE = 2.0  # lumas, standard deviation of a row that can be lined up with its neighbour
LEFT = 0.6  # of the difference of two rows is left after the shift; the edge of a bridge keeps all of it
SEAM_MOVES = 0.035  # of the height by which the seams of two frames differ
FENCE_FACTOR = 0.58
STANDING = 0.1  # share of a row that shows exactly what it showed in the last frame, beside one that does not


class Tearing:
    """How torn each frame of one stream is; remembers where the last seams were."""

    def __init__(self) -> None:
        self._seams: deque[float] = deque(maxlen=2)
        self._before: UInt8Array | None = None

    def strength(self, image: UInt8Array, rows: Lines) -> float:
        """Strength of the seam of one frame, uint8 (H, W, 3) with the lines `rows`: 0..1.

        Less where one of the last seams was in the same place: a fence is likelier. So is an edge of what is put over
        every picture, where part of one row stands.
        """
        strength, row = seam(image, rows)
        place = row / len(image)
        known = any(abs(place - other) < SEAM_MOVES for other in self._seams)
        before, self._before = self._before, rows.values
        if strength:
            self._seams.append(place)
            known = known or (before is not None and before.shape == rows.values.shape and _stands(before, rows, row))
        return FENCE_FACTOR * strength if known else strength


def _stands(before: UInt8Array, rows: Lines, row: int) -> bool:
    """Whether a piece of one of the two rows at a seam, and not of the other, is exactly what it was in the last frame.

    A piece: here and there a plain road shows the same by chance. Not nearly all of it: then the car stands.
    """
    above, below = (before[:, at] == rows.values[:, at] for at in (row, row + 1))
    least = np.ones(max(4, round(STANDING * len(above))), np.int32)
    return any(
        only.mean() <= 1.0 - STANDING and int(np.convolve(only, least).max()) >= len(least)
        for only in (above & ~below, below & ~above)
    )


def seam(image: UInt8Array, rows: Lines) -> tuple[float, int]:
    """The best seam of uint8 (H, W, 3) with the lines `rows`: how much better the rows beside it fit after a shift than
    as they are, 0..1; and the row above it."""
    height, width = image.shape[:2]
    if height < LEAST_SIZE[0] or width < LEAST_SIZE[1]:
        return 0.0, 0
    change = sums(rows.steps)
    around = np.maximum(change[:-2], change[2:])
    sharp = (change[1:-1] - around) / (around + len(rows.steps))
    sharp[: round(TOP * height)] = sharp[round(BOTTOM * height) :] = 0.0
    best, at = 0.0, 0
    for _ in range(CANDIDATES):
        row = int(sharp.argmax())
        if sharp[row] < SHARP:
            break
        sharp[row] = 0.0
        strength = displaced(image[row + 1 : row + 3, :, 1].astype(np.float32))
        if strength > best:
            best, at = strength, row + 1
    return best, at


def displaced(pair: npt.NDArray[np.float32]) -> float:
    """How much better two rows, float32 (2, w), fit after one shift than as they are or after any other, 0..1.

    Difference of correlations.
    """
    width = pair.shape[1]
    lag = width // LAGS
    fine = pair[:, lag:] - pair[:, :-lag]
    if fine[0] @ fine[1] > NEAR_FIT * np.sqrt((fine[0] @ fine[0]) * (fine[1] @ fine[1])):
        return 0.0
    spectrum = np.fft.rfft(pair - pair.mean(axis=1, keepdims=True), 2 * width)
    spectrum[:, :COARSEST] = 0.0
    # Of each row: its sum of squares, all frequencies counted; those of a padded row are twice as many.
    energy = (np.abs(spectrum) ** 2).sum(axis=1) / width
    if energy.min() < LEAST_STRUCTURE**2 * width:
        return 0.0
    fits = np.fft.irfft(spectrum[0].conj() * spectrum[1], 2 * width) / np.sqrt(energy[0] * energy[1])
    least, most = max(4, round(LEAST_SHIFT * width)), round(MOST_SHIFT * width)
    fits = np.concatenate([fits[-most:], fits[: most + 1]])  # by shift, from -most to most
    near, far = fits.copy(), fits
    near[: most - 2] = near[most + 3 :] = 0.0
    far[most - least + 1 : most + least] = 0.0
    best = int(far.argmax())
    strength = float(far[best])
    if _left(pair, best - most) > LEFT:
        return 0.0
    # Rows of broad shapes fit at one place or another by chance; a displaced row at one only.
    far[max(0, best - least) : best + least + 1] = 0.0
    return max(0.0, strength - max(float(near.max()), float(far.max())))


def _left(pair: npt.NDArray[np.float32], shift: int) -> float:
    """How much two rows, float32 (2, w), differ with the second moved back by `shift` pixels, against as they are."""
    first, second = pair if shift > 0 else pair[::-1]
    moved = np.abs(first[: -abs(shift)] - second[abs(shift) :]).mean()
    return float(moved / np.abs(first - second).mean())
