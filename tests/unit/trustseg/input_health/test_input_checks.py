# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The checks of frozen, corrupt and miscoloured pictures: by hand arithmetic, and what must not set them off."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from moving_street import SIZE, believed, moving, reasons_of, street
from trustseg.input_health import HealthConfig, InputHealth, bits, tearing
from trustseg.input_health import corrupt as damage
from trustseg.input_health.colour import chroma, exchanged, green_axis, mosaic
from trustseg.input_health.lines import Lines, image_columns, image_rows
from trustseg.reasons import Reason
from trustseg_lab.scenes.sensor_faults import SENSOR_FAULTS, SensorFault


def dead(lines: np.ndarray) -> float:
    return damage.dead_line(Lines.of(lines))


def test_lines_and_what_they_differ_by() -> None:
    lines = Lines.of(np.array([[10, 30, 25, 5]], np.uint8))
    assert lines.steps.tolist() == [[20, 5, 20]]
    assert lines.jumps.tolist() == [[5, 5]]  # of the two inner lines: to the neighbour that is nearer in value


def test_lines_are_evenly_spread_over_the_picture() -> None:
    image = np.zeros((130, 192, 3), np.uint8)
    image[..., 1] = np.arange(192)
    rows = image_rows(image)
    assert rows.values.shape == (64, 130)
    assert rows.values[:3, 7].tolist() == [1, 4, 7]  # every third column, from its middle on
    image[..., 2] = np.arange(130)[:, None]
    columns, at = image_columns(image)
    assert columns.values.shape == (65, 576)
    assert columns.values[:3, 2].tolist() == [1, 3, 5] == list(range(130))[at][:3]
    assert columns.steps[0, :6].tolist() == [0, 1, 0] * 2  # to the next pixel of the same colour


def test_a_dead_line_stands_out_where_both_neighbours_agree() -> None:
    lines = np.full((64, 10), 100, np.uint8)
    lines[:48, 4] = 130  # 30 lumas above both neighbours, at 48 of 64 places
    assert dead(lines) == pytest.approx(48 / 64)
    lines[:48, 4] = 112  # a step of exactly the limit is none
    assert dead(lines) == 0.0
    lines[:48, 4:] = 130  # an edge: one neighbour differs, the other one does not
    assert dead(lines) == 0.0
    lines[:48, 5:] = 160  # a slope: it differs from both, and they from each other
    assert dead(lines) == 0.0


def test_a_dead_column_is_seen_in_green() -> None:
    image = np.full((64, 10, 3), 100, np.uint8)
    image[:, 4, [0, 2]] = 200
    assert damage.dead_line(image_columns(image)[0]) == 0.0
    image[:, 4] = 100
    image[:48, 4, 1] = 200
    assert damage.dead_line(image_columns(image)[0]) == pytest.approx(48 / 64)


def test_a_line_of_one_value_needs_half_as_many_places() -> None:
    lines = np.full((64, 10), 100, np.uint8)
    lines[:24, [3, 5]] = 160
    lines[:, 4] = 100
    assert dead(lines) == pytest.approx(48 / 64)  # it stands out at 24 places, and shows nothing


def test_too_few_places_prove_nothing() -> None:
    lines = np.full((39, 10), 100, np.uint8)
    lines[:, 4] = 200
    assert dead(lines) == 0.0


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


def flipped(image: np.ndarray) -> float:
    return bits.bit_errors(image, *image_columns(image))


def test_flipped_bits_are_counted_where_one_colour_alone_jumps() -> None:
    image = np.full((40, 100, 3), 100, np.uint8)
    assert flipped(image) == 0.0
    image[20, 50, 1] ^= 64
    assert flipped(image) == pytest.approx(1 / (40 * 98))  # all rows are looked at; the outermost columns are not
    image[20, 1, 0] ^= 64
    image[21, 98, 2] ^= 64
    assert flipped(image) == pytest.approx(3 / (40 * 98))
    image[20, 50] = 164  # a spark: all three colours
    assert flipped(image) == pytest.approx(2 / (40 * 98))
    image[20:22, [1, 98]] = 100
    image[20, 50] = [100, 164, 112]  # a second colour is 12 lumas off as well
    assert flipped(image) == 0.0
    image[20, 50] = [100, 131, 100]  # no more than texture
    assert flipped(image) == 0.0


def test_a_jump_counts_against_its_neighbours_above_and_below() -> None:
    image = np.full((40, 100, 3), 100, np.uint8)
    image[20, 50, 1] = 164
    image[19, 50, 1] = 150  # what is next to it differs by 50, and it is but 14 above that
    assert flipped(image) == 0.0


def test_many_flipped_bits_are_taken_in_samples() -> None:
    image = np.full((60, 400, 3), 100, np.uint8)
    image[1:-1:2, 2:-2:2, 1] ^= 64
    # Every second pixel of every second row: 29 rows of 198 pixels, 5742 suspects, of which every second is looked at.
    assert flipped(image) == pytest.approx(29 * 198 / (60 * 398), rel=0.01)


@pytest.mark.parametrize("sigma", [4.0, 12.0, 40.0])
def test_noise_is_not_taken_for_flipped_bits(sigma: float) -> None:
    noise = np.random.default_rng(0).normal(110.0, sigma, (120, 160, 3))
    assert flipped(np.clip(noise, 0, 255).astype(np.uint8)) < 1e-4


def stuck(values: np.ndarray) -> float:
    return bits.stuck_bit(Lines.of(values))


def test_a_stuck_bit_leaves_a_gap_with_values_on_both_sides() -> None:
    lines = np.arange(256, dtype=np.uint8).repeat(4).reshape(64, 16)
    assert stuck(lines) == 0.0
    assert stuck(lines & 0xDF) == pytest.approx(0.25)  # below bit 5: 0..31 of 128 values, twice each
    assert stuck(lines // 8) == 0.0  # dark: nothing beyond the gap


def test_the_highest_bit_folds_bright_into_black() -> None:
    """A slope from 120 to 135 in eight steps of two: with bit 7 lost the fifth of them falls from 126 to 0."""
    slope = np.tile(np.arange(118, 138, 2, dtype=np.uint8), (64, 1))
    assert stuck(slope) == 0.0
    assert stuck(slope & 0x7F) == pytest.approx(1 / 9)
    dark = np.tile(np.array([0, 120, 20, 120, 20, 0, 127], np.uint8), (64, 1))
    assert stuck(dark) == pytest.approx(2 / 6)  # 2 of 6 steps of 112 or more, 3 of 96 or more: more than 0.4 of them
    dark[:, 6] = 0
    assert stuck(dark) == 0.0  # one against three: a dark scene's own contrast


def detailed(seed: int = 0) -> np.ndarray:
    """uint8 (180, 240, 3) of upright shapes at irregular places, that change little from row to row."""
    grid = np.random.default_rng(seed).normal(110.0, 40.0, (12, 80)).astype(np.float32)
    luma = np.clip(cv2.resize(grid, SIZE[::-1], interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)
    return cv2.merge([luma] * 3)


def test_a_seam_fits_after_a_shift() -> None:
    """The picture below row 89 is moved by 24 pixels: as they are the rows beside the seam have nothing in common."""
    image = detailed()
    assert tearing.seam(image, image_rows(image)) == (0.0, 0)
    image[90:] = np.roll(image[90:], 24, axis=1)
    strength, row = tearing.seam(image, image_rows(image))
    assert row == 89
    assert strength > 0.4
    image[90:] = detailed(4)[90:]  # another scene below: no shift makes it fit
    assert tearing.seam(image, image_rows(image))[0] < 0.15


def test_displaced_rows_by_hand() -> None:
    """Ten narrow lines at irregular places, and the same 20 pixels on: there all meet, elsewhere two at most."""
    row = np.zeros(320, np.float32)
    row[[40, 47, 61, 90, 96, 133, 150, 181, 200, 250]] = 100.0
    assert tearing.displaced(np.stack([row, np.roll(row, 20)])) == pytest.approx(0.8, abs=0.1)
    assert tearing.displaced(np.stack([row, row])) == 0.0
    assert tearing.displaced(np.stack([row, np.roll(row, 2)])) == 0.0  # a slanted edge
    assert tearing.displaced(np.stack([row, np.roll(row, 20)]) / 50) == 0.0  # too little structure to tell
    # Brighter by 80 below, as under the edge of a bridge: 81 lumas apart as they are, and still 80 after the shift.
    assert tearing.displaced(np.stack([row, np.roll(row, 20) + 80.0])) == 0.0
    assert tearing.displaced(np.stack([np.roll(row, 20), row])) > 0.7  # the other way round
    fence = np.zeros(320, np.float32)
    fence[20:300:14] = 100.0
    assert tearing.displaced(np.stack([fence, np.roll(fence, 7)])) < 0.1  # it fits again a post further


def test_chance_makes_blurred_rows_fit_somewhere() -> None:
    rows = cv2.blur(np.random.default_rng(0).normal(110.0, 200.0, (40, 480)).astype(np.float32), (25, 1))
    assert max(tearing.displaced(rows[k : k + 2]) for k in range(39)) < 0.2


def test_a_seam_in_the_same_place_again_may_be_a_fence() -> None:
    image = detailed()
    torn, lower = image.copy(), image.copy()
    torn[90:] = np.roll(torn[90:], 24, axis=1)
    lower[110:] = np.roll(lower[110:], 24, axis=1)
    alone, other = (tearing.seam(each, image_rows(each))[0] for each in (torn, lower))
    assert min(alone, other) > 0.3
    check = tearing.Tearing()
    found = [check.strength(each, image_rows(each)) for each in (torn, lower, image, torn)]
    assert found == pytest.approx([alone, other, 0.0, 0.58 * alone])


def test_an_edge_of_what_is_put_over_every_picture_counts_for_less_than_a_seam() -> None:
    """A seam goes through the whole width; of a box one side stands while the other changes."""
    before, after = detailed(4), detailed()
    after[90:] = np.roll(after[90:], 24, axis=1)
    for picture in (before, after):
        picture[40:90, :60] = 128
    alone = tearing.Tearing().strength(after, image_rows(after))
    assert alone > 0.2
    check = tearing.Tearing()
    assert [check.strength(p, image_rows(p)) for p in (before, after)] == pytest.approx([0.0, 0.58 * alone])


# Colour -----------------------------------------------------------------------------------------------------------


def test_a_mosaic_is_of_one_sign() -> None:
    image = np.full((64, 128, 3), 100, np.uint8)
    image[::2, ::2] = image[1::2, 1::2] = 60
    # Each cell differs by 2 * 40 across its diagonals, always alike; one is added below.
    assert mosaic(image) == pytest.approx(80 / 81)
    assert mosaic(street(size=(360, 480))) < 0.3
    assert mosaic(image[:, :20]) == 0.0


def test_a_colour_map_by_hand() -> None:
    maps = chroma(np.full((180, 240, 3), (90, 60, 30), np.uint8))
    assert maps.shape == (3, 30 * 22)
    # Red minus blue 60, green as much as their mean, brightness 60.
    np.testing.assert_allclose(maps.mean(axis=1), [60.0, 0.0, 60.0], atol=1e-4)


def test_colours_lie_between_yellow_and_blue() -> None:
    red_blue, green, luma = chroma(street())
    assert green_axis(np.stack([red_blue, green, luma])) < 0.7
    assert green_axis(np.stack([0.1 * red_blue, red_blue, luma])) > 5.0
    assert green_axis(np.stack([red_blue, 0.1 * green, luma])) == 0.0  # too grey to tell


def test_exchanged_channels_are_seen_against_the_last_frame_of_the_same_scene() -> None:
    image = street(1)
    image[..., 0] = np.clip(image[..., 0].astype(int) + 30, 0, 255)
    swapped = np.ascontiguousarray(image[..., ::-1])
    assert exchanged(chroma(image), chroma(swapped))
    assert not exchanged(chroma(image), chroma(image))
    assert not exchanged(chroma(image), chroma(np.ascontiguousarray(street(4)[..., ::-1])))  # another scene
    health = InputHealth(HealthConfig())
    frames = [image, swapped, swapped, image]
    found = [Reason.COLOUR in health.check(f, k).reasons for k, f in enumerate(frames, start=1)]
    assert found == [False, True, True, False]


# Standing still ---------------------------------------------------------------------------------------------------


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


def test_a_torn_picture_is_corrupt() -> None:
    fault, health = SensorFault("tearing", 0.5, seed=1), InputHealth(HealthConfig())
    image = detailed()
    assert Reason.CORRUPT not in health.check(image, 1).reasons
    found = [health.check(fault.frame(image), stamp).reasons for stamp in range(2, 8)]
    assert sum(Reason.CORRUPT in each for each in found) >= 5


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
