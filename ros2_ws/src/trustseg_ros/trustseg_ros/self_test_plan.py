"""When the golden image may run again while frames arrive: only where no frame is delayed beyond its budget. Pure."""

from __future__ import annotations

from collections import deque

from trustseg.bounds import SECOND, Bounds

# A machine is not always as fast as a moment ago.
MARGIN = 0.8
REMEMBERED = 30
# Periods that a test may be put off before the frames say so.
MOST_POSTPONED = 5


class SelfTestPlan:
    """Clock of the self-test during a drive; every time is of one steady clock, nanoseconds.

    Args:
        period_s: time between two tests; 0 for none.
        bounds: camera period and latency budget.
        now_ns: when the last test was (the one of the activation).
        test_ns: how long it took.
    """

    def __init__(self, period_s: float, bounds: Bounds, now_ns: int, test_ns: int) -> None:
        self._period_ns, self._bounds = round(period_s * SECOND), bounds
        self._last_ns, self._test_ns = now_ns, test_ns
        self._arrived_ns: int | None = None
        self._frames_ns: deque[int] = deque(maxlen=REMEMBERED)

    def note_frame(self, arrived_ns: int, took_ns: int) -> None:
        """A frame arrived then, and its way through the node took so long."""
        self._arrived_ns = arrived_ns
        self._frames_ns.append(took_ns)

    def note_test(self, now_ns: int, took_ns: int) -> None:
        """A test has ended."""
        self._last_ns, self._test_ns = now_ns, took_ns

    def is_due(self, now_ns: int) -> bool:
        """Whether a period has passed since the last test."""
        return self._period_ns > 0 and now_ns - self._last_ns >= self._period_ns

    def until_due_ns(self, now_ns: int) -> int | None:
        """Time until a test is due, at least 0; None where there is none."""
        return max(0, self._last_ns + self._period_ns - now_ns) if self._period_ns else None

    def fits(self, now_ns: int) -> bool:
        """Whether a frame that arrives when the next one is expected would still be answered within its budget."""
        next_ns = now_ns if self._arrived_ns is None else max(now_ns, self._arrived_ns + self._bounds.camera_period_ns)
        begins_ns = max(next_ns, now_ns + self._test_ns)
        latency_ns = begins_ns + max(self._frames_ns, default=self._test_ns) - next_ns
        return latency_ns <= MARGIN * self._bounds.latency_budget_ns

    def postponed(self, now_ns: int) -> int:
        """Whole periods by which the test is late."""
        return max(0, (now_ns - self._last_ns) // self._period_ns - 1) if self._period_ns else 0

    def is_overdue(self, now_ns: int) -> bool:
        """Whether the engine has gone unproved for so long that its frames say so."""
        return self.postponed(now_ns) >= MOST_POSTPONED
