# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A driver that hands out its last buffers again and again is frozen; what honestly comes back to a camera is not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moving_street import SIZE, grain, moving, reasons_of, street
from trustseg.input_health import HealthConfig
from trustseg.reasons import Reason
from trustseg_lab.scenes.overlays import clock, grey_box, hood_mask
from trustseg_lab.scenes.sensor_faults import MOST_BUFFERS, SensorFault

AFTER = HealthConfig().ring_after
CLEAN = 20


def found_at(frames: list[np.ndarray], **config: float) -> list[int]:
    """Numbers of the frames, from 1, that are called frozen."""
    return [k for k, each in enumerate(reasons_of(frames, **config), start=1) if Reason.FROZEN in each]


def noisy(frames: list[np.ndarray], sigma: float = 1.5, seed: int = 4) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [grain(f, sigma, rng) for f in frames]


@settings(max_examples=25)
@given(
    count=st.integers(2, MOST_BUFFERS),
    kind=st.sampled_from(["ring", "ring_noise", "ring_jpeg", "ring_reversed"]),
    seed=st.integers(0, 99),
)
@pytest.mark.slow
def test_any_ring_is_frozen_four_frames_after_the_first_picture_that_comes_back(
    count: int, kind: str, seed: int
) -> None:
    fault = SensorFault(kind, count / MOST_BUFFERS, seed)
    frames = moving(CLEAN + count + AFTER + 6, seed=seed)
    found = found_at([f if k < CLEAN else fault.frame(f) for k, f in enumerate(frames)])
    assert found == list(range(CLEAN + count + AFTER, len(frames) + 1))


@pytest.mark.parametrize("sigma", [0.0, 1.5])
def test_a_ring_in_no_order_and_of_changing_length_is_frozen(sigma: float) -> None:
    """What is handed out is any of the last six but the newest, or even that one at times."""
    rng = np.random.default_rng(7)
    frames = moving(CLEAN)
    picks, last = [], -1
    for k in range(30):
        choices = [c for c in range(-6, 0) if c != last or k % 7 == 6]
        last = int(rng.choice(choices))
        picks.append(frames[last])
    found = found_at(frames + (noisy(picks, sigma) if sigma else [p.copy() for p in picks]))
    assert found
    assert found[0] <= CLEAN + AFTER + 2
    if not sigma:
        assert found[-1] == CLEAN + 30


@pytest.mark.parametrize("lengths", [(4, 5, 3, 6, 2), (2, 3, 2, 3, 2)])
def test_rings_that_are_not_all_of_one_length_are_frozen(lengths: tuple[int, ...]) -> None:
    frames = moving(CLEAN)
    shown = list(chain.from_iterable(frames[-n:] for n in lengths))
    assert found_at(frames + noisy(shown))[0] <= CLEAN + AFTER + 1


@pytest.mark.parametrize("times", [2, 3, 4])
def test_a_ring_that_hands_each_buffer_out_several_times_is_frozen(times: int) -> None:
    frames = moving(CLEAN)
    shown = [frames[-3 + k // times % 3] for k in range(8 * times)]
    assert found_at(frames + noisy(shown))[0] <= CLEAN + AFTER * times + times


def test_a_ring_just_after_a_tunnel_is_frozen() -> None:
    """Pictures that were darker all over are not near to those of the ring for that."""
    fault = SensorFault("ring_jpeg", 2 / MOST_BUFFERS, seed=2)
    frames = [f if k >= CLEAN - 8 else (f * 0.4).astype(np.uint8) for k, f in enumerate(moving(CLEAN + 12))]
    found = found_at([f if k < CLEAN else fault.frame(f) for k, f in enumerate(frames)])
    assert found == list(range(CLEAN + 2 + AFTER, CLEAN + 13))


def test_a_ring_behind_a_clock_that_ticks_on_is_frozen() -> None:
    fault = SensorFault("ring", 4 / MOST_BUFFERS)
    frames = [clock(f if k < CLEAN else fault.frame(f), k) for k, f in enumerate(moving(CLEAN + 14))]
    assert found_at(frames) == list(range(CLEAN + 4 + AFTER, CLEAN + 15))


def test_a_ring_of_a_standing_cars_pictures_is_frozen() -> None:
    """Noise that comes back to the last bit is no camera's, though nothing moves."""
    fault = SensorFault("ring", 3 / MOST_BUFFERS)
    frames = moving(CLEAN + 10, speed=0.0)
    assert found_at([f if k < CLEAN else fault.frame(f) for k, f in enumerate(frames)])[0] == CLEAN + 3 + AFTER


def test_a_ring_from_the_first_frame_on_is_frozen() -> None:
    frames = moving(3)
    assert found_at([frames[k % 3] for k in range(12)])[0] <= 3 + AFTER + 2


@pytest.mark.parametrize("over", [grey_box, hood_mask])
def test_a_ring_behind_an_overlay_from_the_first_frame_on_is_frozen(over: Callable[[np.ndarray], np.ndarray]) -> None:
    frames = [over(f) for f in moving(3)]
    assert found_at([frames[k % 3] for k in range(12)])[0] <= 3 + AFTER + 2


def test_a_ring_that_ends_is_frozen_no_longer() -> None:
    frames = moving(60)
    shown = frames[:CLEAN] + [frames[CLEAN - 1 - k % 4] for k in range(1, 13)] + frames[CLEAN:]
    assert max(found_at(shown)) == CLEAN + 12


@pytest.mark.parametrize("sigma", [0.0, 1.5])
@pytest.mark.parametrize("every", [2, 3, 4, 8, 16, 31])
@pytest.mark.slow
def test_one_buffer_of_several_that_is_filled_no_more_is_frozen(every: int, sigma: float) -> None:
    """Every few pictures one that is older each time: from its fourth time on, and no new one is accused."""
    first, times = CLEAN + every, AFTER + 2
    frames = moving(first + times * every, speed=2.0)
    shown = [f if k < first or (k - first) % every else frames[CLEAN].copy() for k, f in enumerate(frames)]
    found = found_at(shown if not sigma else noisy(shown, sigma))
    assert found == [first + 1 + every * k for k in range(AFTER - 1, times)]  # before `first` it was shown once


@pytest.mark.parametrize("every", [3, 4, 6])
def test_one_buffer_of_several_that_alone_is_filled_is_frozen(every: int) -> None:
    frames = moving(CLEAN + 8 * every)
    shown = [f if k < CLEAN or k % every == 0 else frames[CLEAN - every + k % every] for k, f in enumerate(frames)]
    assert found_at(noisy(shown))[0] <= CLEAN + AFTER * every + 1


@pytest.mark.parametrize("times", [3, 4])
def test_a_picture_that_comes_back_now_and_then_is_frozen_with_its_fourth_time(times: int) -> None:
    frames = moving(160, speed=2.0)
    comes_back = [25, 40, 71, 75][:times]  # as long as 32 pictures are remembered
    for at in comes_back:
        frames[at] = frames[20].copy()
    assert found_at(frames) == [at + 1 for at in comes_back[3:]]


@pytest.mark.parametrize("speed", [0.3, 1.0, 4.0])
def test_what_the_camera_saw_before_a_frame_of_something_else_is_not_frozen(speed: float) -> None:
    """A creeping car, and every eighth frame another picture altogether, for one frame or two: each that follows is
    like one before it, and no picture comes back again and again."""
    frames = moving(120, speed=speed)
    for k in range(20, 112, 8):
        for at in range(k, k + 1 + k // 8 % 2):
            frames[at] = street(40 + k)
    assert not found_at(frames)


@pytest.mark.parametrize("over", [lambda image: image, grey_box, hood_mask])
@pytest.mark.parametrize("patterns", [2, 3, 5])
def test_a_freeze_whose_dithering_changes_with_the_frames_is_frozen(
    patterns: int, over: Callable[[np.ndarray], np.ndarray]
) -> None:
    """The same picture plus one of a few patterns of one luma: noise that comes back to the last bit."""
    rng = np.random.default_rng(9)
    dither = rng.integers(0, 2, (patterns, *SIZE, 1), dtype=np.uint8)
    frames = moving(CLEAN)
    held = [np.minimum(frames[-1], 254) + dither[k % patterns] for k in range(patterns + AFTER + 3)]
    found = found_at([over(f) for f in frames + held])
    assert CLEAN + patterns + AFTER in found
    assert found[-1] == CLEAN + len(held)
    assert min(found) > CLEAN


@pytest.mark.parametrize("steps", [2, 3, 7])
def test_a_freeze_in_light_that_comes_and_goes_is_frozen(steps: int) -> None:
    frames = moving(CLEAN)
    held = [np.minimum(frames[-1], 240) + np.uint8(k % steps) for k in range(steps + AFTER)]
    assert CLEAN + steps + AFTER in found_at(frames + held)


def test_a_simulator_may_repeat_its_pictures() -> None:
    fault = SensorFault("ring", 4 / MOST_BUFFERS)
    assert not found_at([f if k < CLEAN else fault.frame(f) for k, f in enumerate(moving(40))], frozen_after=0)


# What honestly comes back ----------------------------------------------------------------------------------------


def test_a_parked_car_is_not_frozen() -> None:
    assert not found_at(moving(120, speed=0.0))


@pytest.mark.parametrize("period", [2, 3, 6])
@pytest.mark.parametrize("speed", [0.0, 0.3, 4.0])
@pytest.mark.slow
def test_lamps_that_flicker_with_the_frames_are_not_frozen(period: int, speed: float) -> None:
    """100 Hz lamps beside 30 frames a second brighten every third frame: parked, creeping, driving, just stopped."""
    drive = moving(30, noise=0.0)
    frames = drive + [np.roll(drive[-1], -round(speed * k), axis=1) for k in range(40)]
    brighter = 1.0 - 0.3 * np.linspace(0.6, 1.0, SIZE[0])[:, None, None]
    lit = [f if k % period else (f * brighter).astype(np.uint8) for k, f in enumerate(frames)]
    assert not found_at(noisy(lit))


@pytest.mark.parametrize("period", [2.04, 3.0, 5.1, 10.0])
def test_a_standing_car_whose_camera_shakes_is_not_frozen(period: float) -> None:
    world = np.concatenate([street(k) for k in range(2)], axis=1)
    places = [4 * k for k in range(15)]
    for slower in (3, 2, 1, 1):
        places.append(places[-1] + slower)
    places += [places[-1]] * 6
    places += [round(places[-1] + 2.0 * np.sin(2 * np.pi * k / period)) for k in range(60)]
    assert not found_at(noisy([world[:, x + 10 : x + 10 + SIZE[1]] for x in places]))


@pytest.mark.parametrize("period", [10, 12.5, 30])
def test_a_wiper_is_not_frozen(period: float) -> None:
    """A dark blade goes to and fro over a standing car's picture."""
    frames = []
    for k in range(90):
        shown = street().copy()
        angle = np.pi * (0.5 - 0.5 * np.cos(2 * np.pi * k / period))
        foot = (SIZE[1] // 2, SIZE[0] - 1)
        tip = (round(foot[0] - 150 * np.cos(angle)), round(foot[1] - 150 * np.sin(angle)))
        frames.append(cv2.line(shown, foot, tip, (20, 20, 20), 9))
    assert not found_at(noisy(frames))


def test_decoded_video_that_swings_between_pictures_of_what_stands_is_not_frozen() -> None:
    """A raw camera's picture of which a part repeats exactly since a moment ago: no noise comes back there."""
    frames = moving(CLEAN, speed=0.0)
    swing = [f.copy() for f in frames[:3]]
    for each in swing:
        each[:60] = frames[-1][:60]
    assert not found_at(frames + [swing[k % 3] for k in range(8)], part_share=1.0)


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("pictures", [2, 3, 5])
@pytest.mark.parametrize("rows", [15, 75, 135])
def test_a_clip_that_swings_from_its_first_frame_on_is_not_frozen(pictures: int, rows: int, even: bool) -> None:
    """It begins at a red light: the upper part never changes, the rest by a luma, all over or here and there."""
    swing = [np.minimum(moving(1)[0], 240) for _ in range(pictures)]
    for k, each in enumerate(swing):
        shape = (SIZE[0] - rows, SIZE[1], 1)
        each[rows:] += np.uint8(k % 2) if even else np.random.default_rng(k).integers(0, 2, shape, np.uint8)
    assert not found_at([swing[k % pictures].copy() for k in range(60)])


@pytest.mark.parametrize("share", [0.03, 0.06])
def test_behind_a_box_that_was_there_from_the_first_frame_a_freeze_soon_after_it_is_frozen(share: float) -> None:
    """Eight new pictures tell a camera, whose box stands by design, from such a clip."""
    begun = 8
    frames = moving(begun)
    held = [np.minimum(frames[-1], 240) + np.uint8(k % 2) for k in range(AFTER + 4)]
    found = found_at([grey_box(f, share) for f in frames + held])
    assert found
    assert begun < found[0] <= begun + 2 + AFTER
    same = found_at([grey_box(f, share) for f in frames + [frames[-1].copy() for _ in range(4)]])
    assert same == list(range(begun + 2, begun + 5))


def test_a_clip_that_is_played_in_a_loop_is_not_frozen() -> None:
    frames = moving(45)
    assert not found_at(frames * 3)
