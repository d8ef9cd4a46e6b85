# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera driver that hands out its last buffers again and again, in whatever order, with new stamps.

Each picture of such a stream is one of those before it, but not the last one; where some buffers are still filled, one
of every few. A car that stands shows no such thing: all of its pictures are alike, the last one as much as any other. A
car that drives shows new pictures only. Block means tell whether a picture was there before: sensor noise and encoding
leave them as they are to a tenth of a luma, motion does not.
"""

from __future__ import annotations

import zlib
from collections import deque

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.input_health.block_history import BlockHistory
from trustseg.input_health.config import HealthConfig
from trustseg.input_health.frame_metrics import BLOCKS, Blocks, block_means
from trustseg.input_health.still import both_sides
from trustseg.types import UInt8Array

PLACES = (BLOCKS[0] // 2, BLOCKS[1] // 2)  # two blocks each way are as good for telling pictures apart, and quicker
HELD = 32  # pictures of the past that a new one is compared with
CAP = 2.0  # lumas that one block may add: a clock's digits change in every picture
FLOOR = 0.005  # lumas: two pictures of a camera are never closer than this unless they are the same
TRAVELLED = 5  # pictures of the last seven that were new, before one comes back
FEW = 7
CAMERA = 7  # new pictures in a row, after which what never changed stands by design: no clip that swings shows so many
SWING = 1.0  # lumas; up to there a stream that has not shown so many may swing
UNDECIDED = 4  # pictures in a row that are like the last one, in between: each buffer may be handed out several times
LEAST_MEMORY = 1e-3


class RingCheck:
    """Counts pictures in a row that were shown before, and not as the last one; and how often one of them was.

    A picture that comes back once is only what the camera saw before a wiper, a lamp or a damaged frame.
    """

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._levels: npt.NDArray[np.float32] = np.zeros((HELD, PLACES[0] * PLACES[1]), np.float32)
        self._apart = np.empty_like(self._levels)
        self._pictures: deque[UInt8Array] = deque(maxlen=HELD)
        self._sums: deque[int] = deque(maxlen=HELD)
        self._new: deque[bool] = deque(maxlen=FEW)
        self._shown: deque[int] = deque(maxlen=HELD)  # how often each had come back then
        self._next = 0
        self._again = 0
        self._undecided = 0
        self._new_in_a_row = self._most_new = 0

    def note(self, luma: UInt8Array, level: Blocks, history: BlockHistory) -> int:
        """Take one frame; how many pictures in a row, this one included, came back from further than the last one.

        Or how often this one alone did, where that is more.

        Args:
            luma: uint8 (h, w) copy. level: its block means. history: of the blocks, this frame noted.
        """
        count, places = len(self._pictures), _coarse(level)
        if count and self._pictures[-1].shape != luma.shape:
            self._pictures.clear()
            self._sums.clear()
            self._shown.clear()
            count = self._again = self._new_in_a_row = self._most_new = 0
        sum_now, shown = zlib.crc32(luma.tobytes()), 0
        if count > 1:
            shown = self._exactly(luma, sum_now, history) or self._look(luma, places, history, count)
        self._new_in_a_row = 0 if sum_now in self._sums else self._new_in_a_row + 1
        self._most_new = max(self._most_new, self._new_in_a_row)
        self._levels[self._next] = places
        self._next = (self._next + 1) % HELD
        self._pictures.append(luma)
        self._sums.append(sum_now)
        self._shown.append(shown)
        return max(self._again, shown)

    def _exactly(self, luma: UInt8Array, sum_now: int, history: BlockHistory) -> int:
        """How often the picture has come back to the last bit, as one does that dithering makes noisy; 0: not now.

        No camera's does; decoded video's pictures may, where little moves.
        """
        sums = self._sums
        if sum_now == sums[-1] or sum_now not in sums or self._may_swing(history):
            return 0
        if not np.array_equal(luma, self._pictures[sums.index(sum_now)]):
            return 0  # another picture of the same sum
        self._undecided = 0
        self._again += 1
        return 1 + max(shown for shown, held in zip(self._shown, sums, strict=True) if held == sum_now)

    def _look(self, luma: UInt8Array, level: npt.NDArray[np.float32], history: BlockHistory, count: int) -> int:
        """How often the picture has come back, where it is nearer to earlier ones than to the last; 0: not now."""
        config, weights = self._config, _coarse(history.lively.astype(np.float32))
        total = float(weights.sum())
        if total == 0.0:
            self._again = 0
            return 0
        weights /= np.float32(total)
        # In place: what an engine's call empties out of the caches is slow to come back.
        apart = np.subtract(self._levels, level, out=self._apart)
        # But for what all blocks have in common: exposure, and encoders that round down, move the whole picture. Twice:
        # what a clock's digits add to the mean is only taken from it where they count for no more than `CAP`.
        apart -= (apart @ weights)[:, None]
        np.clip(apart, -CAP, CAP, out=apart)
        apart -= (apart @ weights)[:, None]
        distances = np.abs(apart, out=apart) @ weights
        # The newest first: distances[0] is that to the last picture.
        distances = distances[(self._next - 1 - np.arange(count)) % HELD]
        last, back = float(distances[0]), 1 + int(distances[1:].argmin())
        nearest = float(distances[back])
        if last < FLOOR or nearest > config.ring_ratio * last or nearest > config.ring_floor:
            moved = last >= config.ring_motion
            self._new.append(moved)
            self._undecided += 1
            if moved or self._undecided > UNDECIDED:
                self._again = 0
            return 0
        self._undecided = 0
        if not self._is_back(luma, self._pictures[-1 - back], last, history):
            self._again = 0
            return 0
        self._again += 1
        # Its other copies are about as near as the nearest one.
        copies = np.flatnonzero(distances[1:] <= min(2.0 * nearest + FLOOR, config.ring_floor)) + 1
        return 1 + max(self._shown[-1 - int(each)] for each in copies)

    @property
    def _is_camera(self) -> bool:
        """Whether the stream has shown as many new pictures in a row as a camera does, and a clip that stands does not.

        Only then what has stood since the first picture is a mask.
        """
        return self._most_new >= CAMERA

    def _may_swing(self, history: BlockHistory) -> bool:
        """Whether this could be decoded video that swings between a few pictures: some of it repeats exactly."""
        return history.is_video or history.some_stand(even_masks=not self._is_camera)

    def _is_back(self, luma: UInt8Array, then: UInt8Array, moved: float, history: BlockHistory) -> bool:
        """Whether `luma` is the picture `then`, and the last one is another place and not only another light."""
        config, last = self._config, self._pictures[-1]
        if moved < (config.ring_motion if self._is_camera else SWING) and self._may_swing(history):
            return False
        if np.array_equal(luma, then):
            return True
        if not self._again and sum(self._new) < TRAVELLED:
            return False  # a camera that shakes on a standing car comes back too
        same, other = _unlike(luma, then), _unlike(luma, last)
        displaced = other >= np.maximum(config.ring_unlike * same, LEAST_MEMORY)
        lively = history.lively
        share = float(displaced[lively].mean())
        return share >= config.ring_share and both_sides(displaced, lively, config.still_sides)


def _coarse(blocks: Blocks) -> npt.NDArray[np.float32]:
    """float32 (places,): means of two by two of `BLOCKS`."""
    rows, columns = PLACES
    return np.asarray(cv2.resize(blocks, (columns, rows), interpolation=cv2.INTER_AREA), np.float32).reshape(-1)


def _unlike(one: UInt8Array, other: UInt8Array) -> Blocks:
    """float32 `BLOCKS`, 0..1: how little the detail of two pictures has to do with each other, whatever the light."""
    a, b = one.astype(np.float32), other.astype(np.float32)
    mean_a, mean_b = block_means(a), block_means(b)
    both = block_means(cv2.multiply(a, b)) - mean_a * mean_b
    spread = (block_means(cv2.multiply(a, a)) - mean_a**2) * (block_means(cv2.multiply(b, b)) - mean_b**2)
    return np.asarray(1.0 - both / np.sqrt(np.maximum(spread, 1.0)), np.float32)
