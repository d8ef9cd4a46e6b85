# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which causes share a record, and from when to when it is. Times in nanoseconds, small for the arithmetic."""

from __future__ import annotations

from trustseg_ros.blackbox.event import MOST_CAUSES, Event, Events
from trustseg_ros.blackbox.triggers import FLAG, Cause

BEFORE, AFTER, LONGEST = 10, 5, 40


def at(time_ns: int) -> Cause:
    return Cause(FLAG, str(time_ns), time_ns, time_ns)


def opened(events: Events) -> Event:
    assert events.open is not None
    return events.open


def test_one_cause_reaches_back_and_on() -> None:
    events = Events(BEFORE, AFTER, LONGEST)
    assert events.add(at(100))
    event = opened(events)
    assert (event.begin_ns, event.end_ns) == (90, 105)
    # At 115 a cause would still reach back to 105.
    assert not events.is_over(event, 115)
    assert events.is_over(event, 116)


def test_causes_whose_records_overlap_share_one() -> None:
    events = Events(BEFORE, AFTER, LONGEST)
    events.add(at(100))
    event = opened(events)
    assert not events.add(at(103))
    assert (event.begin_ns, event.end_ns) == (90, 108)
    assert not events.add(at(118))
    assert (event.begin_ns, event.end_ns) == (90, 123)
    assert [each.detail for each in event.causes] == ["100", "103", "118"]


def test_a_record_ends_at_its_longest_and_the_next_begins_where_it_ended() -> None:
    events = Events(BEFORE, AFTER, LONGEST)
    events.add(at(100))
    first = opened(events)
    events.add(at(128))
    assert first.end_ns == 130  # not 133: 40 from 90 on
    assert events.is_over(first, 131)
    assert not events.is_over(first, 130)
    assert events.add(at(131))
    second = opened(events)
    assert (second.begin_ns, second.end_ns) == (131, 136)
    # The first one is closed: it waits for its own end only.
    assert events.is_over(first, 131)


def test_a_cause_after_the_end_begins_its_own_record_and_repeats_nothing() -> None:
    events = Events(BEFORE, AFTER, LONGEST)
    events.add(at(100))
    events.close()
    assert events.add(at(112))
    assert opened(events).begin_ns == 106
    events.close()
    events.add(at(500))
    assert opened(events).begin_ns == 490


def test_a_storm_of_causes_is_counted() -> None:
    events = Events(BEFORE, AFTER, LONGEST)
    for _ in range(MOST_CAUSES + 3):
        events.add(at(100))
    assert len(opened(events).causes) == MOST_CAUSES
    assert opened(events).more_causes == 3


def test_a_record_that_ends_early_or_is_lost_leaves_its_time_to_the_next_one() -> None:
    events = Events(BEFORE, AFTER, LONGEST)
    events.add(at(100))
    events.close(102)
    events.add(at(104))
    assert opened(events).begin_ns == 103
    events.lose(opened(events))
    assert events.open is None
    assert events.add(at(106))
    assert opened(events).begin_ns == 96
