# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Mask, confidence and status of one frame, held together until all three are there."""

from __future__ import annotations

from typing import Any

import numpy as np

from trustseg.errors import InputError
from trustseg.reasons import Reason, Severity
from trustseg.types import UInt8Array
from trustseg_ros.planner.matched_outputs import MOST_WAITING, OutputMatch


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

    Attributes:
        match: what is known of the newest outputs.
    """

    def __init__(self) -> None:
        self.match = OutputMatch()
        self._parts: dict[int, dict[str, Any]] = {}

    def take(self, part: str, message: Any) -> tuple[Any, Any, Any] | None:
        """Take a "mask", "confidence" or "status".

        Returns:
            (mask, confidence, status) of the frame that is complete and right with it, or None.
        """
        stamp = message.header.stamp
        at = int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)
        self._parts.setdefault(at, {})[part] = message
        while len(self._parts) > MOST_WAITING:
            del self._parts[min(self._parts)]
        before = self.match.complete
        {"mask": self.match.on_mask, "confidence": self.match.on_confidence, "status": self.match.on_status}[part](
            message
        )
        if self.match.complete == before:
            return None
        found = self._parts.get(self.match.stamp_ns, {})
        self._parts = {other: parts for other, parts in self._parts.items() if other > self.match.stamp_ns}
        if len(found) < 3:
            return None
        return found["mask"], found["confidence"], found["status"]
