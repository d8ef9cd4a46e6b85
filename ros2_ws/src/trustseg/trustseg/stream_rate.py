"""Low rate and dropped frames of a camera stream, judged from its stamps alone.

Stamps and not arrivals: a busy receiver must not accuse the camera. Standard library only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
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
        self._stamps: deque[int] = deque()

    def clear(self) -> None:
        """Forget the past: after a silence, a restart, or a stamp that does not advance."""
        self._stamps.clear()

    def add(self, stamp_ns: int) -> tuple[Reason, Severity]:
        """Take the stamp of one received frame, nanoseconds.

        What counts is how many frames the window lacks, so that jitter, where a long interval is followed by a short
        one, cancels out. The median interval then tells a slow camera (LOW_RATE: below 90 % of the rate soft, below
        50 % hard) from frames lost on the way (FRAME_DROP: above 5 % soft, above 20 % hard).
        """
        stamps = self._stamps
        if stamps and stamp_ns <= stamps[-1]:
            self.clear()
        stamps.append(stamp_ns)
        while stamp_ns - stamps[0] > self._bounds.rate_window_ns:
            stamps.popleft()
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


def median_interval(stamps: Iterable[int]) -> int:
    """Upper median of the intervals between successive stamps, nanoseconds; at least two stamps."""
    values = list(stamps)
    intervals = sorted(later - earlier for earlier, later in pairwise(values))
    return intervals[len(intervals) // 2]
