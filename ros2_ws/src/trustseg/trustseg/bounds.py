# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every time bound of the fail-safe chain, derived in one place from the camera period and the latency budget.

Standard library only: the failure monitor and the guard import this module. All times are integer nanoseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

MS = 1_000_000
SECOND = 1_000_000_000

TICK_NS = 20 * MS
TRANSPORT_NS = 10 * MS
# How late the monitor may act on an age limit that passes between two ticks: it has a timer of its own for that.
WATCH_NS = 5 * MS
# What silence may cost at the rated 30 Hz and faster, from the last completed inference to the planner.
RATED_DETECTION_NS = 100 * MS
# A reader gives up on the monitor after three ticks without a verdict: its rate does not depend on the camera's.
VERDICT_VALID_NS = 3 * TICK_NS + TRANSPORT_NS

# Best-effort cameras lose frames. This share, lost at random, is no fault; the counts below are more than it explains.
TOLERATED_LOSS = 0.03
LOSS_SIGMAS = 3.5
BURST_LOSS = 0.20
LONG_WINDOWS = 10


@dataclass(frozen=True)
class Bounds:
    """Time bounds in nanoseconds and counts of frames; make one with `derive_bounds`, never by hand.

    Attributes:
        camera_period_ns, slowest_period_ns, latency_budget_ns: what everything is derived from. A camera of one rate
            has one period; one whose rate varies is slowest at the second.
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
        rate_window_ns: how far back low rate and dropped frames are judged; `LONG_WINDOWS` of them for a small loss
            that lasts.
        lost_soft, lost_hard: lost frames within one window that are FRAME_DROP, and that fail the stream.
        lost_long: lost frames within `LONG_WINDOWS` windows that are FRAME_DROP.
    """

    camera_period_ns: int
    slowest_period_ns: int
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
    lost_soft: int
    lost_hard: int
    lost_long: int

    @property
    def timing(self) -> tuple[int, int, int]:
        """What everything is derived from: equal in node, monitor and whoever else derives bounds."""
        return self.camera_period_ns, self.slowest_period_ns, self.latency_budget_ns

    @property
    def window_frames(self) -> int:
        """Frames of `rate_window_ns` at the slowest rate."""
        return round(self.rate_window_ns / self.slowest_period_ns)

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
        return self.slowest_period_ns + 2 * self.transport_ns

    @property
    def jitter_ns(self) -> int:
        """How much later than its period an answer may come, frame and computing together, with no frame lost."""
        return self.age_limit_ns - self.slowest_period_ns

    @property
    def jitter_after_loss_ns(self) -> int:
        """The same where the frame before was lost; at or below 0 where no frame may be lost."""
        return self.age_limit_ns - 2 * self.slowest_period_ns

    @property
    def mask_age_ns(self) -> int:
        """Oldest content that a planner may hold with the flag down, from the image's stamp.

        Old when taken, slow in the node, and then nothing newer until silence is a published failure.
        """
        return self.backlog_ns + self.latency_soft_ns + self.detection_ns

    def frames_ns(self, count: int) -> int:
        """Worst time from the publication of the first of `count` bad frames to the failure that they cause.

        Three hops (camera to node, node to monitor, monitor to planner); statuses change the verdict when they arrive.
        """
        return (count - 1) * self.slowest_period_ns + self.latency_budget_ns + 3 * self.transport_ns

    def late_frames_ns(self, count: int) -> int:
        """The same where each frame itself takes up to the hard limit of the latency."""
        return count * max(self.latency_hard_ns, self.slowest_period_ns) + 3 * self.transport_ns

    def describe(self) -> str:
        """One line for the log at start: every bound in milliseconds, and what of loss and jitter is no fault."""
        times = (f.name for f in fields(self) if f.name.endswith("_ns"))
        text = " ".join(f"{name[:-3]}={getattr(self, name) / MS:.1f}ms" for name in times)
        return (
            f"{text}; tolerated: {TOLERATED_LOSS:.0%} of the frames lost at random (FRAME_DROP from {self.lost_soft}, "
            f"failed from {self.lost_hard} in {self.rate_window_ns / SECOND:g} s, FRAME_DROP from {self.lost_long} in "
            f"{LONG_WINDOWS * self.rate_window_ns / SECOND:g} s), jitter of {self.jitter_ns / MS:.0f} ms, "
            f"{max(0, self.jitter_after_loss_ns) / MS:.0f} ms after a lost frame"
        )


def derive_bounds(camera_period_ns: int, latency_budget_ns: int, slowest_period_ns: int | None = None) -> Bounds:
    """Bounds for a camera period and a latency budget, both in nanoseconds and above zero.

    The age limit leaves room for one lost frame and for an answer that takes its whole budget after one that took no
    time: two periods plus the budget. It ends where the third frame is due, less what the monitor and one hop may take,
    or where silence would cost more than `RATED_DETECTION_NS` of a faster camera; but an answer within the budget, with
    no frame lost, is never late: one period plus the budget is the least.

    Args:
        camera_period_ns, latency_budget_ns: as said.
        slowest_period_ns: longest period of a camera whose rate varies; None: the camera's one period.

    Raises:
        ValueError: when a value is not positive, or the slowest period is the shorter one.
    """
    slowest_ns = camera_period_ns if slowest_period_ns is None else slowest_period_ns
    if camera_period_ns <= 0 or latency_budget_ns <= 0:
        raise ValueError(
            f"camera period and latency budget must be above 0 ns, got {camera_period_ns} and {latency_budget_ns}"
        )
    if slowest_ns < camera_period_ns:
        raise ValueError(f"slowest period must be at least the period {camera_period_ns} ns, got {slowest_ns}")
    reaction_ns = WATCH_NS + TRANSPORT_NS
    third_frame_ns = max(3 * slowest_ns, RATED_DETECTION_NS) - reaction_ns
    age_limit_ns = max(slowest_ns + latency_budget_ns, min(2 * slowest_ns + latency_budget_ns, third_frame_ns))
    rate_window_ns = max(SECOND, 10 * slowest_ns)
    frames = round(rate_window_ns / slowest_ns)
    lost_hard = int(BURST_LOSS * frames) + 1
    return Bounds(
        camera_period_ns=camera_period_ns,
        slowest_period_ns=slowest_ns,
        latency_budget_ns=latency_budget_ns,
        age_limit_ns=age_limit_ns,
        tick_ns=TICK_NS,
        transport_ns=TRANSPORT_NS,
        detection_ns=age_limit_ns + reaction_ns,
        verdict_valid_ns=VERDICT_VALID_NS,
        # Shorter than the age limit, so that a stale stream is known to be a dead node or a silent camera at once.
        liveliness_lease_ns=age_limit_ns // 2,
        latency_soft_ns=latency_budget_ns,
        latency_hard_ns=2 * latency_budget_ns,
        backlog_ns=max(2 * latency_budget_ns, 2 * slowest_ns),
        stamp_future_ns=50 * MS,
        backend_hang_ns=max(500 * MS, 10 * latency_budget_ns),
        rate_window_ns=rate_window_ns,
        lost_soft=min(lost_hard, unlikely_loss(frames)),
        lost_hard=lost_hard,
        lost_long=unlikely_loss(LONG_WINDOWS * frames),
    )


def unlikely_loss(frames: int) -> int:
    """Lost frames of so many that the tolerated loss does not explain: `LOSS_SIGMAS` above its mean, and half a frame.

    The binomial's upper tail there is 0.1 to 0.3 % for 10 to 2400 frames.
    """
    mean = TOLERATED_LOSS * frames
    return math.ceil(mean + LOSS_SIGMAS * math.sqrt(mean * (1.0 - TOLERATED_LOSS)) + 0.5)
