# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The ring: what it holds by hand arithmetic, and its capacity whatever is done to it."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from trustseg_ros.blackbox.message_ring import ENTRY_BYTES, LATCHED_SHARE, Entry, Ring

SECOND = 1_000_000_000


def entry(at_s: float, size: int = 100, topic: str = "/a") -> Entry:
    """A message that counts for `size` bytes and ENTRY_BYTES."""
    return Entry(topic, "p/msg/T", bytes(size), round(at_s * SECOND), round(at_s * SECOND))


def times(entries: list[Entry]) -> list[float]:
    return [each.steady_ns / SECOND for each in entries]


def test_what_is_older_than_the_window_goes() -> None:
    ring = Ring(1 << 20, 2 * SECOND)
    for at_s in (0.0, 1.0, 2.0, 3.0):
        ring.add(entry(at_s))
    assert ring.begin(0) == []
    assert times(ring.take(10 * SECOND, 1 << 20)) == [1.0, 2.0, 3.0]
    assert ring.size == 3 * (100 + ENTRY_BYTES)
    assert ring.span_ns == 2 * SECOND


def test_the_oldest_goes_where_memory_ends() -> None:
    ring = Ring(3 * (100 + ENTRY_BYTES), 100 * SECOND)
    for at_s in range(5):
        ring.add(entry(at_s))
    ring.begin(0)
    assert times(ring.take(10 * SECOND, 1 << 20)) == [2.0, 3.0, 4.0]
    assert sum(ring.missed.values()) == 0


def test_a_message_larger_than_the_memory_is_counted_and_costs_no_other() -> None:
    ring = Ring(1000, SECOND)
    ring.add(entry(0.0))
    ring.add(entry(0.1, size=1000, topic="/large"))
    assert len(ring) == 1
    assert dict(ring.refused) == {"/large": 1}


def test_a_record_begins_where_it_is_to_and_takes_each_message_once() -> None:
    ring = Ring(1 << 20, 10 * SECOND)
    for at_s in range(5):
        ring.add(entry(at_s))
    ring.begin(2 * SECOND)
    assert times(ring.take(3 * SECOND, 1 << 20)) == [2.0, 3.0]
    assert ring.take(3 * SECOND, 1 << 20) == []
    ring.add(entry(5))
    assert times(ring.take(9 * SECOND, 1 << 20)) == [4.0, 5.0]
    ring.end()
    assert ring.take(9 * SECOND, 1 << 20) == []


def test_what_a_record_has_not_taken_outlives_the_window_but_not_the_memory() -> None:
    ring = Ring(4 * (100 + ENTRY_BYTES), SECOND)
    ring.add(entry(0))
    ring.begin(0)
    for at_s in (5, 6, 7):
        ring.add(entry(at_s))
    assert len(ring) == 4
    ring.add(entry(8, topic="/b"))
    ring.add(entry(9, topic="/b"))
    assert dict(ring.missed) == {"/a": 2}
    assert times(ring.take(9 * SECOND, 1 << 20)) == [6.0, 7.0, 8.0, 9.0]
    # Taken and too old: the window holds again.
    ring.add(entry(10))
    assert len(ring) == 2


def test_what_is_held_for_a_record_that_begins_later_stays() -> None:
    ring = Ring(4 * (100 + ENTRY_BYTES), SECOND)
    for at_s in (0.0, 0.5, 1.0, 1.5):
        ring.add(entry(at_s))
    ring.hold(round(0.9 * SECOND))
    ring.hold(2 * SECOND)
    ring.add(entry(9))
    assert len(ring) == 3
    ring.add(entry(10))
    ring.add(entry(11, topic="/b"))
    assert dict(ring.missed) == {"/a": 1}  # memory ended
    ring.begin(round(0.9 * SECOND))
    assert times(ring.take(20 * SECOND, 1 << 20)) == [1.5, 9.0, 10.0, 11.0]
    ring.end()
    assert len(ring) == 2
    assert not ring.missed


def test_a_batch_ends_at_its_size_but_has_at_least_one() -> None:
    ring = Ring(1 << 20, 100 * SECOND)
    for at_s in range(4):
        ring.add(entry(at_s))
    ring.begin(0)
    assert len(ring.take(9 * SECOND, 2 * (100 + ENTRY_BYTES))) == 2
    assert len(ring.take(9 * SECOND, 1)) == 1


def test_what_is_said_once_outlives_the_window_and_comes_in_no_record_twice() -> None:
    ring = Ring(1 << 20, SECOND)
    ring.add_latched(entry(0, topic="/tf_static"), depth=2)
    ring.add_latched(entry(1, topic="/tf_static"), depth=2)
    ring.add_latched(entry(2, topic="/tf_static"), depth=2)
    ring.add(entry(9))
    assert times(ring.begin(8 * SECOND)) == [1.0, 2.0]
    assert times(ring.take(9 * SECOND, 1 << 20)) == [9.0]
    ring.end()
    ring.add_latched(entry(9.5, topic="/tf_static"), depth=2)
    assert times(ring.begin(8 * SECOND)) == [2.0]
    assert times(ring.take(10 * SECOND, 1 << 20)) == [9.0, 9.5]


class AnyUse(RuleBasedStateMachine):
    """Whatever comes in whatever order: the capacity holds, the sum is right, a record has every message in order."""

    @initialize(capacity=st.integers(600, 20_000), keep_s=st.integers(1, 20))
    def begin_with(self, capacity: int, keep_s: int) -> None:
        self.ring = Ring(capacity, keep_s * SECOND)
        self.now_s, self.count = 0.0, 0
        self.added: list[Entry] = []
        self.taken: list[Entry] | None = None
        self.missed_before = 0

    @rule(size=st.integers(0, 4000), step_s=st.floats(0, 5), latched=st.booleans(), depth=st.integers(1, 3))
    def add(self, size: int, step_s: float, latched: bool, depth: int) -> None:
        self.now_s += step_s
        topic = "/latched" if latched else "/a"
        new = Entry(topic, "p/msg/T", bytes(size), round(self.now_s * SECOND), self.count)
        self.count += 1
        refused = sum(self.ring.refused.values())
        if latched:
            self.ring.add_latched(new, depth)
        else:
            self.ring.add(new)
        if sum(self.ring.refused.values()) == refused:
            self.added.append(new)

    @precondition(lambda self: self.taken is None)
    @rule(back_s=st.floats(0, 10))
    def begin(self, back_s: float) -> None:
        from_ns = round((self.now_s - back_s) * SECOND)
        self.ring.begin(from_ns)
        self.wanted = [each for each in self.ring._entries if each.steady_ns >= from_ns]
        self.first_new = self.count
        self.taken = []

    @rule(most=st.integers(1, 5000))
    def take(self, most: int) -> None:
        batch = self.ring.take(round(self.now_s * SECOND), most)
        if self.taken is None:
            assert batch == []
            return
        assert len(batch) <= 1 or sum(each.size for each in batch) <= most
        self.taken += batch

    @rule()
    def end(self) -> None:
        if self.taken is not None:
            while batch := self.ring.take(round(self.now_s * SECOND), 1000):
                self.taken += batch
            due = self.wanted + [each for each in self.added if each.log_ns >= self.first_new]
            numbers = [each.log_ns for each in self.taken]
            assert numbers == sorted(set(numbers))
            assert set(numbers) <= {each.log_ns for each in due}
            assert len(due) - len(numbers) == sum(self.ring.missed.values())
        self.taken = None
        self.ring.end()

    @invariant()
    def holds(self) -> None:
        if not hasattr(self, "ring"):
            return
        ring = self.ring
        held = [*ring._entries, *(each for kept in ring._latched.values() for each in kept)]
        assert ring.size == sum(each.size for each in held) <= ring.capacity
        latched = sum(each.size for kept in ring._latched.values() for each in kept)
        assert latched <= ring.capacity * LATCHED_SHARE
        if self.taken is None and ring._entries:
            assert ring._entries[-1].steady_ns - ring._entries[0].steady_ns <= ring.keep_ns


TestAnyUse = AnyUse.TestCase
TestAnyUse.settings = settings(max_examples=25, stateful_step_count=30)
