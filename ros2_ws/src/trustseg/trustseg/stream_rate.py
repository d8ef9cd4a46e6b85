"""Low rate and dropped frames of a camera stream, judged from its stamps alone.

Stamps and not arrivals: a busy receiver must not accuse the camera. Standard library only.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from itertools import pairwise

from trustseg.bounds import Bounds
from trustseg.reasons import Reason, Severity

# Shares of the design's fault table (safety, section 4, rows 3 and 4).
LOW_RATE_SOFT, LOW_RATE_HARD = 0.90, 0.50
DROP_SOFT, DROP_HARD = 0.05, 0.20
# Judged only when this share of the window has been seen: the first frames of a stream prove nothing.
MIN_SEEN_SHARE = 0.7
# One lost frame of a slow camera is more than 5 % of a second; it takes two to speak of a habit.
MIN_DROPPED = 2


class StreamRate:
    """Sliding window over the stamps of received frames; `add` gives (reasons, severity) of the window."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._stamps: list[int] = []

    def clear(self) -> None:
        """Forget the past: after a silence or a restart."""
        self._stamps.clear()

    def add(self, stamp_ns: int) -> tuple[Reason, Severity]:
        """Take the stamp of one received frame, nanoseconds.

        What counts is how many frames the window lacks, so that jitter, where a long interval is followed by a short
        one, cancels out. The median interval then tells a slow camera (LOW_RATE: below 90 % of the rate soft, below
        50 % hard) from frames lost on the way (FRAME_DROP: above 5 % soft, above 20 % hard).
        """
        stamps = self._stamps
        if stamps and stamps[-1] - stamp_ns > self._bounds.rate_window_ns:
            self.clear()  # a loop, or a clock set back: another stream
        if stamp_ns not in stamps:
            # Not always at the end: a frame that is skipped is answered before the one that is being worked on.
            insort(stamps, stamp_ns)
        while stamps[-1] - stamps[0] > self._bounds.rate_window_ns:
            stamps.pop(0)
        span_ns, period_ns = stamps[-1] - stamps[0], self._bounds.camera_period_ns
        if span_ns < MIN_SEEN_SHARE * self._bounds.rate_window_ns:
            return Reason.NONE, Severity.GOOD
        expected = round(span_ns / period_ns) + 1
        missing = expected - len(stamps)
        if missing < MIN_DROPPED:
            return Reason.NONE, Severity.GOOD
        got_share = len(stamps) / expected
        if median_interval(stamps) * LOW_RATE_SOFT > period_ns:
            if got_share >= LOW_RATE_SOFT:
                return Reason.NONE, Severity.GOOD
            return Reason.LOW_RATE, Severity.HARD if got_share < LOW_RATE_HARD else Severity.SOFT
        if missing / expected <= DROP_SOFT:
            return Reason.NONE, Severity.GOOD
        return Reason.FRAME_DROP, Severity.HARD if missing / expected > DROP_HARD else Severity.SOFT


def median_interval(stamps: Sequence[int]) -> int:
    """Upper median of the intervals between successive stamps, nanoseconds; at least two stamps."""
    intervals = sorted(later - earlier for earlier, later in pairwise(stamps))
    return intervals[len(intervals) // 2]
