# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Low rate and dropped frames of a camera stream, judged from its stamps alone.

Stamps and not arrivals: a busy receiver must not accuse the camera. Standard library only.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from itertools import pairwise

from trustseg.bounds import LONG_WINDOWS, Bounds
from trustseg.reasons import Reason, Severity

# Shares of the rate.
LOW_RATE_SOFT, LOW_RATE_HARD = 0.90, 0.50
# Judged only when this share of a window has been seen: the first frames of a stream prove nothing.
MIN_SEEN_SHARE = 0.7
# Stamps that are kept, in frames of the long window at the rate of the camera: a clock whose seconds stand still gives
# any number of stamps within it.
MOST_KEPT = 4
# One frame too few in a window is no habit.
MIN_DROPPED = 2

GOOD = (Reason.NONE, Severity.GOOD)


class StreamRate:
    """Sliding window over the stamps of received frames; `add` gives (reasons, severity) of the window."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._stamps: list[int] = []
        self._most = MOST_KEPT * LONG_WINDOWS * -(-bounds.rate_window_ns // bounds.camera_period_ns)

    def clear(self) -> None:
        """Forget the past: after a silence or a restart."""
        self._stamps.clear()

    def add(self, stamp_ns: int) -> tuple[Reason, Severity]:
        """Take the stamp of one received frame, nanoseconds.

        What counts is how many frames the window lacks, so that jitter, where a long interval is followed by a short
        one, cancels out. The median interval then tells a slow camera (LOW_RATE: below 90 % of its slowest rate soft,
        below 50 % hard) from frames lost on the way (FRAME_DROP: more than the tolerated loss explains, over one window
        or a long one; hard above a fifth of one window).
        """
        stamps, bounds = self._stamps, self._bounds
        if stamps and stamps[-1] - stamp_ns > bounds.rate_window_ns:
            self.clear()  # a loop, or a clock set back: another stream
        if not _holds(stamps, stamp_ns):
            # Not always at the end: a frame that is skipped is answered before the one that is being worked on.
            insort(stamps, stamp_ns)
        oldest_ns = stamps[-1] - LONG_WINDOWS * bounds.rate_window_ns
        if stamps[0] < oldest_ns:
            del stamps[: bisect_left(stamps, oldest_ns)]
        del stamps[: max(0, len(stamps) - self._most)]
        newest = stamps[bisect_left(stamps, stamps[-1] - bounds.rate_window_ns) :]
        verdict = self._of_window(newest)
        return (Reason.FRAME_DROP, Severity.SOFT) if verdict == GOOD and self._loses_steadily() else verdict

    def _of_window(self, stamps: Sequence[int]) -> tuple[Reason, Severity]:
        bounds = self._bounds
        if stamps[-1] - stamps[0] < MIN_SEEN_SHARE * bounds.rate_window_ns:
            return GOOD
        missing = _missing(stamps, bounds.slowest_period_ns)
        if missing < MIN_DROPPED:
            return GOOD
        if median_interval(stamps) * LOW_RATE_SOFT > bounds.slowest_period_ns:
            got_share = len(stamps) / (len(stamps) + missing)
            if got_share >= LOW_RATE_SOFT:
                return GOOD
            return Reason.LOW_RATE, Severity.HARD if got_share < LOW_RATE_HARD else Severity.SOFT
        if missing < bounds.lost_soft:
            return GOOD
        return Reason.FRAME_DROP, Severity.HARD if missing >= bounds.lost_hard else Severity.SOFT

    def _loses_steadily(self) -> bool:
        """Whether the long window lacks more than the tolerated loss explains, at the rate that the camera really has:
        one that is a little slow loses nothing."""
        stamps, bounds = self._stamps, self._bounds
        if _missing(stamps, bounds.slowest_period_ns) < bounds.lost_long:
            return False
        return _missing(stamps, max(bounds.slowest_period_ns, median_interval(stamps))) >= bounds.lost_long


def _missing(stamps: Sequence[int], period_ns: int) -> int:
    """Frames that a camera of this period would have sent more between the first stamp and the last one."""
    return round((stamps[-1] - stamps[0]) / period_ns) + 1 - len(stamps)


def median_interval(stamps: Sequence[int]) -> int:
    """Upper median of the intervals between successive stamps, nanoseconds; at least two stamps."""
    intervals = sorted(later - earlier for earlier, later in pairwise(stamps))
    return intervals[len(intervals) // 2]


def _holds(stamps: Sequence[int], stamp_ns: int) -> bool:
    index = bisect_left(stamps, stamp_ns)
    return index < len(stamps) and stamps[index] == stamp_ns
