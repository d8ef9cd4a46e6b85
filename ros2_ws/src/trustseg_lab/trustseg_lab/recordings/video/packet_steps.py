# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether as many packets of a video are missing as its numbers cannot tell: by the packets' stamps.

Numbers of pictures begin anew with every key frame and after a power of two, 16 or more. Whoever loses exactly that
many packets finds the number that it expected, and a decoder puts the change since another picture onto its own.
"""

from __future__ import annotations

from collections import deque
from statistics import median

KEPT = 9  # steps whose median is the usual one
# Least number of packets after which numbers repeat within a group.
PERIOD = 16
LEAST_FACTOR = 3.0


class PacketSteps:
    """Follows the stamps of one stream."""

    def __init__(self) -> None:
        self._steps: deque[int] = deque(maxlen=KEPT)
        self._stamp_ns: int | None = None
        self._since_key = 0

    def is_gap(self, stamp_ns: int, is_key: bool) -> bool:
        """Whether so many packets may be missing before this one that its number is as it should be; none before a key
        frame, which needs no other.

        The next number that fits comes a group later, which is longer than what has come of this one, or `PERIOD`
        later: half of that, in usual steps, is a gap, and never less than `LEAST_FACTOR` of them. So is a stamp that
        goes back. A stream without stamps (all are 0) has no gap.
        """
        before, self._stamp_ns = self._stamp_ns, stamp_ns
        fitting = min(PERIOD, self._since_key + 1)
        self._since_key = 0 if is_key else self._since_key + 1
        step = 0 if before is None else stamp_ns - before
        usual = median(self._steps) if self._steps else None
        if step > 0:
            self._steps.append(step)
        if is_key:
            return False
        return step < 0 or (usual is not None and step > max(LEAST_FACTOR, fitting / 2) * usual)
