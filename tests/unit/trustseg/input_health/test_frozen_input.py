# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera that shows the past, as a whole, under noise or in part; a car that stands and video are none of these."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from moving_street import SIZE, believed, moving, reasons_of, street
from trustseg.input_health import HealthConfig, InputHealth, StillCheck, block_means
from trustseg.input_health.frame_metrics import BLOCKS
from trustseg.reasons import Reason
from trustseg_lab.scenes.sensor_faults import SensorFault


def test_a_picture_that_stops_at_once_under_noise_is_frozen_within_ten_frames() -> None:
    found = believed("frozen_noise", 0.4)
    assert [Reason.FROZEN in r for r in found[8:10]] == [True, True]
    assert Reason.FROZEN not in found[0]


def test_a_part_that_stops_while_the_rest_moves_on_is_frozen_within_ten_frames() -> None:
    found = believed("frozen_part", 0.5)
    assert [Reason.FROZEN in r for r in found[7:10]] == [True] * 3


def test_a_part_that_moves_in_between_begins_to_stand_anew() -> None:
    """Six frames make it frozen: twice five with one of motion between them do not, six in a row do."""
    frames = moving(56)
    for first, last in ((36, 41), (42, 47), (48, 54)):
        for frame in frames[first + 1 : last + 1]:
            frame[90:] = frames[first][90:]
    assert [k for k, each in enumerate(reasons_of(frames)) if Reason.FROZEN in each] == [54]


def test_a_car_that_brakes_and_stands_is_not_frozen() -> None:
    world = np.concatenate([street(k) for k in range(5)], axis=1)
    at, speed, places = 0.0, 8.0, []
    for _ in range(60):
        speed = max(0.0, speed - (0.0 if len(places) < 12 else 1.0))
        at += speed
        places.append(round(at))
    rng = np.random.default_rng(2)
    frames = [world[:, x : x + SIZE[1]] + rng.normal(0.0, 1.5, (*SIZE, 3)) for x in places]
    assert set(reasons_of([np.clip(f, 0, 255).astype(np.uint8) for f in frames])) == {Reason.NONE}


def stillness_after(busy: list[float]) -> int:
    """For how many pictures it has stood, in the second of three that differ by two lumas, after such changes."""
    check = StillCheck(HealthConfig())
    one, even = np.ones(BLOCKS, np.float32), np.full(BLOCKS, 100.0, np.float32)
    pixels = np.arange(SIZE[0] * SIZE[1]).reshape(SIZE) % 3  # three lumas brighter in one third, each time another
    pictures = [np.where(pixels == k, 103, 100).astype(np.uint8) for k in range(3)]
    for change in busy:
        check.note(pictures[0], pictures[0], one * change, even)
    for before, now in pairwise(pictures):
        found = check.note(now, before, 2 * one, even)
    return found.under_noise


@pytest.mark.parametrize(
    ("changes", "at_once"),
    [
        ([29.45, 23.97, 20.78, 17.95, 14.72, 13.24, 11.28], False),  # a car that brakes at 8 m/s^2, at 10 Hz
        ([29.45, 23.97, 20.78, 21.0, 14.72, 13.24, 11.28], False),  # one of them a little larger than the one before
        ([16.0, 15.0, 14.0, 13.0, 12.0, 11.0, 9.61], True),  # it slows down, and was still at 0.6006 of it
        ([16.0, 15.0, 14.0, 13.0, 12.0, 11.0, 9.59], False),  # 0.599
        ([29.0, 14.0, 15.0, 14.0, 15.0, 14.0, 15.0], True),  # one great change, a cut, and steady motion
        ([12.0, 12.0, 12.0, 12.0, 12.0, 12.0, 12.0], True),
    ],
)
def test_motion_that_fell_to_the_end_did_not_stop_at_once(changes: list[float], at_once: bool) -> None:
    assert stillness_after(changes) == (2 if at_once else 0)


def test_a_picture_that_stops_soon_after_a_cut_is_frozen() -> None:
    """A recording that begins anew shows one great change: it says nothing about the motion after it."""
    frames = moving(60, speed=1.0)[24:] + moving(5, speed=1.0)
    fault = SensorFault("frozen_noise", 0.4, seed=1)
    held = [fault.frame(frame) for frame in moving(15, speed=1.0)[5:]]
    assert [k for k, each in enumerate(reasons_of(frames + held)) if Reason.FROZEN in each] == [49, 50]


@pytest.mark.parametrize("width", [0.3, 0.6, 1.0, 2.0])
@pytest.mark.parametrize("speed", [0.06, 0.1, 0.2])
@pytest.mark.slow
def test_what_passes_a_standing_camera_leaves_it_not_frozen(width: float, speed: float) -> None:
    """A lorry of so many widths of the picture, as fast as so many a frame, from the left and gone to the right."""
    rng = np.random.default_rng(1)
    lorry = np.tile(street(2), (1, 3, 1))[: SIZE[0] // 3, : round(width * SIZE[1])]
    frames = []
    for k in range(int((1.0 + width) / speed) + 24):
        shown = street().astype(np.float32)
        at = round((k - 12) * speed * SIZE[1]) - lorry.shape[1]
        seen = range(max(0, at), max(0, min(SIZE[1], at + lorry.shape[1])))
        if len(seen):
            shown[60 : 60 + len(lorry), seen] = lorry[:, seen.start - at : seen.stop - at]
        frames.append(np.clip(shown + rng.normal(0.0, 1.5, shown.shape), 0, 255).astype(np.uint8))
    assert not any(Reason.FROZEN in each for each in reasons_of(frames))


def test_video_that_repeats_blocks_while_it_moves_is_frozen_only_after_long() -> None:
    """Blocks of the upper half repeat here and there, as those of a sky do in compressed video."""
    frames = moving(30, noise=0.0)
    rng = np.random.default_rng(8)
    sky = np.full((90, SIZE[1], 3), 140, np.uint8)
    for frame in frames:
        for row, column in np.argwhere(rng.random((6, 16)) < 0.3):
            sky[15 * row : 15 * row + 15, 15 * column : 15 * column + 15] = rng.integers(100, 180)
        frame[:90] = sky
    frames += [frames[-1].copy() for _ in range(20)]
    health = InputHealth(HealthConfig(frozen_after_video=15))
    found = [health.check(f, k).reasons for k, f in enumerate(frames, start=1)]
    assert found[29 + 13] == Reason.NONE  # fourteen equal pictures
    assert found[29 + 14] == Reason.FROZEN


def test_noise_that_changes_its_level_is_no_freeze() -> None:
    config = HealthConfig()
    rng = np.random.default_rng(0)

    def still_for(levels: list[float]) -> int:
        check, before, seen = StillCheck(config), None, 0
        base = cv2.cvtColor(street(), cv2.COLOR_RGB2GRAY)
        for k, level in enumerate(levels):
            shown = np.roll(base, 6 * k, axis=1) if level > 5 else base
            luma = np.clip(shown + rng.normal(0.0, min(level, 5.0), shown.shape), 0, 255).astype(np.uint8)
            if before is not None:
                change = block_means(cv2.absdiff(luma, before))
                seen = check.note(luma, before, change, block_means(luma)).under_noise
            before = luma
        return seen

    assert still_for([9.0] * 12 + [2.0] * 10) >= config.still_after
    assert still_for([9.0] * 12 + [2.0] * 6 + [3.0] * 3) == 0


def test_a_simulator_may_stand_still() -> None:
    frames = moving(36)
    fault = SensorFault("frozen_noise", 0.4)
    shown = [f if k < 24 else fault.frame(f) for k, f in enumerate(frames)]
    assert not any(Reason.FROZEN in r for r in reasons_of(shown, frozen_after=0))


# Every kind of damage ---------------------------------------------------------------------------------------------
