# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The vote over frames: arithmetic by hand, what it may never do, and what ends the past."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg.temporal_filter import MAX_WEIGHT, TemporalFilter

ROAD, CAR, SKY = 3, 8, 0
PERIOD_NS, SIZE = 100, (20, 40)


class Pixels:
    """A filter that is fed with rows of pixels, 100 ns apart."""

    def __init__(self, weight: float) -> None:
        self.filter = TemporalFilter(weight, 3 * PERIOD_NS)
        self.stamp_ns = 0

    def see(
        self, labels: list[int], confidence: list[int], step_ns: int = PERIOD_NS, size: tuple[int, int] = SIZE
    ) -> tuple[list[int], list[int]]:
        self.stamp_ns += step_ns
        given = np.array([labels], np.uint8), np.array([confidence], np.uint8)
        shown, told = self.filter.apply(*given, self.stamp_ns, size)
        return shown[0].tolist(), told[0].tolist()


class Overheard(TemporalFilter):
    """Another thread forgets just when this one has looked whether anything was forgotten."""

    comes_between = False

    @property
    def _forgotten(self) -> object:
        seen = self.__dict__["kept"]
        if self.comes_between:
            self.comes_between = False
            self.forget()
        return seen

    @_forgotten.setter
    def _forgotten(self, value: object) -> None:
        self.__dict__["kept"] = value


def test_one_pixel_by_hand() -> None:
    """Weight a half: evidence 200; 100 + 120; 110 - 90; 10 against 40."""
    pixels = Pixels(0.5)
    assert pixels.see([ROAD], [200]) == ([ROAD], [200])
    assert pixels.see([ROAD], [120]) == ([ROAD], [120])  # held 100, evidence 220
    assert pixels.see([CAR], [90]) == ([ROAD], [0])  # held 110 against 90, evidence 20
    assert pixels.see([CAR], [10]) == ([ROAD], [0])  # held 10: no less than 10, evidence 0
    assert pixels.see([CAR], [1]) == ([CAR], [1])
    assert pixels.see([ROAD], [40]) == ([ROAD], [40])


def test_every_pixel_follows_the_rule_that_is_written_down() -> None:
    random = np.random.default_rng(5)
    for weight in (0.1, 0.5, 0.95):
        made, stamp_ns = TemporalFilter(weight, 300), 0
        held_class = evidence = np.zeros((6, 7), int)
        for number in range(40):
            labels, confidence = (random.integers(0, top, (6, 7)).astype(np.uint8) for top in (3, 256))
            stamp_ns += 100
            shown, told = made.apply(labels, confidence, stamp_ns, SIZE)
            if not number:
                held_class, evidence = labels.astype(int), confidence.astype(int)
                continue
            p, left = confidence.astype(int), np.floor(weight * evidence).astype(int)
            same, stronger = labels == held_class, confidence > left
            evidence = np.where(same, np.minimum(255, left + p), np.where(stronger, p, left - p))
            held_class = np.where(stronger, labels, held_class)
            assert np.array_equal(shown, held_class)
            assert np.array_equal(told, np.where(same | stronger, p, 0))


@pytest.mark.parametrize("weight", [0.3, 0.5, 0.7, 0.95])
def test_an_object_that_a_frame_is_surer_of_than_the_weight_is_seen_in_that_frame(weight: float) -> None:
    sure = math.floor(weight * 255) + 1
    pixels = Pixels(weight)
    for _ in range(100):
        pixels.see([ROAD, ROAD], [255, 255])
    assert pixels.see([CAR, CAR], [sure, sure - 1]) == ([CAR, ROAD], [sure, 0])


@pytest.mark.parametrize("weight", [0.3, 0.7, 0.95])
def test_nothing_is_held_for_ever(weight: float) -> None:
    """Even frames that are sure of nothing end the past: 255 x weight^n falls below 1."""
    pixels = Pixels(weight)
    for _ in range(5):
        pixels.see([ROAD], [255])
    frames = next(n for n in range(1, 1000) if pixels.see([CAR], [1]) == ([CAR], [1]))
    assert frames <= math.ceil(math.log(1 / 255) / math.log(weight)) + 1


def test_no_confidence_is_ever_higher_than_the_frames_own() -> None:
    random, made = np.random.default_rng(2), TemporalFilter(0.9, 300)
    for number in range(1, 50):
        labels, confidence = (random.integers(0, top, (8, 8)).astype(np.uint8) for top in (4, 200))
        shown, told = made.apply(labels, confidence, 100 * number, SIZE)
        assert (told <= confidence).all()
        assert (told[shown != labels] == 0).all()
        assert (told[shown == labels] == confidence[shown == labels]).all()


def test_a_past_that_was_sure_does_not_raise_a_frame_that_is_not() -> None:
    pixels = Pixels(0.9)
    for _ in range(10):
        pixels.see([ROAD, SKY], [255, 255])
    assert pixels.see([ROAD, SKY], [0, 3]) == ([ROAD, SKY], [0, 3])


def test_arrays_are_neither_changed_nor_shared() -> None:
    made = TemporalFilter(0.9, 300)
    first = np.full((2, 2), ROAD, np.uint8), np.full((2, 2), 255, np.uint8)
    assert made.apply(*first, 100, SIZE) == first  # the arrays themselves: nothing to wait for
    second = np.full((2, 2), CAR, np.uint8), np.full((2, 2), 9, np.uint8)
    shown, told = made.apply(*second, 200, SIZE)
    made.apply(np.full((2, 2), SKY, np.uint8), np.full((2, 2), 250, np.uint8), 300, SIZE)
    assert [each.max() for each in (*first, *second, shown, told)] == [ROAD, 255, CAR, 9, ROAD, 0]


@pytest.mark.parametrize(
    ("step_ns", "size", "held"),
    [
        (1, SIZE, True), (300, SIZE, True), (301, SIZE, False), (0, SIZE, False), (-50, SIZE, False),
        (100, (40, 20), False),
    ],
)  # fmt: skip
def test_a_gap_a_stamp_that_does_not_advance_or_another_size_ends_the_past(
    step_ns: int, size: tuple[int, int], held: bool
) -> None:
    pixels = Pixels(0.9)
    pixels.see([ROAD, SKY], [255, 255], 1000)
    shown = pixels.see([CAR, SKY], [9, 9], step_ns, size)
    assert shown == (([ROAD, SKY], [0, 9]) if held else ([CAR, SKY], [9, 9]))
    # What came is the past of the next frame: the car has little evidence, the road none.
    if not held:
        assert pixels.see([SKY, SKY], [9, 9], size=size) == ([SKY, SKY], [9, 9])


def test_another_size_of_the_mask_ends_the_past() -> None:
    pixels = Pixels(0.9)
    pixels.see([ROAD, ROAD], [255, 255])
    assert pixels.see([CAR], [9]) == ([CAR], [9])
    assert pixels.see([SKY], [1]) == ([CAR], [0])


def test_what_is_forgotten_is_not_held() -> None:
    pixels = Pixels(0.9)
    pixels.see([ROAD], [255])
    pixels.filter.forget()
    assert pixels.see([CAR], [9]) == ([CAR], [9])
    assert pixels.see([SKY], [8]) == ([CAR], [0])


@pytest.mark.parametrize("weight", [0.0, -0.1, 0.951, 1.0, math.nan])
def test_a_weight_that_would_hold_for_ever_or_nothing_is_refused(weight: float) -> None:
    with pytest.raises(InputError, match=r"temporal_filter is out of range, expected 0 to 0\.95"):
        TemporalFilter(weight, 300)
    assert MAX_WEIGHT == 0.95


def test_what_another_thread_forgets_is_forgotten_whenever_that_is() -> None:
    """At the latest the frame after the next begins anew."""
    pixels = Pixels(0.5)
    pixels.filter = Overheard(0.5, 3 * PERIOD_NS)
    pixels.see([ROAD], [250])
    pixels.filter.comes_between = True
    assert pixels.see([ROAD], [250]) == ([ROAD], [250])
    assert not pixels.filter.comes_between
    assert pixels.see([CAR], [9]) == ([CAR], [9])
    assert pixels.see([CAR], [9]) == ([CAR], [9])
    assert pixels.see([ROAD], [3]) == ([CAR], [0])  # and goes on from there
