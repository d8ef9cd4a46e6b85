# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Mask, confidence and status of one frame, held together until all three are there."""

from __future__ import annotations

from typing import Any

from trustseg_ros.planner.matched_outputs import MOST_WAITING, OutputMatch


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
