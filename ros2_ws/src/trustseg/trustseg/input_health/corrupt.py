"""What cables, memory and drivers do to pixels: dead lines, lost rows, banding, bit errors, tearing. Each frame alone.

Everything is taken from a few lines of the whole picture, so that it costs the same whatever the camera's size.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.input_health.config import HealthConfig
from trustseg.types import UInt8Array

LINES = 64  # places along a row or column that are looked at
LEAST_PLACES = 40  # fewer prove nothing
GROUPS = 8  # parts of the width that a band must cross
BAND_MOST = 2.0  # lumas that a single line counts at most
BIT_PIXELS = 30_000  # about so many pixels are looked at for bit errors
NOISE_FACTOR = 4.0  # a flipped bit stands this far above the mean difference of neighbours
PLAIN = 2  # a line counts as one value within this
STEP = 12  # lumas by which a dead line differs from its neighbours
BLACK = 16
FLAT_SKY = 250  # rows of an overexposed sky are constant without any fault
LEAST_STRUCTURE = 2.0  # lumas, standard deviation of a row that can be lined up with its neighbour
NEAREST_SHIFT = 4  # pixels of the small copy: slanted edges move by less from row to row
SEAM_MOVES = 6  # rows of the small copy by which the seams of two frames differ
FENCE_FACTOR = 0.58
BONNET_BELOW = 0.75  # of the height: on a car's own bonnet rows mirror anything
STUCK_BITS = (4, 5, 6)
Floats = npt.NDArray[np.float32]


class CorruptCheck:
    """Checks the frames of one stream; remembers which rows never showed anything (a letterbox)."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._letterbox: tuple[int, int, int] | None = None
        self._tears: deque[tuple[float, int]] = deque(maxlen=config.tear_window)

    def figures(self, image: UInt8Array, luma: UInt8Array) -> dict[str, float]:
        """Figures of one frame: uint8 (H, W, 3), and its small copy's luma (h, w)."""
        rows, columns = sample_rows(image), sample_columns(image)
        runs = border_runs(rows)
        known = self._letterbox
        if known is None or known[0] != image.shape[0]:
            known = self._letterbox = (image.shape[0], *runs)
        self._tears.append(torn(luma))
        return {
            "dead_lines": max(dead_line(rows), dead_line(columns)),
            "lost_rows": max(runs[0] - known[1], runs[1] - known[2], 0) / image.shape[0],
            "banding": banding(rows),
            "bit_errors": bit_errors(image),
            "stuck_bit": stuck_bit(rows),
            "tearing": repeated(self._tears),
        }

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


def sample_rows(image: UInt8Array) -> UInt8Array:
    """uint8 (about `LINES`, H): the green of evenly spread columns of (H, W, 3), one column of the result a row."""
    step = max(1, image.shape[1] // LINES)
    return np.ascontiguousarray(image[:, step // 2 :: step, 1].T)


def sample_columns(image: UInt8Array) -> UInt8Array:
    """uint8 (about `LINES`, W): the same of evenly spread rows, one column of the result a column."""
    step = max(1, image.shape[0] // LINES)
    return np.ascontiguousarray(image[step // 2 :: step, :, 1])


def dead_line(lines: UInt8Array) -> float:
    """How sure it is that a line of uint8 (places, lines) is dead: the largest share where one stands out, 0..1.

    A line stands out where it differs from both neighbours by more than they differ from each other. A line of one
    value needs to do so at half as many places: its value may be near to that of the sky.
    """
    places, count = lines.shape
    if count < 3 or places < LEAST_PLACES:
        return 0.0
    here, before, after = lines[:, 1:-1], lines[:, :-2], lines[:, 2:]
    least = cv2.min(cv2.absdiff(here, before), cv2.absdiff(here, after))
    shares = _share(cv2.subtract(least, cv2.absdiff(before, after)))
    best = float(shares.max())
    plain = _spread(here) <= PLAIN
    return max(best, min(1.0, 2.0 * float(shares[plain].max()))) if plain.any() else best


def border_runs(lines: UInt8Array) -> tuple[int, int]:
    """Lines at both ends of uint8 (places, lines) that show one value, and end as if cut off where that may be dark.

    An overexposed sky shows one value too, and is left out.
    """
    plain = _spread(lines) <= PLAIN
    if not (plain[0] or plain[-1]) or plain.all():
        return 0, 0
    count = len(plain)
    first, last = int(np.argmin(plain)), int(np.argmin(plain[::-1]))

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
    parts = np.asarray(grouped.sum(axis=1, dtype=np.uint16), np.float32) / np.float32(each)
    fine = parts - cv2.blur(parts, (2 * round(count / 36) + 1, 1), borderType=cv2.BORDER_REFLECT)
    least, most = fine.min(axis=0), fine.max(axis=0)
    # A kerb or a bridge is one strong line; bands are many.
    common = np.maximum(least, 0.0) + np.maximum(-most, 0.0)
    return float(np.mean(np.minimum(common, BAND_MOST)))


def bit_errors(image: UInt8Array) -> float:
    """Share of single pixels of uint8 (H, W, 3) that jump in one colour only; what the scene does moves all three."""
    height, width = image.shape[:2]
    if height < 3 or width < 3:
        return 0.0
    count = int(np.clip(BIT_PIXELS // width, 16, 64))
    at = np.linspace(1, height - 2, count).astype(np.intp)
    middle, above, below = image[at], image[at - 1], image[at + 1]
    # As rows of bytes: the neighbour of the same colour is three bytes away.
    flat = middle.reshape(len(at), -1)
    here, left, right = flat[:, 3:-3], flat[:, :-6], flat[:, 6:]
    up, down = above.reshape(len(at), -1)[:, 3:-3], below.reshape(len(at), -1)[:, 3:-3]
    high = cv2.max(cv2.max(left, right), cv2.max(up, down))
    low = cv2.min(cv2.min(left, right), cv2.min(up, down))
    jump = cv2.max(cv2.subtract(here, high), cv2.subtract(low, here))
    # Noise and texture of the whole picture set the scale, those around a pixel its own.
    usual = NOISE_FACTOR * cv2.norm(here, left, cv2.NORM_L1) / here.size
    clear = (jump > max(32.0, usual)) & (jump > cv2.subtract(high, low))
    if not clear.any():
        return 0.0
    pixels = (len(at), width - 2, 3)
    alone = clear.reshape(pixels).any(axis=2) & ((jump > 8).reshape(pixels).sum(axis=2) == 1)
    return float(alone.mean())


def stuck_bit(lines: UInt8Array) -> float:
    """Share of uint8 values on the rarer side of a gap that only a bit that is always 0 leaves in a histogram."""
    counts = cv2.calcHist([lines], [0], None, [256], [0, 256]).reshape(256) / lines.size
    worst = 0.0
    for bit in STUCK_BITS:
        has = (np.arange(256) >> bit) & 1 == 1
        if float(counts[has].sum()) < 1e-4:
            worst = max(worst, min(float(counts[: 1 << bit].sum()), float(counts[2 << bit :].sum())))
    return worst


def repeated(tears: Iterable[tuple[float, int]]) -> float:
    """Strength of the second of two seams, 0..1; where both are in one row a fence is likelier, and they count less."""
    best = 0.0
    for (first, at), (second, other) in combinations(tears, 2):
        weaker = min(first, second)
        best = max(best, weaker if abs(at - other) >= SEAM_MOVES else FENCE_FACTOR * weaker)
    return best


def torn(luma: UInt8Array) -> tuple[float, int]:
    """The best seam of uint8 (h, w): how much better its rows fit after a shift than as they are, 0..1; and its row.

    Above and below a seam rows fit their neighbours; across it they do so only after a shift, and the same shift fits
    the next pair as well.
    """
    height, width = luma.shape
    if height < 16 or width < 64:
        return 0.0, 0
    picture = luma.astype(np.float32)
    fine = picture - cv2.blur(picture, (21, 1))
    norms = np.sqrt(np.einsum("ij,ij->i", fine, fine)) + 1e-3
    fit = np.einsum("ij,ij->i", fine[1:], fine[:-1]) / (norms[1:] * norms[:-1])
    clear = norms / np.sqrt(width) >= LEAST_STRUCTURE
    best, at = 0.0, 0
    inner = np.arange(4, round(BONNET_BELOW * height))
    for row in inner[np.argsort(fit[inner])[:4]]:
        if fit[row] > 0.4:
            break
        for below in (row + 1, row + 2):
            if not (clear[row] and clear[below]) or min(fit[row - 1], fit[below]) < 0.6:
                continue
            near = _fits(fine[row], fine[below]) / (norms[row] * norms[below])
            far = _fits(fine[row - 1], fine[below + 1]) / (norms[row - 1] * norms[below + 1])
            shifted = np.minimum(near, far)
            shifted[:NEAREST_SHIFT] = shifted[1 - NEAREST_SHIFT :] = 0.0
            gain = float(shifted.max()) - max(0.0, float(fit[row]))
            if gain > best:
                best, at = gain, int(row)
    return best, at


def _fits(first: Floats, second: Floats) -> Floats:
    """Products of two rows (w,) at every shift, float32 (2 w,)."""
    size = 2 * first.size
    spectrum = np.fft.rfft(second, size) * np.conj(np.fft.rfft(first, size))
    return np.asarray(np.fft.irfft(spectrum, size), np.float32)


def _spread(lines: UInt8Array) -> UInt8Array:
    """uint8 (lines,): highest minus lowest value of each line of (places, lines)."""
    return np.asarray(lines.max(axis=0) - lines.min(axis=0), np.uint8)


def _share(values: npt.NDArray[Any]) -> Floats:
    """float32 (lines,): share of each line's places above `STEP`."""
    return np.asarray((values > STEP).sum(axis=0, dtype=np.uint16) / np.float32(values.shape[0]), np.float32)
