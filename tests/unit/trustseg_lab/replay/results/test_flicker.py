# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Flicker by class: arithmetic by hand, what breaks the chain, and that drives add up."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from trustseg_lab.replay.results.flicker import FlickerCounts, FlickerTrack

PERIOD_NS = 100
SIZE = (20, 40)
NAMES = ("sky", "road", "car")


def mask(*ids: int) -> np.ndarray:
    return np.array(ids, np.uint8).reshape(2, -1)


# Sky, road and car. The first pixel flickers, the second becomes road for good, the fourth is a car for one frame.
FIRST, SECOND, THIRD = mask(0, 0, 0, 1, 1, 1), mask(1, 1, 0, 2, 1, 1), mask(0, 1, 0, 1, 1, 1)


def track(*frames: tuple[np.ndarray, int], size: tuple[int, int] = SIZE) -> FlickerTrack:
    made = FlickerTrack(PERIOD_NS)
    for labels, stamp_ns in frames:
        made.add(labels, stamp_ns, size)
    return made


def test_what_changes_and_what_comes_back_is_counted_by_the_class_that_it_was() -> None:
    counts = track((FIRST, 1000), (SECOND, 1100), (THIRD, 1200)).counts
    # First to second: 2 of 3 sky and 1 of 3 road change. Second to third: 1 sky none, 1 of 4 road, the only car.
    assert counts.before[:3].tolist() == [4, 7, 1]
    assert counts.changed[:3].tolist() == [2, 2, 1]
    assert counts.first[:3].tolist() == [3, 3, 0]
    assert counts.returned[:3].tolist() == [1, 1, 0]
    assert counts.figures() == {"flicker": 2 / 6, "mask_change": 5 / 12}
    sky, road, car = counts.by_class(NAMES)
    assert sky == {"name": "sky", "flicker": 1 / 3, "mask_change": 2 / 4}
    assert road == {"name": "road", "flicker": 1 / 3, "mask_change": 2 / 7}
    assert math.isnan(car["flicker"])
    assert car["mask_change"] == 1.0


def test_a_pixel_that_takes_a_third_class_has_changed_twice_and_flickers_not() -> None:
    counts = track((mask(0, 0), 100), (mask(1, 0), 200), (mask(2, 0), 300)).counts
    assert counts.changed[:3].tolist() == [1, 1, 0]
    assert counts.returned.sum() == 0


def test_a_still_mask_does_not_flicker() -> None:
    assert track(*((FIRST, 100 * n) for n in range(1, 6))).counts.figures() == {"flicker": 0.0, "mask_change": 0.0}


def test_nothing_is_told_of_fewer_frames_than_it_takes() -> None:
    assert all(math.isnan(each) for each in track((FIRST, 100)).counts.figures().values())
    two = track((FIRST, 100), (SECOND, 200)).counts.figures()
    assert math.isnan(two["flicker"])
    assert two["mask_change"] == 3 / 6


@pytest.mark.parametrize(("stamp_ns", "compared"), [(1400, 6), (1401, 0), (1100, 0), (1099, 0)])
def test_masks_that_are_not_within_three_periods_are_not_compared(stamp_ns: int, compared: int) -> None:
    assert track((FIRST, 1100), (SECOND, stamp_ns)).counts.before.sum() == compared


def test_a_gap_breaks_the_chain_of_three_too() -> None:
    counts = track((FIRST, 100), (SECOND, 200), (THIRD, 900), (FIRST, 1000)).counts
    assert counts.first.sum() == 0
    assert counts.before.sum() == 12


def test_another_size_of_image_or_mask_breaks_the_chain() -> None:
    made = track((FIRST, 100))
    made.add(SECOND, 200, (40, 20))
    made.add(mask(0, 0), 300, (40, 20))
    assert made.counts.before.sum() == 0
    made.add(mask(1, 0), 400, (40, 20))
    assert made.counts.before.sum() == 2


def test_an_image_without_a_mask_breaks_the_chain() -> None:
    made = track((FIRST, 100), (SECOND, 200))
    made.interrupt()
    made.add(THIRD, 300, SIZE)
    assert made.counts.first.sum() == 0
    assert made.counts.before.sum() == 6


def test_drives_add_up_also_when_they_are_read_back() -> None:
    one = track((FIRST, 100), (SECOND, 200), (THIRD, 300)).counts
    read = FlickerCounts.from_document(json.loads(json.dumps(one.document())))
    total = FlickerCounts()
    total.merge(one)
    total.merge(read)
    assert total.figures() == one.figures()
    assert total.before.tolist() == (2 * one.before).tolist()
    with pytest.raises(ValueError, match="256"):
        FlickerCounts.from_document(one.document() | {"first": [1]})
