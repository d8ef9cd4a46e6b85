# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera that shows the past: frozen as a whole, under noise, or in part. A car that stands is none of these.

Sensor noise tells a standing camera from a frozen one, and a car that brakes from a picture that stops from one frame
to the next; what passes a standing camera stops on one side. Decoded video has no such noise: it repeats blocks exactly
wherever little moves. A stream that does so while it moves is taken for video, and only the exact repetition of whole
pictures over a long time counts there. What never changes, or changes on its own, is no part of the question: see
`BlockHistory`.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np

from trustseg.input_health.block_history import BlockHistory, Mask
from trustseg.input_health.config import HealthConfig
from trustseg.input_health.frame_metrics import BLOCKS, Blocks, block_means, quantile
from trustseg.types import UInt8Array

# Blocks that change most tell motion from noise: near road and kerb move while the sky stands. A clock's digits, which
# go on under any freeze, are fewer than the rest.
BUSY = 0.9
FEW = 7  # frames of the past that a stop is compared with


class FrozenCheck:
    """Counts exactly equal images with different stamps.

    A camera at a standstill is not frozen: its sensor's noise changes every frame.
    """

    def __init__(self) -> None:
        self._image: UInt8Array | None = None
        self._stamp_ns: int | None = None
        self._count = 0

    def count(self, image: UInt8Array, alike: bool, stamp_ns: int) -> int:
        """How many images in a row, this one included, are the same.

        `alike`: whether the copies show no change since the last image; the whole images are compared only then.
        """
        before, new_stamp = self._image, stamp_ns != self._stamp_ns
        self._image, self._stamp_ns = image, stamp_ns
        if before is None or not alike or before.shape != image.shape or not np.array_equal(before, image):
            self._count = 1
        elif new_stamp:
            self._count += 1
        return self._count


class Stillness(NamedTuple):
    """What stands still since it stopped from one frame to the next.

    Attributes:
        under_noise: frames for which the picture shows nothing but noise.
        part: share of the picture that stands exactly still for long enough while the rest moves on.
        whole: pictures, the first included, in which everything that usually changes is exactly the same, but for the
            tenth of it that an overlay may take.
    """

    under_noise: int
    part: float
    whole: int


class StillCheck:
    """Finds a picture that stopped from one frame to the next, under noise or in part, and streams that are video."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self.history = BlockHistory(config)
        self._busy: deque[float] = deque(maxlen=FEW)
        self._anchor_luma: UInt8Array | None = None
        self._level = 0.0
        self._same_for = 0
        self._last: Blocks = np.zeros(BLOCKS, np.float32)

    @property
    def repeats(self) -> float:
        """Usual share of blocks that repeat exactly here and there though they move at other times, 0..1."""
        return self.history.repeats

    @property
    def is_video(self) -> bool:
        """Whether such repetition is usual in this stream."""
        return self.history.is_video

    def note(self, luma: UInt8Array, before: UInt8Array, change: Blocks, level: Blocks) -> Stillness:
        """Take one frame.

        Args:
            luma, before: uint8 (h, w) copies of this frame and the last one.
            change: mean change of each block between them. level: mean luma of each block now.
        """
        history = self.history
        stands = history.note(change, level)
        lively = history.lively
        busy = quantile(change[lively], BUSY)
        still = self._under_noise(luma, before, busy, stands and history.repeats_here_and_there())
        part, whole, stopped = self._exactly(change) if stands else (0.0, 0, history.zero)
        self._busy.append(busy)
        self._last = change
        history.learn(change, stopped)
        return Stillness(still, part, whole)

    def _under_noise(self, luma: UInt8Array, before: UInt8Array, level: float, exact: bool) -> int:
        """`level`: change of the busiest blocks. exact: blocks repeat exactly, which noise never does."""
        config = self._config
        if exact or self.is_video or not level:
            self._anchor_luma, self._same_for = None, 0
            return 0
        if self._anchor_luma is None or self._anchor_luma.shape != luma.shape:
            stopped = self._stopped_at_once(level)
            self._anchor_luma = before if stopped else None
            self._level, self._same_for = level, 1 if stopped else 0
            return 0
        # Noise alone differs from the first picture no more than from the last one, and always by the same.
        since = quantile(block_means(cv2.absdiff(luma, self._anchor_luma))[self.history.lively], BUSY)
        spread = config.still_tolerance * self._level
        if abs(level - self._level) > spread or abs(since - self._level) > spread:
            self._anchor_luma, self._same_for = None, 0
            return 0
        self._same_for += 1
        return self._same_for

    def _stopped_at_once(self, level: float) -> bool:
        """Whether the whole picture moved steadily up to the last frame and now changes by `level` at most."""
        config = self._config
        # A car that brakes loses motion frame by frame. The median, since a cut in a recording is one great change.
        least = min(self._busy, default=0.0)
        if len(self._busy) < FEW or least < max(config.still_steady * median(self._busy), config.still_ratio * level):
            return False
        # Nor does one that stands after less than a second, of whose motion blocks show less than all.
        changes = list(self._busy)
        falls = sum(later < earlier for earlier, later in pairwise(changes))
        if falls >= FEW - 2 and changes[-1] < config.still_steady * changes[0]:
            return False
        # A lorry that passes in front of a standing camera ends its motion at once too, but on one side.
        return both_sides(self._last >= config.still_ratio * level, self.history.lively, config.still_sides)

    def _exactly(self, change: Blocks) -> tuple[float, int, Mask]:
        """Share of the picture that stands in part; pictures that stand as a whole; the blocks that stopped for it."""
        config, history = self._config, self.history
        none = np.zeros_like(history.zero)
        if history.seen <= FEW:
            return 0.0, 0, none
        lively = history.lively
        count = int(lively.sum())
        stopped, age = history.stopped_together(history.zero & lively)
        if count >= config.part_share * change.size and int(stopped.sum()) >= (1.0 - config.whole_overlay) * count:
            return 0.0, 0 if self.is_video else age + 1, stopped
        stopped, age = history.stopped_together(history.zero & (history.before_stop >= config.still_least_motion))
        share, rest = float(stopped.mean()), change[lively & ~stopped]
        if share < config.part_share or rest.size < config.part_least_rest * count:
            return 0.0, 0, none
        moving = quantile(rest, BUSY) >= config.still_least_motion
        return share if age >= config.part_after and moving and not self.is_video else 0.0, 0, stopped


def both_sides(moved: Mask, lively: Mask, least: float) -> bool:
    """Whether at least this share of the lively blocks moved in the left third of their columns, and in the right."""
    columns = np.flatnonzero(lively.any(axis=0))
    if not columns.size:
        return False
    third = max(1, round(columns.size / 3))
    left, right = slice(columns[0], columns[third - 1] + 1), slice(columns[-third], columns[-1] + 1)
    return all(int((moved & lively)[:, side].sum()) >= least * int(lively[:, side].sum()) for side in (left, right))
