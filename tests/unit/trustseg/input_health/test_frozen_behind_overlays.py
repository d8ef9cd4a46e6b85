# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What stands in a picture by design, or goes on by itself, neither hides a freeze nor is one."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moving_street import SIZE, grain, moving, reasons_of
from trustseg.input_health import CorruptCheck, HealthConfig, InputHealth
from trustseg.reasons import Reason
from trustseg_lab.scenes.overlays import OVERLAYS, black_bars, clock, grey_box, hood_mask
from trustseg_lab.scenes.sensor_faults import SensorFault

CLEAN = 24
HELD = 14
Over = Callable[[np.ndarray, int], np.ndarray]
NAMES = ("box", "clock", "hood", "bars", "vignette")
every_overlay = pytest.mark.parametrize("over", OVERLAYS, ids=NAMES)


def found_at(over: Over, kind: str, severity: float = 0.5, held: int = HELD, speed: float = 4.0) -> list[int]:
    """Frames of the freeze, from 1, that are called frozen; none before it may be called anything."""
    fault = SensorFault(kind, severity, seed=1)
    seen = moving(CLEAN + min(held, HELD), speed)
    seen += seen[-1:] * (CLEAN + held - len(seen))  # behind a freeze that is as long as that
    frames = [f if k < CLEAN else fault.frame(f) for k, f in enumerate(seen)]
    found = reasons_of([over(f, k) for k, f in enumerate(frames)])
    assert found[:CLEAN] == [Reason.NONE] * CLEAN
    return [k - CLEAN + 1 for k, each in enumerate(found) if Reason.FROZEN in each]


@cache
def drive() -> list[np.ndarray]:
    return moving(CLEAN)


@every_overlay
def test_exact_repetition_behind_an_overlay_is_frozen_from_the_third_frame_on(over: Over) -> None:
    assert found_at(over, "frozen") == list(range(3, HELD + 1))


@every_overlay
def test_a_standing_car_whose_camera_freezes_behind_an_overlay_is_frozen(over: Over) -> None:
    assert found_at(over, "frozen", speed=0.0) == list(range(3, HELD + 1))


@every_overlay
def test_a_freeze_under_noise_behind_an_overlay_is_found_within_ten_frames(over: Over) -> None:
    assert found_at(over, "frozen_noise")[:1] == [9]


@every_overlay
def test_a_part_that_freezes_beside_an_overlay_is_found_within_ten_frames(over: Over) -> None:
    assert found_at(over, "frozen_part")[0] <= 10


@pytest.mark.parametrize("hz", [1, 2, 5, 10])
@pytest.mark.slow
def test_a_clock_that_ticks_at_times_hides_no_freeze_and_stays_one(hz: int) -> None:
    """Thirty frames a second: between two ticks the clock stands too. Longer than what is taken for video."""
    held = 340
    assert found_at(lambda f, k: clock(f, 10 * (k * hz // 30)), "frozen", held=held) == list(range(3, held + 1))


@settings(max_examples=30)
@given(
    left=st.integers(0, SIZE[1] - 1),
    top=st.integers(0, SIZE[0] - 1),
    width=st.integers(1, SIZE[1]),
    height=st.integers(1, SIZE[0]),
    value=st.integers(0, 255),
    ticks=st.booleans(),
)
def test_any_constant_region_up_to_two_thirds_hides_no_freeze(
    left: int, top: int, width: int, height: int, value: int, ticks: bool
) -> None:
    """As long as a third of the picture moves in columns on both sides; a clock may tick in it."""
    height = min(height, int(2 * SIZE[0] * SIZE[1] / 3 / width))

    def over(image: np.ndarray, tick: int) -> np.ndarray:
        out = image.copy()
        out[top : top + height, left : left + width] = value
        return clock(out, tick) if ticks else out

    shown = [over(f, k) for k, f in enumerate(drive())]
    shown += [over(drive()[-1], k) for k in range(CLEAN, CLEAN + 5)]
    found = [Reason.FROZEN in each for each in reasons_of(shown)]
    assert found == [False] * (CLEAN + 1) + [True] * 4


@pytest.mark.parametrize("share", [0.03, 0.1, 0.3])
def test_a_box_that_appears_during_a_drive_is_no_video(share: float) -> None:
    health = InputHealth(HealthConfig())
    frames = [f if k < 20 else grey_box(f, share) for k, f in enumerate(moving(60))]
    for k, frame in enumerate(frames, start=1):
        assert health.check(frame, k).figures["repeats"] < HealthConfig().video_repeats
    for k in range(61, 64):
        report = health.check(frames[-1].copy(), k)
    assert Reason.FROZEN in report.reasons


def test_a_panel_of_digits_that_change_in_turns_is_no_video() -> None:
    """A tenth of the picture: eighteen blocks, each of which changes every few frames."""
    rng = np.random.default_rng(3)
    panel = np.full((45, 90, 3), 60, np.uint8)
    frames = []
    for frame in moving(90):
        for row, column in np.argwhere(rng.random((3, 6)) < 0.2):
            panel[15 * row + 3 : 15 * row + 12, 15 * column + 3 : 15 * column + 12] = rng.integers(90, 240)
        frame[:45, :90] = panel
        frames.append(frame)
    health = InputHealth(HealthConfig())
    reports = [health.check(f, k) for k, f in enumerate(frames, start=1)]
    assert max(r.figures["repeats"] for r in reports) < HealthConfig().video_repeats
    assert not any(Reason.FROZEN in r.reasons for r in reports)
    held = [health.check(frames[-1].copy(), k).reasons for k in range(91, 94)]
    assert Reason.FROZEN in held[1]  # the third picture, the last of the drive included


@every_overlay
@pytest.mark.parametrize("speed", [0.0, 4.0])
def test_an_overlay_alone_is_no_fault(over: Over, speed: float) -> None:
    assert set(reasons_of([over(f, k) for k, f in enumerate(moving(90, speed))])) == {Reason.NONE}


def test_a_hood_mask_leaves_a_braking_car_alone() -> None:
    speeds = [8.0] * 12 + [8.0 - k for k in range(8)] + [0.0] * 30
    world = moving(1, noise=0.0)[0]
    rng = np.random.default_rng(2)
    places = np.cumsum(speeds).round().astype(int)
    shown = [hood_mask(grain(np.roll(world, -x, axis=1), 1.5, rng)) for x in places]
    assert not any(Reason.FROZEN in each for each in reasons_of(shown))


# Damage ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["dark", "black", "street"])
def test_bars_that_the_first_picture_does_not_show_are_no_lost_rows(first: str) -> None:
    """A camera that starts in the dark, or before its first exposure: its bars end nowhere then."""
    frames = moving(30)
    begins = {"dark": frames[0] // 12, "black": np.zeros_like(frames[0]), "street": frames[0]}[first]
    found = reasons_of([black_bars(begins) if first != "black" else begins] + [black_bars(f) for f in frames[1:]])
    assert {each & Reason.CORRUPT for each in found} == {Reason.NONE}


def test_rows_lost_behind_bars_are_found_still() -> None:
    frames = [black_bars(f) for f in moving(8)]
    for frame in frames[4:]:
        frame[120:] = 128
    assert [Reason.CORRUPT in each for each in reasons_of(frames)] == [False] * 4 + [True] * 4


def test_the_edges_of_bars_are_no_bands() -> None:
    lines = np.random.default_rng(0).integers(90, 150, (64, 90), dtype=np.uint8)
    lines[:, :10] = lines[:, -10:] = 16
    bars = np.ascontiguousarray(np.repeat(cv2.transpose(lines)[:, :, None], 3, axis=2))
    checks = CorruptCheck(HealthConfig()).figures(bars), CorruptCheck(HealthConfig()).figures(bars[10:-10])
    assert checks[0]["banding"] == pytest.approx(checks[1]["banding"], abs=0.02)
