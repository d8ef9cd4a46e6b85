"""Every time bound of the fail-safe chain, derived in one place from the camera period and the latency budget.

Standard library only: the failure monitor and the guard import this module. All times are integer nanoseconds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

MS = 1_000_000
SECOND = 1_000_000_000

RATED_PERIOD_NS = SECOND // 30
RATED_AGE_LIMIT_NS = 70 * MS
TICK_NS = 20 * MS
TRANSPORT_NS = 10 * MS


@dataclass(frozen=True)
class Bounds:
    """Time bounds in nanoseconds; make one with `derive_bounds`, never by hand.

    Attributes:
        camera_period_ns, latency_budget_ns: what everything is derived from.
        age_limit_ns: a stream whose newest completed inference is older is stale.
        tick_ns: period of the monitor's verdict.
        transport_ns: allowance for one hop on the same machine.
        detection_ns: worst time from silence to a published failure.
        verdict_valid_ns: a verdict older than this means failure to whoever reads it.
        liveliness_lease_ns: the node's status writer counts as dead without an assertion for this long.
        latency_soft_ns, latency_hard_ns: receipt to publication that is LATENCY (soft), and that fails the frame.
        backlog_ns: a frame older than this when it is taken is not worth a mask.
        stamp_future_ns: a stamp further ahead of the clock than this is wrong.
        backend_hang_ns: an inference that takes longer ends its process.
        rate_window_ns: how far back low rate and dropped frames are judged.
    """

    camera_period_ns: int
    latency_budget_ns: int
    age_limit_ns: int
    tick_ns: int
    transport_ns: int
    detection_ns: int
    verdict_valid_ns: int
    liveliness_lease_ns: int
    latency_soft_ns: int
    latency_hard_ns: int
    backlog_ns: int
    stamp_future_ns: int
    backend_hang_ns: int
    rate_window_ns: int

    @property
    def window_ns(self) -> int:
        """Worst time until a failure that shows over a window of frames (rate, drops, a second source) is published."""
        return self.rate_window_ns + self.frames_ns(3)

    @property
    def guard_ns(self) -> int:
        """Worst time from the monitor's last verdict to a guard that is asked once a tick and says failed."""
        return self.verdict_valid_ns + self.tick_ns + self.transport_ns

    @property
    def message_ns(self) -> int:
        """Worst time from a status to the verdict that it changes: before the next status is due, and two hops."""
        return self.camera_period_ns + 2 * self.transport_ns

    def frames_ns(self, count: int) -> int:
        """Worst time from the publication of the first of `count` bad frames to the failure that they cause.

        Three hops (camera to node, node to monitor, monitor to planner); statuses change the verdict when they arrive.
        """
        return (count - 1) * self.camera_period_ns + self.latency_budget_ns + 3 * self.transport_ns

    def late_frames_ns(self, count: int) -> int:
        """The same where each frame itself takes up to the hard limit of the latency."""
        return count * max(self.latency_hard_ns, self.camera_period_ns) + 3 * self.transport_ns

    def describe(self) -> str:
        """One line for the log at start, in milliseconds."""
        return " ".join(f"{f.name[:-3]}={getattr(self, f.name) / MS:.1f}ms" for f in fields(self))


def derive_bounds(camera_period_ns: int, latency_budget_ns: int) -> Bounds:
    """Bounds for a camera period and a latency budget, both in nanoseconds and above zero.

    The age limit is two periods (one frame may be lost) plus the latency budget; at the rated 30 Hz and faster it is
    capped at 70 ms, so that age, tick and transport stay within 100 ms (design: safety, section 3).

    Raises:
        ValueError: when a value is not positive.
    """
    if camera_period_ns <= 0 or latency_budget_ns <= 0:
        raise ValueError(
            f"camera period and latency budget must be above 0 ns, got {camera_period_ns} and {latency_budget_ns}"
        )
    age_limit_ns = 2 * camera_period_ns + latency_budget_ns
    if camera_period_ns <= RATED_PERIOD_NS:
        age_limit_ns = min(age_limit_ns, RATED_AGE_LIMIT_NS)
    return Bounds(
        camera_period_ns=camera_period_ns,
        latency_budget_ns=latency_budget_ns,
        age_limit_ns=age_limit_ns,
        tick_ns=TICK_NS,
        transport_ns=TRANSPORT_NS,
        detection_ns=age_limit_ns + TICK_NS + TRANSPORT_NS,
        # Three ticks may be lost before a reader gives up on the monitor, or as long as a stream may be silent.
        verdict_valid_ns=max(age_limit_ns, 3 * TICK_NS + TRANSPORT_NS),
        # Shorter than the age limit, so that a stale stream is known to be a dead node or a silent camera at once.
        liveliness_lease_ns=age_limit_ns // 2,
        latency_soft_ns=latency_budget_ns,
        latency_hard_ns=2 * latency_budget_ns,
        backlog_ns=max(2 * latency_budget_ns, 2 * camera_period_ns),
        stamp_future_ns=50 * MS,
        backend_hang_ns=max(500 * MS, 10 * latency_budget_ns),
        rate_window_ns=max(SECOND, 10 * camera_period_ns),
    )
