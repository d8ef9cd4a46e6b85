# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the numbers that a topic's writers give to their samples tell: images that the node never got to see, and two
writers at once.

DDS reports what a best-effort reader lost on the way. What a newer image overwrote in the reader's queue, because the
node was not scheduled for longer than the queue holds, it reports to nobody. And it counts a writer that died as one
until its lease ends, seconds later: only what arrives tells whether two cameras feed the topic.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from rclpy.subscription import Subscription

from trustseg.bounds import Bounds

# A jump further than this is another writer's numbering, not a gap.
MOST_MISSED = 1000
# A writer's numbers grow. Where they fall once, another writer has taken over; where they soon fall again, both send.
FALLS = 2
# Windows of the camera's rate within which so many falls count: a second camera may be slower than the first one.
WINDOWS = 2


class Arrivals:
    """The numbers of one image topic's samples.

    Args:
        bounds: the camera's rate window. clock_ns: steady clock.

    Attributes:
        missed: images that were published between the first and the newest one taken, and were not taken; meaningful
            while one publisher feeds the topic.
        numbered: whether the middleware gave numbers so far.
    """

    def __init__(self, bounds: Bounds, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._window_ns, self._clock_ns = WINDOWS * bounds.rate_window_ns, clock_ns
        self._falls_ns: deque[int] = deque(maxlen=FALLS)
        self.missed = 0
        self.numbered = hasattr(Subscription, "CallbackType")  # Humble: rclpy does not pass the number
        self._newest: int | None = None

    def note(self, number: int | None) -> None:
        """An image was taken; `number` counts what its writer published, None where DDS does not tell."""
        if number is None:
            self.numbered = False
            return
        if self._newest is not None:
            if number <= self._newest:
                self._falls_ns.append(self._clock_ns())
            elif number - self._newest - 1 <= MOST_MISSED:
                self.missed += number - self._newest - 1
        self._newest = number

    def interleaved(self) -> bool:
        """Whether two writers feed the topic at once."""
        return len(self._falls_ns) == FALLS and self._clock_ns() - self._falls_ns[0] <= self._window_ns

    def watched(self, callback: Callable[[Any], None]) -> Callable[..., None]:
        """A subscription's callback that notes each message before it hands it on."""
        if not self.numbered:
            return callback

        def take(message: Any, info: Mapping[str, Any]) -> None:
            self.note(info.get("publication_sequence_number"))
            callback(message)

        return take
