# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Mask, confidence and status of one frame, held together until all three are there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from trustseg.errors import InputError
from trustseg.failsafe.publication import PublicationClock, host_id
from trustseg.reasons import Reason, Severity
from trustseg.types import UInt8Array
from trustseg_ros.planner.matched_outputs import OutputMatch


def pixels_of(mask: Any, confidence: Any, status: Any) -> tuple[UInt8Array, UInt8Array]:
    """(mask, confidence) of a frame that belongs together, uint8 (h, w) each, views.

    Raises:
        InputError: its own status says that it is not to be used, which the flag says only a moment later; or the
            two are not of one size, or not of theirs.
    """
    if status.severity >= Severity.HARD:
        raise InputError(f"the newest frame is not good: {', '.join(Reason(status.reasons).names())}")
    size = (mask.height, mask.width)
    if (confidence.height, confidence.width) != size:
        raise InputError("mask and confidence differ in size")
    for name, image in (("mask", mask), ("confidence", confidence)):
        # The segmentation node pads no row.
        if len(image.data) != size[0] * size[1]:
            raise InputError(f"pixels of the {name}", expected=str(size[0] * size[1]), got=str(len(image.data)))
    labels, sure = (np.frombuffer(image.data, np.uint8).reshape(size) for image in (mask, confidence))
    return labels, sure


class MatchedFrames:
    """Hands out each frame whose mask has the checksum that its status gives.

    Args:
        clock_ns: steady clock. host: whose clock that is (`trustseg.failsafe.publication.host_id`).

    Attributes:
        match: what is known of the newest outputs.
        published_ns: when the frame that was handed out last was published, on the steady clock; 0 before the first.
    """

    def __init__(self, clock_ns: Callable[[], int] = time.monotonic_ns, host: int | None = None) -> None:
        self.match = OutputMatch()
        self.published_ns = 0
        self._clock_ns, self._publication = clock_ns, PublicationClock(host_id() if host is None else host)
        self._parts: dict[int, dict[str, Any]] = {}
        self._published: dict[int, int] = {}

    def take(self, part: str, message: Any) -> tuple[Any, Any, Any] | None:
        """Take a "mask", "confidence" or "status".

        Returns:
            (mask, confidence, status) of the frame that is complete and right with it, or None.
        """
        stamp = message.header.stamp
        at = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
        match, before = self.match, self.match.complete
        take = {"mask": match.on_mask, "confidence": match.on_confidence, "status": match.on_status}[part]
        if take(message):
            self._parts.setdefault(at, {})[part] = message
            if part == "status":
                # At its receipt and not when the frame is complete: a mask that is always late must not set the clock.
                self._published[at] = self._publication.published_ns(
                    message.instance_id, message.host_id, message.publish_steady_ns, self._clock_ns()
                )
        is_whole = match.complete != before
        found, published_ns = self._parts.get(at, {}), self._published.get(at, 0)
        waiting = match.waiting
        self._parts = {stamp_ns: parts for stamp_ns, parts in self._parts.items() if stamp_ns in waiting}
        self._published = {stamp_ns: time_ns for stamp_ns, time_ns in self._published.items() if stamp_ns in waiting}
        if not is_whole:
            return None
        self.published_ns = published_ns
        return found["mask"], found["confidence"], found["status"]
