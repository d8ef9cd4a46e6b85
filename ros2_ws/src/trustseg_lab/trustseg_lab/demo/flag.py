# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The failure flag over time, as somebody who listens to the monitor sees it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from trustseg.bounds import SECOND
from trustseg.reasons import Reason, State
from trustseg_lab.harness.records import VerdictRecord

# The monitor speaks at 50 Hz: half a second without a word is its silence and not a hiccup of the listener.
SILENCE_NS = 500_000_000


@dataclass(frozen=True)
class FlagView:
    """What a listener holds to be true at one moment."""

    up: bool
    state: State
    reasons: Reason


SILENT = FlagView(True, State.UNKNOWN, Reason.NONE)


class FlagTimeline:
    """The verdicts of one drive, looked up by time; before the first one and in a silence the flag is up."""

    def __init__(self, verdicts: Sequence[VerdictRecord]) -> None:
        self._verdicts = sorted(verdicts, key=lambda v: v.received_ns)
        self._times = [v.received_ns for v in self._verdicts]

    def at(self, time_ns: int) -> FlagView:
        """What holds at `time_ns`."""
        index = bisect_right(self._times, time_ns) - 1
        if index < 0 or time_ns - self._times[index] > SILENCE_NS:
            return SILENT
        verdict = self._verdicts[index]
        return FlagView(verdict.failure, State(verdict.state), Reason(verdict.reasons))

    def _edges(self, from_ns: int, to_ns: int) -> list[int]:
        """Times within [from, to) at which the view can change, `from` first."""
        edges = {from_ns}
        for index in range(max(0, bisect_right(self._times, from_ns) - 1), bisect_left(self._times, to_ns)):
            start, silent = self._times[index], self._times[index] + SILENCE_NS + 1
            spoke_again = index + 1 < len(self._times) and self._times[index + 1] <= silent
            if start > from_ns:
                edges.add(start)
            if from_ns < silent < to_ns and not spoke_again:
                edges.add(silent)
        return sorted(edges)

    def first_up(self, from_ns: int, to_ns: int) -> int | None:
        """First time within [from, to) at which the flag is up."""
        return next((edge for edge in self._edges(from_ns, to_ns) if self.at(edge).up), None)

    def first_down(self, from_ns: int, to_ns: int) -> int | None:
        """First time within [from, to) at which the flag is down."""
        return next((edge for edge in self._edges(from_ns, to_ns) if not self.at(edge).up), None)

    def up_seconds(self, from_ns: int, to_ns: int) -> float:
        """Seconds within [from, to) for which the flag is up."""
        edges = [*self._edges(from_ns, to_ns), to_ns]
        return sum(b - a for a, b in pairwise(edges) if self.at(a).up) / SECOND

    def reasons(self, from_ns: int, to_ns: int) -> list[str]:
        """Names of the reasons given within [from, to) while the flag was up, in the order in which they came."""
        names: dict[str, None] = {}
        for edge in self._edges(from_ns, to_ns):
            view = self.at(edge)
            if view.up:
                names.update(dict.fromkeys((view.reasons & ~Reason.RECOVERING).names()))
        return list(names)
