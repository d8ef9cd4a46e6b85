"""The checks of frozen, corrupt and miscoloured pictures: by hand arithmetic, and what must not set them off."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from trustseg.input_health import HealthConfig, InputHealth, StillCheck, block_means
from trustseg.input_health import corrupt as damage
from trustseg.input_health.colour import chroma, exchanged, green_axis, mosaic
from trustseg.reasons import Reason
from trustseg.scenes.sensor_faults import SENSOR_FAULTS, SensorFault

SIZE = (180, 240)


def street(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 RGB with detail at every scale and colours between yellow and blue."""
    rng = np.random.default_rng(seed)
    image = np.full((*size, 3), 110.0, np.float32)
    for cells in (4, 12, 40, 90):
        grid = rng.normal(0.0, 22.0, (cells, cells * 4 // 3, 1)).astype(np.float32) + np.zeros(3, np.float32)
        grid[..., 0] += rng.normal(0.0, 12.0, grid.shape[:2])
        image += cv2.resize(grid, size[::-1], interpolation=cv2.INTER_NEAREST if cells > 40 else cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)


def moving(count: int, speed: float = 4.0, noise: float = 1.5, seed: int = 3) -> list[np.ndarray]:
    """A scene that moves sideways, with a sensor's noise; it stops when `speed` is 0."""
    world = np.concatenate([street(k) for k in range(5)], axis=1)
    rng = np.random.default_rng(seed)
    frames = [world[:, int(speed * k) : int(speed * k) + SIZE[1]] for k in range(count)]
    return [
        np.clip(f + rng.normal(0.0, noise, f.shape), 0, 255).astype(np.uint8) if noise else f.copy() for f in frames
    ]


def reasons_of(frames: list[np.ndarray], **config: float) -> list[Reason]:
    health = InputHealth(HealthConfig(**config))  # type: ignore[arg-type]
    return [health.check(frame, stamp).reasons for stamp, frame in enumerate(frames, start=1)]


def believed(kind: str, severity: float, clean: int = 36, faulty: int = 12) -> list[Reason]:
    """Reasons of the faulty frames after a clean start that has none."""
    frames = moving(clean + faulty)
    fault = SensorFault(kind, severity, seed=1)
    found = reasons_of([f if k < clean else fault.frame(f) for k, f in enumerate(frames)])
    assert found[:clean] == [Reason.NONE] * clean
    return found[clean:]


# Lines ------------------------------------------------------------------------------------------------------------


def test_a_dead_line_stands_out_where_both_neighbours_agree() -> None:
    lines = np.full((64, 10), 100, np.uint8)
    lines[:48, 4] = 130  # 30 lumas above both neighbours, at 48 of 64 places
    assert damage.dead_line(lines) == pytest.approx(48 / 64)
    lines[:48, 4] = 112  # a step of exactly the limit is none
    assert damage.dead_line(lines) == 0.0
    lines[:48, 4:] = 130  # an edge: one neighbour differs, the other one does not
    assert damage.dead_line(lines) == 0.0


def test_a_line_of_one_value_needs_half_as_many_places() -> None:
    lines = np.full((64, 10), 100, np.uint8)
    lines[:24, [3, 5]] = 160
    lines[:, 4] = 100
    assert damage.dead_line(lines) == pytest.approx(48 / 64)  # it stands out at 24 places, and shows nothing


def test_too_few_places_prove_nothing() -> None:
    lines = np.full((39, 10), 100, np.uint8)
    lines[:, 4] = 200
    assert damage.dead_line(lines) == 0.0


def test_lost_rows_end_as_if_cut_off() -> None:
    lines = np.random.default_rng(0).integers(30, 200, (64, 50), dtype=np.uint8)
    assert damage.border_runs(lines) == (0, 0)
    lines[:, -20:] = 250 - 128
    assert damage.border_runs(lines) == (0, 20)
    lines[:, :5] = 255  # an overexposed sky
    assert damage.border_runs(lines) == (0, 20)
    lines[:, :5] = 0
    assert damage.border_runs(lines) == (5, 20)
    lines[:, 29] = 125  # the picture ends in much the same grey: below that needs no cut
    assert damage.border_runs(lines)[1] == 21
    lines[:, -21:] = 3
    lines[:, 20:29] = np.arange(64)[:, None] % 9
    assert damage.border_runs(lines)[1] == 0  # a black bonnet at night
    assert damage.border_runs(np.zeros((64, 50), np.uint8)) == (0, 0)


def test_a_letterbox_from_the_start_is_no_fault() -> None:
    boxed = moving(6)
    for frame in boxed:
        frame[:20] = frame[-20:] = 0
    assert reasons_of(boxed) == [Reason.NONE] * 6
    for frame in boxed[3:]:
        frame[-40:] = 0
    assert [Reason.CORRUPT in r for r in reasons_of(boxed)] == [False] * 3 + [True] * 3


def test_banding_is_what_all_parts_of_a_row_have_in_common() -> None:
    lines = np.full((64, 90), 100, np.uint8)
    lines[:, ::2] = 104
    # Around each row: 3 rows above, 3 below (7 = 2 round(90 / 36) + 3, minus the row's own parity).
    assert damage.banding(lines) == pytest.approx(2.0, abs=0.4)
    lines[:32] = 100  # half of the width has no bands
    assert damage.banding(lines) == 0.0
    one = np.full((64, 90), 100, np.uint8)
    one[:, 40] = 220  # a kerb: one line counts as two lumas, and its surroundings as their share of it
    assert damage.banding(one) < 0.2


def test_flipped_bits_are_counted_where_one_colour_alone_jumps() -> None:
    image = np.full((40, 100, 3), 100, np.uint8)
    assert damage.bit_errors(image) == 0.0
    rows = np.linspace(1, 38, 64).astype(int)
    row = int(rows[30])
    image[row, 50, 1] ^= 64
    seen = int((rows == row).sum())
    assert damage.bit_errors(image) == pytest.approx(seen / (64 * 98))
    image[row, 50] = 164  # a spark: all three colours
    assert damage.bit_errors(image) == 0.0


@pytest.mark.parametrize("sigma", [4.0, 12.0, 40.0])
def test_noise_is_not_taken_for_flipped_bits(sigma: float) -> None:
    noise = np.random.default_rng(0).normal(110.0, sigma, (120, 160, 3))
    assert damage.bit_errors(np.clip(noise, 0, 255).astype(np.uint8)) < 1e-4


def test_a_stuck_bit_leaves_a_gap_with_values_on_both_sides() -> None:
    lines = np.arange(256, dtype=np.uint8).repeat(4).reshape(64, 16)
    assert damage.stuck_bit(lines) == 0.0
    assert damage.stuck_bit(lines & 0xDF) == pytest.approx(0.25)  # below bit 5: 0..31 of 128 values, twice each
    assert damage.stuck_bit(lines // 8) == 0.0  # dark: nothing beyond the gap


def test_a_seam_fits_after_a_shift() -> None:
    grid = np.random.default_rng(0).normal(110.0, 40.0, (45, 80)).astype(np.float32)
    luma = np.clip(cv2.resize(grid, SIZE[::-1], interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
    assert damage.torn(luma)[0] < 0.2
    shifted = luma.copy()
    shifted[90:] = np.roll(luma[90:], 24, axis=1)
    strength, row = damage.torn(shifted)
    assert strength > 0.3
    assert 88 <= row <= 91


def test_two_seams_in_one_row_may_be_a_fence() -> None:
    assert damage.repeated([(0.5, 30)]) == 0.0
    assert damage.repeated([(0.5, 30), (0.4, 40), (0.0, 0)]) == 0.4
    assert damage.repeated([(0.5, 30), (0.4, 33)]) == pytest.approx(0.58 * 0.4)


# Colour -----------------------------------------------------------------------------------------------------------


def test_a_mosaic_is_of_one_sign() -> None:
    image = np.full((64, 128, 3), 100, np.uint8)
    image[::2, ::2] = image[1::2, 1::2] = 60
    # Each cell differs by 2 * 40 across its diagonals, always alike; one is added below.
    assert mosaic(image) == pytest.approx(80 / 81)
    assert mosaic(street(size=(360, 480))) < 0.3
    assert mosaic(image[:, :20]) == 0.0


def test_colours_lie_between_yellow_and_blue() -> None:
    red_blue, green, _ = chroma(street())
    assert green_axis(red_blue, green) < 0.7
    assert green_axis(0.1 * red_blue, red_blue) > 5.0
    assert green_axis(red_blue, 0.1 * green) == 0.0  # too grey to tell


def test_exchanged_channels_are_seen_against_the_last_frame_of_the_same_scene() -> None:
    def maps(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        red_blue, _, luma = chroma(image)
        return red_blue, luma

    image = street(1)
    image[..., 0] = np.clip(image[..., 0].astype(int) + 30, 0, 255)
    swapped = np.ascontiguousarray(image[..., ::-1])
    assert exchanged(maps(image), maps(swapped))
    assert not exchanged(maps(image), maps(image))
    assert not exchanged(maps(image), maps(np.ascontiguousarray(street(4)[..., ::-1])))  # another scene
    health = InputHealth(HealthConfig())
    frames = [image, swapped, swapped, image]
    found = [Reason.COLOUR in health.check(f, k).reasons for k, f in enumerate(frames, start=1)]
    assert found == [False, True, True, False]


# Standing still ---------------------------------------------------------------------------------------------------


def test_a_picture_that_stops_at_once_under_noise_is_frozen_within_ten_frames() -> None:
    found = believed("frozen_noise", 0.4)
    assert [Reason.FROZEN in r for r in found[8:10]] == [True, True]
    assert Reason.FROZEN not in found[0]


def test_a_part_that_stops_while_the_rest_moves_on_is_frozen_within_ten_frames() -> None:
    found = believed("frozen_part", 0.5)
    assert [Reason.FROZEN in r for r in found[7:10]] == [True] * 3


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


def test_video_that_repeats_blocks_while_it_moves_is_frozen_only_after_long() -> None:
    """The upper half stands exactly still from the start, as a sky does in compressed video."""
    frames = moving(30, noise=0.0)
    for frame in frames:
        frame[:90] = 140
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
                seen, _ = check.note(luma, before, block_means(cv2.absdiff(luma, before)), block_means(luma))
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


@pytest.mark.parametrize(
    ("kind", "severity", "reason"),
    [
        ("dead_rows", 1.0, Reason.CORRUPT),
        ("dead_columns", 1.0, Reason.CORRUPT),
        ("lost_rows", 0.5, Reason.CORRUPT),
        ("banding", 0.5, Reason.CORRUPT),
        ("bit_errors", 0.3, Reason.CORRUPT),
        ("stuck_bit", 0.5, Reason.CORRUPT),
        ("bayer_as_grey", 0.5, Reason.COLOUR),
        ("frozen", 1.0, Reason.FROZEN),
    ],
)
def test_damage_by_its_name(kind: str, severity: float, reason: Reason) -> None:
    found = believed(kind, severity)
    assert all(reason in each for each in found[5:])


@pytest.mark.parametrize("kind", SENSOR_FAULTS)
def test_damage_is_the_same_for_a_seed_and_leaves_its_input_alone(kind: str) -> None:
    frames = moving(3)
    kept = [f.copy() for f in frames]
    first, second = (SensorFault(kind, 0.7, seed=5) for _ in range(2))
    for frame in frames:
        out = first.frame(frame)
        assert np.array_equal(out, second.frame(frame))
        assert (out.shape, out.dtype) == (frame.shape, np.uint8)
    assert all(np.array_equal(a, b) for a, b in zip(frames, kept, strict=True))
