# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""When the golden image may run again while frames arrive: where it delays none beyond its budget, or, once it is due,
in the place of one frame. Pure.
"""

from __future__ import annotations

from collections import deque
from statistics import median_low

from trustseg.bounds import MS, SECOND, Bounds

# A machine is not always as fast as a moment ago.
MARGIN = 0.8
REMEMBERED, REMEMBERED_TESTS = 30, 5
# Share of the period after which free room is looked for; at its end the test takes the place of a frame.
EARLY = 0.9
# Share of the period after which a test that the engine did not finish is tried again.
AGAIN = 0.1
# Periods that a test may be put off before the frames say so.
MOST_POSTPONED = 5


class SelfTestPlan:
    """Clock of the self-test during a drive; every time is of one steady clock, nanoseconds.

    Args:
        period_s: time between two tests; 0 for none.
        bounds: camera period, latency budget and age limit.
        now_ns: when the last test was (the one of the activation).
        test_ns: how long it took.
    """

    def __init__(self, period_s: float, bounds: Bounds, now_ns: int, test_ns: int) -> None:
        self._period_ns, self._bounds = round(period_s * SECOND), bounds
        self._proved_ns = self._tried_ns = now_ns
        self._tests_ns: deque[int] = deque([test_ns], maxlen=REMEMBERED_TESTS)
        self._arrived_ns = self._answered_ns = 0
        self._frames_ns: deque[int] = deque(maxlen=REMEMBERED)
        self._intervals_ns: deque[int] = deque(maxlen=REMEMBERED)

    def note_frame(self, arrived_ns: int, took_ns: int, answered_ns: int) -> None:
        """A frame arrived then, its way through the node took so long, and its status left then."""
        if self._frames_ns:
            self._intervals_ns.append(arrived_ns - self._arrived_ns)
        self._arrived_ns, self._answered_ns = arrived_ns, answered_ns
        self._frames_ns.append(took_ns)

    def note_test(self, now_ns: int, took_ns: int, finished: bool = True) -> None:
        """A test has ended; where it is not `finished` the engine raised, and nothing is proved."""
        self._tried_ns = now_ns
        if finished:
            self._proved_ns = now_ns
            self._tests_ns.append(took_ns)

    def expect_frames_of(self, took_ns: int) -> None:
        """Frames will take so long from now on: what those of another network took says nothing any more."""
        self._frames_ns.clear()
        self._frames_ns.append(took_ns)

    def is_due(self, now_ns: int) -> bool:
        """Whether it is time to look for room."""
        return self._period_ns > 0 and now_ns >= self._due_ns()

    def must_be(self, now_ns: int) -> bool:
        """Whether a period has passed since the last test, so that it may take the place of a frame."""
        return self.is_due(now_ns) and now_ns - self._proved_ns >= self._period_ns

    def until_due_ns(self, now_ns: int) -> int | None:
        """Time until a test is due, at least 0; None where there is none."""
        return max(0, self._due_ns() - now_ns) if self._period_ns else None

    def fits(self, now_ns: int, takes_ns: int | None = None) -> bool:
        """Whether the next frame, expected a period after the last one, would still be answered within its budget.

        What the test adds to its delay is held against what its own way through the node leaves of the budget.
        `takes_ns`: of another test than this plan's.
        """
        if self._is_silent(now_ns):
            return True
        test_ns = self._tests_ns[-1] if takes_ns is None else takes_ns
        next_ns = max(now_ns, self._arrived_ns + self._interval_ns())
        if now_ns + test_ns / MARGIN <= next_ns:
            return True
        delay_ns = now_ns + test_ns - next_ns
        return delay_ns <= MARGIN * (self._bounds.latency_soft_ns - max(self._frames_ns))

    def fits_in_place_of_a_frame(self, now_ns: int, takes_ns: int | None = None) -> bool:
        """Whether the next answer still comes before the stream counts as stale, with one frame left out for the test.

        By usual times and not by the worst ones: a single slow frame must not put off what is due. `takes_ns`: of
        another test than this plan's.
        """
        if self._is_silent(now_ns):
            return True
        end_ns, interval_ns = now_ns + (min(self._tests_ns) if takes_ns is None else takes_ns), self._interval_ns()
        newest_ns = self._arrived_ns + (end_ns - self._arrived_ns) // interval_ns * interval_ns
        waits = newest_ns > self._arrived_ns
        if waits and end_ns - newest_ns + self._frame_ns() <= self._bounds.latency_soft_ns:
            begins_ns = end_ns
        else:
            begins_ns = newest_ns + interval_ns
        return begins_ns + self._frame_ns() - self._answered_ns <= self._bounds.age_limit_ns

    def takes_the_place_of(self, arrived_ns: int, now_ns: int) -> bool:
        """Whether the test that has just ended stands for the frame that waits since `arrived_ns`: it would be answered
        too late, and the next one comes before the stream counts as stale."""
        if now_ns - arrived_ns + self._frame_ns() <= self._bounds.latency_soft_ns:
            return False
        next_ns = max(now_ns, arrived_ns + self._interval_ns())
        return next_ns + self._frame_ns() - self._answered_ns <= self._bounds.age_limit_ns

    def beside_the_engine_ns(self, test_ns: int) -> int:
        """What a usual frame takes beyond a test that takes `test_ns`: to decode it and to publish."""
        return max(0, self._frame_ns() - test_ns)

    def postponed(self, now_ns: int) -> int:
        """Whole periods by which the test is late."""
        return max(0, (now_ns - self._proved_ns) // self._period_ns - 1) if self._period_ns else 0

    def is_overdue(self, now_ns: int) -> bool:
        """Whether the engine has gone unproved for so long that its frames say so."""
        return self.postponed(now_ns) >= MOST_POSTPONED

    def no_room(self) -> str:
        """Why a test does not even fit in the place of a frame, for the log."""
        return (
            f"no room for the self-test: one of {min(self._tests_ns) / MS:.0f} ms and a frame of "
            f"{self._frame_ns() / MS:.0f} ms must end within the age limit of {self._bounds.age_limit_ns / MS:.0f} ms"
        )

    def _due_ns(self) -> int:
        due_ns = self._proved_ns + round(EARLY * self._period_ns)
        return due_ns if self._tried_ns == self._proved_ns else max(due_ns, self._tried_ns + self._again_ns())

    def _again_ns(self) -> int:
        return round(AGAIN * self._period_ns)

    def _is_silent(self, now_ns: int) -> bool:
        """Whether no frame is expected that a test could delay: none came yet, or the flag is up for it already."""
        return not self._frames_ns or now_ns - self._answered_ns > self._bounds.age_limit_ns

    def _interval_ns(self) -> int:
        """Usual time between two frames that were worked on."""
        return max(1, median_low(self._intervals_ns)) if self._intervals_ns else self._bounds.camera_period_ns

    def _frame_ns(self) -> int:
        """Usual time of a frame's way through the node."""
        return median_low(self._frames_ns) if self._frames_ns else self._tests_ns[-1]
