# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""For whoever uses the masks: are mask, confidence and status those of one frame? Standard library only.

    match = OutputMatch()
    node.create_subscription(Image, "trustseg/mask", match.on_mask, output_qos())
    node.create_subscription(Image, "trustseg/confidence", match.on_confidence, output_qos())
    node.create_subscription(SegmentationStatus, "trustseg/status", match.on_status, status_qos(bounds))
    ...
    if match.problem: do_not_use_the_mask(match.problem)

They come on three topics, so each is kept until the other two of its stamp are there. A mask is believed only when its
pixels have the checksum that the status of its stamp gives. What comes late is refused, be it one whole frame (of a
second writer, or of one that hung); but stamps that stepped back (a clock that was set back, a bag that begins again)
are the stream from their second whole frame on, or after `PARTS_BEHIND` parts.
"""

from __future__ import annotations

import zlib
from typing import Any

from trustseg_ros.common.integrity import is_intact

PROCESSED = 0
# Frames that may be incomplete at a time; the oldest is given up beyond that.
MOST_WAITING = 8
# As the node judges its camera's stamps (`trustseg.frames.stamps`, which no planner imports): so many whole frames in
# order, further behind than this, are a new beginning. A single one is what a writer that hung still had, ...
FRAMES_BEHIND = 2
STEP_BACK_NS = 1_000_000_000
# ... and so are this many parts anywhere behind the newest frame, those of each topic in order, with none ahead of it
# between.
PARTS_BEHIND = 10


class OutputMatch:
    """Keeps what has come of the newest frames and says what is wrong with the newest complete one.

    Attributes:
        problem: why the newest outputs must not be used together; empty when they may be.
        complete: frames whose three parts belonged together.
        stamp_ns: header stamp of the newest such frame; 0 before the first and where stamps stepped back.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, dict[str, Any]] = {}
        self._behind: dict[int, dict[str, Any]] = {}  # what came in a row behind `stamp_ns`
        self._left_over: set[int] = set()  # what waits since before stamps stepped back
        self.problem = "no complete frame has arrived"
        self.complete = 0
        self.stamp_ns = 0

    @property
    def waiting(self) -> set[int]:
        """Header stamps, nanoseconds, of the frames of which a part is there and another one is not."""
        return {*self._waiting, *self._behind}

    def on_mask(self, message: Any) -> bool:
        """Take one mask (sensor_msgs/Image mono8); whether it is, or may become, part of a frame."""
        return self._take(_stamp_ns(message), "mask", zlib.crc32(memoryview(message.data)))

    def on_confidence(self, message: Any) -> bool:
        """Take one confidence map (sensor_msgs/Image mono8); returns as `on_mask`."""
        return self._take(_stamp_ns(message), "confidence", True)

    def on_status(self, message: Any) -> bool:
        """Take one SegmentationStatus; only a processed frame has pictures. Returns as `on_mask`."""
        if not is_intact(message):
            self.problem = "a status was altered on its way"
            return False
        if message.outcome != PROCESSED:
            return False
        return self._take(_stamp_ns(message), "status", message.mask_crc32)

    def _take(self, stamp_ns: int, part: str, value: Any) -> bool:
        if stamp_ns > self.stamp_ns:
            self._behind = {}
        elif self._is_new_beginning(stamp_ns, part, value):
            self._waiting, self._behind, self.stamp_ns = self._behind, {}, 0
            self.problem = "stamps stepped back, and no complete frame has arrived since"
        else:
            self.problem = f"a {part} came with a stamp that was seen before"
            return True
        # A topic keeps its order: where it was further already, that is of before a step back.
        self._left_over |= {at_ns for at_ns, parts in self._waiting.items() if at_ns > stamp_ns and part in parts}
        found = self._waiting.setdefault(stamp_ns, {})
        found[part] = value
        if len(found) == 3:
            self._waiting = {other: parts for other, parts in self._waiting.items() if other > stamp_ns}
            self.stamp_ns = stamp_ns
            right = found["mask"] == found["status"]
            self.complete += right
            self.problem = "" if right else "the mask is of another frame than its status"
        while len(self._waiting) > MOST_WAITING:
            # The oldest stamp, and not what came first: a late mask would push out the frame whose mask comes next. But
            # what is left over from before a step back would stay ahead of all that follows.
            del self._waiting[min(self._left_over & self._waiting.keys() or self._waiting)]
            self.problem = "a frame's mask, confidence or status is missing"
        self._left_over &= self._waiting.keys()
        return True

    def _is_new_beginning(self, stamp_ns: int, part: str, value: Any) -> bool:
        """Keep a part behind `stamp_ns`; whether those that came in a row are a stream and nothing that is late."""
        if any(part in parts for at_ns, parts in self._behind.items() if at_ns >= stamp_ns):
            self._behind = {}
        found = self._behind.setdefault(stamp_ns, {})
        found[part] = value
        counts = [len(parts) for parts in self._behind.values()]
        is_far_behind = len(found) == 3 and self.stamp_ns - stamp_ns > STEP_BACK_NS
        return (is_far_behind and counts.count(3) >= FRAMES_BEHIND) or sum(counts) >= PARTS_BEHIND


def _stamp_ns(message: Any) -> int:
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
