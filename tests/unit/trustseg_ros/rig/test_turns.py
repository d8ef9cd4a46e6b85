# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The turns of cameras that share an engine: the one served longest ago is next, and nobody waits for long."""

from __future__ import annotations

import queue
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patience import WAIT_S
from trustseg_ros.rig.turns import FairOrder, Turns

CAMERAS = ("front", "left", "right", "rear")
# Whatever arrives: a camera's frame, or (None) the end of a turn, which lets the next one begin.
EVENTS = st.lists(st.one_of(st.none(), st.sampled_from(CAMERAS)), max_size=60)


@given(EVENTS)
def test_the_camera_that_was_served_longest_ago_is_next(events: list[str | None]) -> None:
    order, history = FairOrder(CAMERAS), list[str]()
    for event in events:
        if event is not None:
            order.ask(event)
        elif order.waiting:
            waiting = {each.camera for each in order.waiting}
            # Turns since each was served; longer than any where it never was, then as named.
            since = {
                name: history[::-1].index(name) if name in history else len(history) + len(CAMERAS) - place
                for place, name in enumerate(CAMERAS)
            }
            ticket = order.next()
            assert since[ticket.camera] == max(since[name] for name in waiting)
            # Of one camera the earlier request.
            assert ticket == next(each for each in order.waiting if each.camera == ticket.camera)
            order.serve(ticket)
            history.append(ticket.camera)


@given(EVENTS)
def test_no_camera_waits_for_more_turns_than_there_are_others(events: list[str | None]) -> None:
    order, turns_seen = FairOrder(CAMERAS), dict[str, int]()
    for event in events:
        if event is not None:
            order.ask(event)
            turns_seen.setdefault(event, 0)
        elif order.waiting:
            served = order.next()
            order.serve(served)
            for name in turns_seen:
                turns_seen[name] += name != served.camera
            assert max(turns_seen.values()) <= len(CAMERAS) - 1
            turns_seen.pop(served.camera)
            if any(each.camera == served.camera for each in order.waiting):
                turns_seen[served.camera] = 0  # its next request is the first of the camera from here on


def test_a_fast_camera_is_served_once_between_two_turns_of_the_others() -> None:
    """By hand: front asks at once whenever it was served; left and right ask once."""
    order, served = FairOrder(("front", "left", "right")), list[str]()
    order.serve(order.ask("front"))  # its turn is under way
    for name in ("front", "left", "right"):
        order.ask(name)
    while order.waiting:
        ticket = order.next()
        order.serve(ticket)
        served.append(ticket.camera)
        if ticket.camera == "front" and len(served) < 6:
            order.ask("front")
    assert served == ["left", "right", "front", "front", "front", "front"]


def test_requests_of_one_camera_are_numbered_and_served_in_the_order_in_which_they_came() -> None:
    order = FairOrder(("front", "rear"))
    tickets = [order.ask("front") for _ in range(3)]
    assert [ticket.number for ticket in tickets] == [1, 2, 3]
    for ticket in tickets:
        assert order.next() == ticket
        order.serve(ticket)
    assert (order.ask("front").number, order.waiting[0].camera) == (4, "front")


def test_nobody_is_served_who_is_no_camera() -> None:
    turns = Turns(CAMERAS)
    with pytest.raises(KeyError), turns.turn("top"):
        pass
    with turns.turn("front"):
        pass
    with pytest.raises(ValueError, match="empty"):
        FairOrder(CAMERAS).next()


class Threads:
    """Threads of cameras, each of which holds its turn until it is told to end it."""

    def __init__(self) -> None:
        self.turns = Turns(CAMERAS)
        self.entered: queue.Queue[str] = queue.Queue()
        self.inside = 0
        self.most_inside = 0
        self._end = {name: threading.Semaphore(0) for name in CAMERAS}
        self._threads: list[threading.Thread] = []

    def ask(self, name: str, waiting: int) -> None:
        """Begin a thread that asks; until so many wait."""
        self._threads.append(threading.Thread(target=self._run, args=(name,)))
        self._threads[-1].start()
        changed = self.turns._changed
        deadline_left = WAIT_S
        with changed:
            while len(self.turns._order.waiting) != waiting and deadline_left > 0:
                changed.wait(0.01)  # asking tells nobody
                deadline_left -= 0.01
        assert len(self.turns._order.waiting) == waiting

    def end(self, name: str) -> None:
        self._end[name].release()

    def next(self) -> str:
        return self.entered.get(timeout=WAIT_S)

    def join(self) -> None:
        for each in self._threads:
            each.join(WAIT_S)
            assert not each.is_alive()

    def _run(self, name: str) -> None:
        with self.turns.turn(name):
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            self.entered.put(name)
            assert self._end[name].acquire(timeout=WAIT_S)
            self.inside -= 1


def test_threads_take_turns_one_at_a_time() -> None:
    threads = Threads()
    threads.ask("right", waiting=0)
    assert threads.next() == "right"
    threads.ask("right", waiting=1)
    threads.ask("rear", waiting=2)
    threads.ask("left", waiting=3)
    for name in ("right", "left", "rear", "right"):
        threads.end(name)
    assert [threads.next() for _ in range(3)] == ["left", "rear", "right"]
    threads.join()
    assert threads.most_inside == 1


def test_a_turn_that_raises_ends_all_the_same() -> None:
    turns = Turns(CAMERAS)
    with pytest.raises(RuntimeError, match="broken"), turns.turn("front"):
        raise RuntimeError("broken")
    passed = threading.Event()

    def run() -> None:
        with turns.turn("left"):
            passed.set()

    threading.Thread(target=run, daemon=True).start()
    assert passed.wait(WAIT_S)
