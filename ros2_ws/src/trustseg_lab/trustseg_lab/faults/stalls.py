# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Alarms that a machine makes by standing still for a moment, told apart from alarms of the chain. Pure.

A virtual machine's processors are taken away now and then for tens of milliseconds. A flag that rises then is right: a
planner had no verdict in time. It says nothing of the chain, which a row of false alarms is to judge.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from trustseg.bounds import SECOND, Bounds
from trustseg_lab.faults.trial_verdict import Moment

# The flag comes down after half a second and ten good frames: what is up for longer has a cause of its own.
LONGEST_NS = 2 * SECOND


@dataclass(frozen=True)
class Stall:
    """A processor did nothing for anybody from `begun_ns` to `ended_ns`, steady clock."""

    cpu: int
    begun_ns: int
    ended_ns: int

    @property
    def lasted_ns(self) -> int:
        """Its length, nanoseconds."""
        return self.ended_ns - self.begun_ns


def long_ones(stalls: Iterable[Stall], bounds: Bounds) -> list[Stall]:
    """Stalls of a tick or more: a whole verdict of the monitor is lost in one."""
    return [each for each in stalls if each.lasted_ns >= bounds.tick_ns]


def without_stalls(moments: Sequence[Moment], stalls: Sequence[Stall], bounds: Bounds) -> list[Moment]:
    """`moments` with the flag down wherever it rose within the bound of detection after a long stall had begun.

    An alarm that lasts longer than `LONGEST_NS`, and one that was up at the beginning or is at the end, stay.

    Args:
        moments: in order; each holds until the next. stalls: of any processor. bounds: of the system that was watched.
    """
    told, alarm = list(moments), list[int]()
    for index, moment in enumerate(moments):
        if moment.failure:
            alarm.append(index)
            continue
        begun_ns = moments[alarm[0]].at_ns if alarm else moment.at_ns
        if alarm and alarm[0] > 0 and moment.at_ns - begun_ns <= LONGEST_NS and _explained(begun_ns, stalls, bounds):
            for each in alarm:
                told[each] = replace(moments[each], failure=False)
        alarm.clear()
    return told


def chance(stalls: Sequence[Stall], bounds: Bounds, watched_ns: int) -> float:
    """Share of the time, 0 to 1, in which an alarm would be put down to a stall, were it there by chance."""
    covered_ns = newest_ns = 0
    for stall in sorted(long_ones(stalls, bounds), key=lambda each: each.begun_ns):
        end_ns = stall.ended_ns + bounds.detection_ns
        covered_ns += max(0, end_ns - max(stall.begun_ns, newest_ns))
        newest_ns = max(newest_ns, end_ns)
    return min(1.0, covered_ns / watched_ns) if watched_ns else 1.0


def _explained(at_ns: int, stalls: Sequence[Stall], bounds: Bounds) -> bool:
    return any(each.begun_ns <= at_ns <= each.ended_ns + bounds.detection_ns for each in long_ones(stalls, bounds))
