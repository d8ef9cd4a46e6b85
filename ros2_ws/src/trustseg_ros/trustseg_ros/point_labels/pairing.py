# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which mask goes with which cloud: the nearest stamp, as soon as no nearer one can come. Standard library only."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

CloudT = TypeVar("CloudT")
FrameT = TypeVar("FrameT")
FRAMES_KEPT, CLOUDS_KEPT = 8, 4


@dataclass(frozen=True)
class Pair(Generic[CloudT, FrameT]):
    """A cloud and the frame that goes with it; None: none is near enough."""

    cloud: CloudT
    frame: FrameT | None


class Pairing(Generic[CloudT, FrameT]):
    """Holds the newest frames, and clouds until their frame is there or has been waited for long enough.

    Args:
        tolerance_ns: largest difference of the two stamps.
        wait_ns: longest time that a cloud waits, from its receipt.
    """

    def __init__(self, tolerance_ns: int, wait_ns: int) -> None:
        self._tolerance_ns, self._wait_ns = tolerance_ns, wait_ns
        self._frames: deque[tuple[int, FrameT]] = deque(maxlen=FRAMES_KEPT)
        self._clouds: deque[tuple[int, int, CloudT]] = deque()

    def add_frame(self, stamp_ns: int, frame: FrameT) -> None:
        """Take the next frame; one whose stamp goes back begins anew."""
        if self._frames and stamp_ns <= self._frames[-1][0]:
            self._frames.clear()
        self._frames.append((stamp_ns, frame))

    def add_cloud(self, stamp_ns: int, cloud: CloudT, now_ns: int) -> None:
        """Take a cloud at its receipt; steady clock."""
        self._clouds.append((stamp_ns, now_ns, cloud))

    def ready(self, now_ns: int, *, at_once: bool = False) -> list[Pair[CloudT, FrameT]]:
        """The clouds that wait for nothing more (`at_once`: all of them), in the order in which they came."""
        found = []
        while self._clouds and (at_once or self._is_settled(now_ns)):
            stamp_ns, _, cloud = self._clouds.popleft()
            found.append(Pair(cloud, self._nearest(stamp_ns)))
        return found

    def _is_settled(self, now_ns: int) -> bool:
        stamp_ns, came_ns, _ = self._clouds[0]
        newer = bool(self._frames) and self._frames[-1][0] >= stamp_ns
        return newer or now_ns - came_ns >= self._wait_ns or len(self._clouds) > CLOUDS_KEPT

    def _nearest(self, stamp_ns: int) -> FrameT | None:
        nearest = min(self._frames, key=lambda each: abs(each[0] - stamp_ns), default=None)
        if nearest is None or abs(nearest[0] - stamp_ns) > self._tolerance_ns:
            return None
        return nearest[1]
