# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From causes to records: how far back and on each reaches, and which causes share one. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, field

from trustseg_ros.blackbox.triggers import Cause

MOST_CAUSES = 1000  # that one record names; more are counted


@dataclass
class Event:
    """What one record is about.

    Attributes:
        begin_ns, end_ns: steady clock; the end moves when another cause comes.
        causes: the first ones. more_causes: how many were not kept.
    """

    begin_ns: int
    end_ns: int
    causes: list[Cause] = field(default_factory=list)
    more_causes: int = 0


class Events:
    """Joins causes whose records would overlap; one event at a time.

    An event stays open for `before_ns` after its end, because until then a new cause would reach back into it. It is
    never longer than `longest_ns`; a cause after that begins another record where this one ended.

    Args:
        before_ns, after_ns, longest_ns: of a record, nanoseconds.
    """

    def __init__(self, before_ns: int, after_ns: int, longest_ns: int) -> None:
        self._before_ns, self._after_ns, self._longest_ns = before_ns, after_ns, longest_ns
        self._ended_ns: int | None = None
        self.open: Event | None = None

    def add(self, cause: Cause) -> bool:
        """Whether `cause` begins an event; else it joins the one that is open."""
        event = self.open
        begun = event is None or cause.steady_ns > event.begin_ns + self._longest_ns
        if event is None or begun:
            self.close()
            begin_ns = cause.steady_ns - self._before_ns
            if self._ended_ns is not None:
                begin_ns = max(begin_ns, self._ended_ns + 1)
            self.open = event = Event(begin_ns, begin_ns)
        end_ns = min(cause.steady_ns + self._after_ns, event.begin_ns + self._longest_ns)
        event.end_ns = max(event.end_ns, end_ns)
        if len(event.causes) < MOST_CAUSES:
            event.causes.append(cause)
        else:
            event.more_causes += 1
        return begun

    def is_over(self, event: Event, now_ns: int) -> bool:
        """Whether nothing can join `event` any more and all of it has been heard."""
        if event is not self.open:
            return now_ns > event.end_ns
        return now_ns > min(event.end_ns + self._before_ns, event.begin_ns + self._longest_ns)

    def close(self, ended_ns: int | None = None) -> None:
        """End the open event, early where `ended_ns` says so; the next one does not reach back beyond that."""
        if self.open is not None:
            self._ended_ns = self.open.end_ns if ended_ns is None else ended_ns
            self.open = None

    def lose(self, event: Event) -> None:
        """Forget an event of which there is no record: the next one may reach back into it."""
        if self.open is event:
            self.open = None
        self._ended_ns = None
