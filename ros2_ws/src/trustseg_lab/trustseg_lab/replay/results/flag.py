# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The failure flag over a drive: when it was up and why, from the changes of the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field

from trustseg.bounds import SECOND
from trustseg.reasons import Reason, State
from trustseg_lab.replay.timeline import Change


@dataclass
class Failure:
    """One time during which the flag was up.

    Attributes:
        start_ns, end_ns: recorded time; `end_ns` is the end of the drive where the flag stayed up.
        start_seq: status that raised it, 0 where silence did.
        states: the verdict's states in order.
        reasons: all of them.
        first_reason: what raised it.
        open: still up at the end.
    """

    start_ns: int
    start_seq: int
    first_reason: str
    end_ns: int = 0
    states: list[State] = field(default_factory=list)
    reasons: Reason = Reason.NONE
    open: bool = True

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return (self.end_ns - self.start_ns) / SECOND


@dataclass
class FlagTrack:
    """Sums up the flag. What is UNKNOWN at the beginning, until trust is earned, is start-up and no failure.

    Attributes:
        failures: in order.
        start_up_ns: how long the flag was up before the first OK or the first fault.
        changes: the newest verdicts in order, at most `keep` of them.
    """

    keep: int = 2000
    failures: list[Failure] = field(default_factory=list)
    start_up_ns: int = 0
    changes: list[Change] = field(default_factory=list)
    changes_in_all: int = 0
    _start_ns: int | None = None
    _starting: bool = True

    def add(self, change: Change, seq: int) -> Failure | None:
        """Take one change of the verdict; `seq` is the status that made it. Returns a failure that begins with it."""
        verdict = change.verdict
        self.changes_in_all += 1
        if len(self.changes) < self.keep:
            self.changes.append(change)
        if self._start_ns is None:
            self._start_ns = change.time_ns
        if self._starting:
            if verdict.state is State.UNKNOWN:
                return None
            self._starting, self.start_up_ns = False, change.time_ns - self._start_ns
        current = self.failures[-1] if self.failures and self.failures[-1].open else None
        if not verdict.failure:
            if current is not None:
                current.end_ns, current.open = change.time_ns, False
            return None
        begun = current is None
        if current is None:
            by_silence = verdict.state is State.STALE
            current = Failure(change.time_ns, 0 if by_silence else seq, verdict.first_reason)
            self.failures.append(current)
        if not current.states or current.states[-1] is not verdict.state:
            current.states.append(verdict.state)
        current.reasons |= verdict.reasons & ~Reason.RECOVERING
        return current if begun else None

    def finish(self, end_ns: int) -> None:
        """The drive ends at `end_ns`."""
        if self._starting and self._start_ns is not None:
            self.start_up_ns = end_ns - self._start_ns
        if self.failures and self.failures[-1].open:
            self.failures[-1].end_ns = end_ns

    def up_ns(self) -> int:
        """How long the flag was up after start-up; after `finish`."""
        return sum(each.end_ns - each.start_ns for each in self.failures)
