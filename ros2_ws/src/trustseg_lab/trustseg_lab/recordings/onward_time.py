# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recorded time that never goes back, whatever happened to the recorder's clock."""

from __future__ import annotations

from trustseg.bounds import SECOND
from trustseg_lab.recordings.recorded_image import DEFAULT_RATE_HZ


class OnwardTime:
    """The times of recording of one stream, one after the other, as a clock that was not set.

    A clock that is set back, by NTP or by hand, writes what follows "before" what came first: durations between the two
    would be negative, and whoever waits for the recorded time to pass would wait for as long. What is recorded earlier
    than its predecessor by more than a period comes a period after it instead, and all that follows by as much later.
    Within a period it is the order of writing that jitters: time stands.

    Args:
        period_ns: between two messages of the stream, nanoseconds; of several streams together the default will do.

    Attributes:
        offset_ns: what is added to the recorded times from here on, nanoseconds.
    """

    def __init__(self, period_ns: int = round(SECOND / DEFAULT_RATE_HZ)) -> None:
        self._period_ns = period_ns
        self._last_ns: int | None = None
        self._taken = self._times = 0
        self._first = ""
        self.offset_ns = 0

    def of(self, recorded_ns: int) -> int:
        """The time, nanoseconds, of the next message, which was recorded at `recorded_ns`."""
        time_ns = recorded_ns + self.offset_ns
        if self._last_ns is not None and time_ns < self._last_ns:
            back_ns = self._last_ns - time_ns
            time_ns = self._last_ns
            if back_ns > self._period_ns:
                self.offset_ns += back_ns + self._period_ns
                time_ns += self._period_ns
                self._times += 1
                self._first = self._first or f"by {back_ns / SECOND:g} s behind {self._taken} messages"
        self._last_ns, self._taken = time_ns, self._taken + 1
        return time_ns

    def told(self) -> list[str]:
        """What to say of it, in one line; none where time never went back."""
        if not self._times:
            return []
        often = "" if self._times == 1 else f" {self._times} times, first"
        return [f"the times of recording go back{often} {self._first}: what follows is taken a period later"]
