# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The numbers of an image topic's samples tell what the node never got to see, and two writers at once."""

from __future__ import annotations

from typing import Any

import pytest
from rclpy.subscription import Subscription

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg_ros.segmenter.input.arrivals import MOST_MISSED, WINDOWS, Arrivals

BOUNDS = derive_bounds(SECOND // 10, 250 * MS)


@pytest.mark.parametrize(
    ("numbers", "missed"),
    [
        ([], 0),
        ([7], 0),
        ([1, 2, 3], 0),
        ([1, 3], 1),
        ([5, 9, 10, 12], 4),
        ([8, 1, 2], 0),  # another writer, or the same one restarted
        ([8, 1, 3], 1),
        ([None, 4, None, 6], 1),
        ([1, 2 + MOST_MISSED], MOST_MISSED),
        ([1, 3 + MOST_MISSED, 5 + MOST_MISSED], 1),
    ],
)
def test_gaps_in_the_numbers_are_counted(numbers: list[int | None], missed: int) -> None:
    arrivals = Arrivals(BOUNDS)
    for number in numbers:
        arrivals.note(number)
    assert arrivals.missed == missed


class Writers:
    """Images of several writers, each with its own count, as they arrive at one reader; time in milliseconds."""

    def __init__(self) -> None:
        self.now_ms = 0
        self.arrivals = Arrivals(BOUNDS, lambda: self.now_ms * MS)

    def send(self, *numbers: int, every_ms: int = 100) -> bool:
        for number in numbers:
            self.now_ms += every_ms
            self.arrivals.note(number)
        return self.arrivals.interleaved()


def test_a_writer_that_takes_over_from_a_dead_one_is_no_second_one() -> None:
    made = Writers()
    assert not made.send(*range(100, 120))
    assert not made.send(*range(1, 140))  # past the number that the dead one reached
    assert not made.send(*range(1, 5), every_ms=20)


@pytest.mark.parametrize("ahead", [0, 1, 50, 5000])
@pytest.mark.parametrize("lost", [(), (7, 8), (6, 11)])
def test_two_writers_at_once_are_found_within_two_frames_of_each(ahead: int, lost: tuple[int, ...]) -> None:
    made = Writers()
    made.send(*range(200, 210))
    both = [number for k in range(10) for number in (210 + k, 210 - ahead + k)]
    found = [made.send(number, every_ms=50) for k, number in enumerate(both) if k not in lost]
    assert found.index(True) <= 5
    assert all(found[5:])


def test_a_second_writer_that_is_slower_than_the_first_is_found_and_forgotten_when_it_ends() -> None:
    made = Writers()
    for second in range(4):
        found = made.send(*range(1000 + 10 * second, 1010 + 10 * second), 1 + second)
    assert found
    assert made.send(*range(1040, 1041 + 10 * WINDOWS - 12))
    assert not made.send(*range(1060, 1080))


def test_without_numbers_nothing_is_claimed() -> None:
    arrivals = Arrivals(BOUNDS)
    assert arrivals.numbered
    arrivals.note(None)
    assert not arrivals.numbered
    assert not arrivals.interleaved()


def test_a_watched_callback_gets_each_message_and_its_number_is_noted() -> None:
    arrivals = Arrivals(BOUNDS)
    heard: list[Any] = []
    take = arrivals.watched(heard.append)
    for number in (4, 7):
        take(f"image {number}", {"publication_sequence_number": number, "source_timestamp": 1})
    assert (heard, arrivals.missed, arrivals.numbered) == (["image 4", "image 7"], 2, True)
    take("image without a number", {})
    assert (heard[-1], arrivals.numbered) == ("image without a number", False)


def test_where_the_middleware_gives_no_numbers_the_callback_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Humble's rclpy has no second argument for it."""
    monkeypatch.delattr(Subscription, "CallbackType")
    arrivals = Arrivals(BOUNDS)
    heard: list[Any] = []
    callback = heard.append
    assert arrivals.watched(callback) is callback
    assert not arrivals.numbered


def test_two_falls_count_within_two_windows_and_no_longer() -> None:
    for apart_ms, expected in ((0, True), (1, False)):
        made = Writers()
        made.send(10, 5)
        made.now_ms += WINDOWS * BOUNDS.rate_window_ns // MS - 100 + apart_ms
        assert made.send(4) is expected


def test_by_itself_it_goes_by_the_machines_clock() -> None:
    arrivals = Arrivals(BOUNDS)
    for number in (10, 9, 8):
        arrivals.note(number)
    assert arrivals.interleaved()
