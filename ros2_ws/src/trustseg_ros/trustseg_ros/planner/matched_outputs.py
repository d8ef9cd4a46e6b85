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
pixels have the checksum that the status of its stamp gives.
"""

from __future__ import annotations

import zlib
from typing import Any

from trustseg_ros.common.integrity import is_intact

PROCESSED = 0
# Frames that may be incomplete at a time; the oldest is given up beyond that.
MOST_WAITING = 8


class OutputMatch:
    """Keeps what has come of the newest frames and says what is wrong with the newest complete one.

    Attributes:
        problem: why the newest outputs must not be used together; empty when they may be.
        complete: frames whose three parts belonged together.
        stamp_ns: header stamp of the newest such frame.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, dict[str, Any]] = {}
        self.problem = "no complete frame has arrived"
        self.complete = 0
        self.stamp_ns = 0

    def on_mask(self, message: Any) -> None:
        """Take one mask (sensor_msgs/Image mono8)."""
        self._take(_stamp_ns(message), "mask", zlib.crc32(memoryview(message.data)))

    def on_confidence(self, message: Any) -> None:
        """Take one confidence map (sensor_msgs/Image mono8)."""
        self._take(_stamp_ns(message), "confidence", True)

    def on_status(self, message: Any) -> None:
        """Take one SegmentationStatus; only a processed frame has pictures."""
        if not is_intact(message):
            self.problem = "a status was altered on its way"
        elif message.outcome == PROCESSED:
            self._take(_stamp_ns(message), "status", message.mask_crc32)

    def _take(self, stamp_ns: int, part: str, value: Any) -> None:
        if stamp_ns <= self.stamp_ns:
            self.problem = f"a {part} came with a stamp that was seen before"
            return
        found = self._waiting.setdefault(stamp_ns, {})
        found[part] = value
        if len(found) == 3:
            self._waiting = {other: parts for other, parts in self._waiting.items() if other > stamp_ns}
            self.stamp_ns = stamp_ns
            right = found["mask"] == found["status"]
            self.complete += right
            self.problem = "" if right else "the mask is of another frame than its status"
        elif len(self._waiting) > MOST_WAITING:
            del self._waiting[min(self._waiting)]
            self.problem = "a frame's mask, confidence or status is missing"


def _stamp_ns(message: Any) -> int:
    stamp = message.header.stamp
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
