# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The slot for the newest frame: one waits, a newer one overtakes it, and none is lost between threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from patience import WAIT_S
from trustseg_ros.segmenter.latest_slot import LatestSlot

T = TypeVar("T")


def soon(call: Callable[[], T]) -> T:
    """What a call that may wait gives: a slot that nobody wakes up fails its test, and does not hold it up."""
    given: list[T] = []
    waiter = threading.Thread(target=lambda: given.append(call()), daemon=True)
    waiter.start()
    waiter.join(WAIT_S)
    assert given, "nobody came back from the slot"
    return given[0]


def test_the_newest_item_overtakes_and_the_overtaken_one_comes_back() -> None:
    slot: LatestSlot[int] = LatestSlot()
    assert slot.put(1) is None
    assert slot.put(2) == 1
    assert soon(slot.take) == 2
    assert slot.put(3) is None


def test_a_closed_slot_gives_back_what_waits_and_takes_nothing() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    assert slot.close() == 1
    assert slot.put(2) == 2
    assert soon(slot.take) is None


def test_closing_wakes_a_worker_that_waits() -> None:
    slot: LatestSlot[int] = LatestSlot()
    taken: list[int | None] = []
    worker = threading.Thread(target=lambda: taken.append(slot.take()), daemon=True)
    worker.start()
    slot.close()
    worker.join(WAIT_S)
    assert taken == [None]


def test_what_waits_is_given_up_where_it_is_wanted() -> None:
    slot: LatestSlot[int] = LatestSlot()
    assert slot.give_up(lambda item: True) is None
    slot.put(1)
    assert slot.give_up(lambda item: item > 1) is None
    assert slot.give_up(lambda item: item == 1) == 1
    slot.put(2)
    assert soon(slot.take) == 2


def test_whoever_waits_can_be_woken_for_something_else() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.wake()
    assert not soon(lambda: slot.wait(None))
    slot.put(1)
    slot.wake()
    assert soon(lambda: slot.wait(None))
    slot.close()
    assert soon(lambda: slot.wait(None))


def test_one_call_wakes_one_wait() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.wake()
    assert not soon(lambda: slot.wait(None))
    found: list[bool] = []
    waiter = threading.Thread(target=lambda: found.append(slot.wait(None)), daemon=True)
    waiter.start()
    waiter.join(0.05)  # it waits on: nothing has come since
    assert found == []
    slot.put(1)
    waiter.join(WAIT_S)
    assert found == [True]


def test_a_wait_ends_with_its_time_where_nothing_comes() -> None:
    slot: LatestSlot[int] = LatestSlot()
    assert not soon(lambda: slot.wait(0.0))
    slot.put(1)
    assert soon(lambda: slot.wait(0.0))
    assert soon(slot.take) == 1
    assert not soon(lambda: slot.wait(0.0))


def test_no_item_is_lost_or_doubled_between_threads() -> None:
    slot: LatestSlot[int] = LatestSlot()
    taken: list[int] = []

    def work() -> None:
        while (item := slot.take()) is not None:
            taken.append(item)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    overtaken = [old for old in (slot.put(i) for i in range(2000)) if old is not None]
    left = slot.close()
    worker.join(WAIT_S)
    assert sorted([*taken, *overtaken, *([] if left is None else [left])]) == list(range(2000))
