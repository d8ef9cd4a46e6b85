"""A camera that shows the past: frozen as a whole, under noise, or in part. A car that stands is none of these.

Sensor noise tells a standing camera from a frozen one, and a car that brakes from a picture that stops from one frame
to the next; what passes a standing camera stops on one side. Decoded video has no such noise: it repeats blocks exactly
wherever little moves. A stream that does so while it moves is taken for video, and only the exact repetition of whole
pictures over a long time counts there.
"""

from __future__ import annotations

from collections import deque
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.input_health.config import HealthConfig
from trustseg.input_health.figures import BLOCKS, Blocks, block_means, quantile
from trustseg.types import UInt8Array

# Blocks that change most tell motion from noise: near road and kerb move while the sky stands.
BUSY = 0.9
FEW = 7  # frames of the past that a stop is compared with
DARKEST, BRIGHTEST = 8.0, 245.0  # mean luma of blocks that can tell anything
RECENT = 0.2  # weight of the newest frame in a block's usual change
SIDE = 5  # columns of blocks: a third of the picture


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


class StillCheck:
    """Finds a picture that stopped from one frame to the next, under noise or in part, and streams that are video."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self._busy: deque[float] = deque(maxlen=FEW)
        self._anchor_luma: UInt8Array | None = None
        self._level = 0.0
        self._same_for = 0
        self._last: Blocks = np.zeros(BLOCKS, np.float32)
        self._usual: Blocks = np.zeros(BLOCKS, np.float32)
        self._before_stop: Blocks = np.zeros(BLOCKS, np.float32)
        self._zero_for = np.zeros(BLOCKS, np.int32)
        self._repeats = 0.0
        self._seen = 0

    @property
    def repeats(self) -> float:
        """Usual share of blocks that repeat exactly while others do not, 0..1."""
        return self._repeats

    @property
    def is_video(self) -> bool:
        """Whether exact repetition is usual in this stream."""
        return self._repeats >= self._config.video_repeats

    def note(self, luma: UInt8Array, before: UInt8Array, change: Blocks, level: Blocks) -> tuple[int, float]:
        """Take one frame.

        Args:
            luma, before: uint8 (h, w) copies of this frame and the last one.
            change: mean change of each block between them. level: mean luma of each block now.

        Returns:
            (frames that the picture has stood still under noise since it stopped suddenly,
            share of the picture that stands still since it stopped suddenly while the rest moves on).
        """
        self._seen += 1
        busy = quantile(change, BUSY)
        zero = change == 0.0
        exact = bool(zero.any())
        if exact:
            # What is burnt out or black has no noise to tell anything by.
            zero &= (level > DARKEST) & (level < BRIGHTEST)
            exact = bool(zero.any())
        still = self._under_noise(luma, before, busy, exact)
        part, stopped = self._in_part(change, zero) if exact else (0.0, zero)
        if not exact:
            self._zero_for[:] = 0
        self._busy.append(busy)
        self._last = change
        self._usual += (RECENT if self._seen > 1 else 1.0) * (change - self._usual)
        if change.any():
            # Blocks that stopped together may be the fault that is looked for: nothing is learned from them, nor from
            # a picture that repeats as a whole.
            repeating = float((zero & ~stopped).mean()) if exact else 0.0
            self._repeats += 0.1 * (repeating - self._repeats)
        return still, part

    def _under_noise(self, luma: UInt8Array, before: UInt8Array, level: float, exact: bool) -> int:
        """`level`: change of the busiest blocks. exact: some blocks repeat exactly, which noise never does."""
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
        since = quantile(block_means(cv2.absdiff(luma, self._anchor_luma)), BUSY)
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
        # A lorry that passes in front of a standing camera ends its motion at once too, but on one side.
        moved = self._last >= config.still_ratio * level
        return min(float(moved[:, :SIDE].mean()), float(moved[:, -SIDE:].mean())) >= config.still_sides

    def _in_part(self, change: Blocks, zero: npt.NDArray[np.bool_]) -> tuple[float, npt.NDArray[np.bool_]]:
        """Share of blocks that stopped in one frame, out of motion, while the others went on; and those blocks."""
        config = self._config
        begins = zero & (self._zero_for == 0)
        self._before_stop = np.where(begins, self._usual, self._before_stop)
        self._zero_for = np.where(zero, self._zero_for + 1, 0)
        candidates = zero & (self._before_stop >= config.still_least_motion)
        if self._seen <= FEW or not candidates.any():
            return 0.0, np.zeros_like(zero)
        age = int(np.bincount(self._zero_for[candidates]).argmax())
        stopped = candidates & (self._zero_for == age)
        share, rest = float(stopped.mean()), change[~stopped]
        if share < config.part_share or rest.size < config.part_least_rest * change.size:
            return 0.0, np.zeros_like(zero)
        moving = quantile(rest, BUSY) >= config.still_least_motion
        return share if age >= config.part_after and moving and not self.is_video else 0.0, stopped
