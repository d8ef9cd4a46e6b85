# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which of two networks serves: the heavy one where it fits the bounds, else the light one. Pure.

The heavy one is left after one late frame: the monitor believes two late ones of three, so that the next must not be
late. It is left too where so many frames of about a second come close to the budget as the monitor believes of late
ones. It comes back by a trial, when nothing that the monitor looks back on has a late frame of it in it any more, and
each time that this was in vain doubles the wait.
"""

from __future__ import annotations

from collections import deque

from trustseg.bounds import LONG_WINDOWS, MS, SECOND, Bounds
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg_ros.segmenter.backend.self_test_plan import MARGIN

# 320 times the window: five minutes at 10 Hz and faster. A trial takes the place of a frame, of one in thousands then.
MOST_DOUBLED = 5


class NetworkChoice:
    """Every time is of one steady clock, nanoseconds.

    Args:
        bounds: of the stream.

    Attributes:
        is_light: whether the light network serves. switches: how often another one came to serve.
        why: what made the heavy one not fit, with its figures; empty while it fits.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._budget_ns, self._period_ns = bounds.latency_soft_ns, bounds.camera_period_ns
        self._window_ns = bounds.rate_window_ns
        self._close_ns = round(MARGIN * bounds.latency_soft_ns)
        self._least = FailsafeConfig(bounds).soft_least
        self._shortest_ns = LONG_WINDOWS * bounds.rate_window_ns
        self._dwell_ns = self._shortest_ns
        # Frames of the window: when, how many had been skipped by then, whether it came close to the budget.
        self._recent: deque[tuple[int, int, bool]] = deque()
        self._frames, self._changed_ns, self._trial_ns = 0, 0, 0
        self.is_light, self.switches, self.why = False, 0, ""

    @property
    def dwell_ns(self) -> int:
        """Time from the last switch, or from a trial in vain, to the next trial."""
        return self._dwell_ns

    def note_frame(self, now_ns: int, latency_ns: int, skipped: int = 0) -> None:
        """The heavy network's frame was answered now, `latency_ns` after its receipt; `skipped`: frames so far."""
        self._frames += 1
        self.why = ""
        if self._frames == 1:
            return  # it warms what no golden image warms, and the flag is up
        self._recent.append((now_ns, skipped, latency_ns > self._close_ns))
        while now_ns - self._recent[0][0] >= self._window_ns:
            self._recent.popleft()
        close = sum(is_close for _, _, is_close in self._recent)
        budget_ms = self._budget_ns / MS
        if latency_ns > self._budget_ns:
            self.why = f"a frame took {latency_ns / MS:.0f} ms of {budget_ms:.0f} ms"
        elif close >= self._least(len(self._recent), skipped - self._recent[0][1]):
            self.why = (
                f"{close} frames within {self._window_ns / SECOND:g} s took more than "
                f"{self._close_ns / MS:.0f} ms of {budget_ms:.0f} ms"
            )

    def leave(self, now_ns: int) -> None:
        """The light network serves from now on."""
        again = self.switches > 0 and now_ns - self._changed_ns < self._dwell_ns
        self._dwell_ns = self._longer() if again else self._shortest_ns
        self._change(now_ns, is_light=True)
        self._trial_ns = now_ns + self._dwell_ns

    def trial_is_due(self, now_ns: int) -> bool:
        """Whether it is time to try the heavy network again."""
        return self.is_light and now_ns >= self._trial_ns

    def put_off(self, now_ns: int) -> None:
        """There was no room for the trial that is due."""
        self._trial_ns = now_ns + self._shortest_ns

    def fits(self, frame_ns: int) -> bool:
        """Whether frames that take so long come in time, with a margin; longer than a period they wait for each other,
        for up to a period."""
        waits_ns = 0 if frame_ns <= self._period_ns else self._period_ns
        return frame_ns + waits_ns <= self._close_ns

    def tried(self, now_ns: int, frame_ns: int | None) -> bool:
        """A trial has ended: frames would take `frame_ns` (None: the engine failed). Whether the heavy one serves."""
        if frame_ns is not None and self.fits(frame_ns):
            self._change(now_ns, is_light=False)
            return True
        self._dwell_ns = self._longer()
        self._trial_ns = now_ns + self._dwell_ns
        return False

    def _longer(self) -> int:
        return min(2 * self._dwell_ns, self._shortest_ns << MOST_DOUBLED)

    def _change(self, now_ns: int, *, is_light: bool) -> None:
        self.is_light, self._changed_ns = is_light, now_ns
        self.switches += 1
        self._recent.clear()
        self.why = ""
