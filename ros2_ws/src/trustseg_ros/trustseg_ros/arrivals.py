"""Counts images that were published and that the node never got to see, by the numbers their writer gave them.

DDS reports what a best-effort reader lost on the way. What a newer image overwrote in the reader's queue, because the
node was not scheduled for longer than the queue holds, it reports to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rclpy.subscription import Subscription

# A jump further than this is another writer's numbering, not a gap.
MOST_MISSED = 1000


class Arrivals:
    """The numbers of one image topic's samples; meaningful while one publisher feeds it.

    Attributes:
        missed: images that were published between the first and the newest one taken, and were not taken.
    """

    def __init__(self) -> None:
        self.missed = 0
        self._newest: int | None = None

    def note(self, number: int | None) -> None:
        """An image was taken; `number` counts what its writer published, None where DDS does not tell."""
        if number is None:
            return
        if self._newest is not None and 0 < number - self._newest - 1 <= MOST_MISSED:
            self.missed += number - self._newest - 1
        self._newest = number

    def watched(self, callback: Callable[[Any], None]) -> Callable[..., None]:
        """A subscription's callback that notes each message before it hands it on."""
        if not hasattr(Subscription, "CallbackType"):  # Humble: rclpy does not pass the number
            return callback

        def take(message: Any, info: Mapping[str, Any]) -> None:
            self.note(info.get("publication_sequence_number"))
            callback(message)

        return take
