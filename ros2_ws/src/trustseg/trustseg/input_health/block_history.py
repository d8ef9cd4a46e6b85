# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What each block of a camera's picture usually does: move, stand by design, or repeat exactly as decoded video does.

A mask, an overlay's box, a bonnet's cover and black bars never change, and the digits of a clock change on their own.
Neither says anything about the camera behind them: only blocks that usually change can stop, and only blocks that both
move and repeat, here and there, make a stream video.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trustseg.input_health.config import HealthConfig
from trustseg.input_health.frame_metrics import BLOCKS, Blocks

Mask = npt.NDArray[np.bool_]

DARKEST, BRIGHTEST = 8.0, 245.0  # mean luma of blocks that can tell anything: burnt out or black there is no noise
RECENT = 0.2  # weight of the newest frame in a block's usual change
LEARNING = 0.05  # and at least, in how often a block changes
LIVELY = 0.5  # a block that changed in this share of the frames usually changes
SELDOM = 0.1  # one that changed in less stands by design
MEMORY = 30  # frames after which a block that stands is taken for constant


class BlockHistory:
    """How often each block changes, since when it stands, and whether the stream is decoded video."""

    def __init__(self, config: HealthConfig) -> None:
        self._config = config
        self.seen = 0
        self.repeats = 0.0
        self.lively: Mask = np.ones(BLOCKS, np.bool_)
        self.zero: Mask = np.zeros(BLOCKS, np.bool_)
        self.zero_for = np.zeros(BLOCKS, np.int32)
        self.before_stop: Blocks = np.zeros(BLOCKS, np.float32)
        self._often: Blocks = np.ones(BLOCKS, np.float32)
        self._usual: Blocks = np.zeros(BLOCKS, np.float32)

    @property
    def is_video(self) -> bool:
        """Whether exact repetition here and there is usual in this stream."""
        return self.repeats >= self._config.video_repeats

    def note(self, change: Blocks, level: Blocks) -> bool:
        """Take the change of each block since the last frame, and its mean now; whether any usable block stands."""
        self.seen += 1
        usable = (level > DARKEST) & (level < BRIGHTEST)
        self.lively = (self._often >= LIVELY) & usable
        self.zero = (change == 0.0) & usable
        if not self.zero.any():
            self.zero_for[:] = 0
            return False
        begins = self.zero & (self.zero_for == 0)
        self.before_stop = np.where(begins, self._usual, self.before_stop)
        self.zero_for = np.where(self.zero, self.zero_for + 1, 0)
        return True

    def stopped_together(self, among: Mask) -> tuple[Mask, int]:
        """Of the standing blocks `among` the most that stopped in one frame, and for how long they stand."""
        if not among.any():
            return among, 0
        age = int(np.bincount(self.zero_for[among]).argmax())
        return among & (self.zero_for == age), age

    def repeats_here_and_there(self) -> bool:
        """Whether blocks that stand now, but do not stand by design, are more than a few: noise never does that."""
        return float((self.zero & (self._often >= SELDOM)).mean()) > self._config.still_exact

    def some_stand(self, *, even_masks: bool) -> bool:
        """Whether any block stands now; those that never changed count with `even_masks` only."""
        return bool((self.zero if even_masks else self.zero & (self._often > 0.0)).any())

    def learn(self, change: Blocks, stopped: Mask) -> None:
        """Remember this frame. `stopped`: blocks that stopped together, from which nothing is learned.

        They may be the fault that is looked for. Nor is anything learned from a picture that repeats as a whole.
        """
        self._usual += (RECENT if self.seen > 1 else 1.0) * (change - self._usual)
        changed = change != 0.0
        if changed.all():
            self._often += max(1.0 / self.seen, LEARNING) * (1.0 - self._often)
            self.repeats -= 0.1 * self.repeats
            return
        if not changed.any():
            return
        # Of the standing blocks those that stopped in one frame are no sign of video either, however few.
        moved = self.zero & (self.zero_for <= MEMORY) & (self._often > 0.0)
        moved &= ~self.stopped_together(moved)[0] & ~stopped
        self.repeats += 0.1 * (float(moved.mean()) - self.repeats)
        weight = max(1.0 / self.seen, LEARNING)
        self._often += np.where(stopped, np.float32(0.0), np.float32(weight) * (changed - self._often))
