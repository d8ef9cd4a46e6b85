# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Corruptions: their names on the command line, and what each does to pictures whose result is known."""

from __future__ import annotations

import numpy as np
import pytest

from bundle_factory import paint_scene
from trustseg.errors import InputError
from trustseg.types import UInt8Array
from trustseg_lab.corruptions.camera_faults import CAMERA_FAULTS, FROZEN
from trustseg_lab.corruptions.catalogue import ALL_KINDS, Corruption, parse_corruptions
from trustseg_lab.corruptions.imagenet_c import IMAGENET_C

PICTURE = paint_scene(96, 128, seed=3)
GREY = np.full((100, 80, 3), 100, np.uint8)


def changed(kind: str, severity: int, image: UInt8Array = PICTURE, seed: int = 1) -> UInt8Array:
    return Corruption(kind, severity).apply(image, seed)


def test_the_fifteen_kinds_and_the_six_faults_are_there() -> None:
    assert len(IMAGENET_C) == 15
    assert {*CAMERA_FAULTS, FROZEN} == {"black", "frozen", "saturated", "occluded", "dead_rows", "colour_swap"}


@pytest.mark.parametrize("kind", [*IMAGENET_C, *CAMERA_FAULTS])
def test_every_kind_keeps_size_and_type_depends_on_the_seed_alone_and_leaves_the_original(kind: str) -> None:
    before = PICTURE.copy()
    for severity in (1, 5):
        out = changed(kind, severity)
        assert (out.shape, out.dtype) == (PICTURE.shape, np.uint8)
        assert np.array_equal(out, changed(kind, severity))
        assert np.abs(out.astype(int) - PICTURE).mean() > 0.2
    assert np.array_equal(PICTURE, before)


@pytest.mark.parametrize("kind", sorted({*IMAGENET_C, *CAMERA_FAULTS} - {"colour_swap", "frost", "motion_blur"}))
def test_more_severity_is_more_change(kind: str) -> None:
    """Not for the colour swap, whose severities are five wrong orders, and where direction or pattern is random."""
    change = [np.abs(changed(kind, s).astype(int) - PICTURE).mean() for s in (1, 5)]
    assert change[1] > 1.1 * change[0]


def test_brightness_and_contrast_by_hand() -> None:
    assert np.unique(changed("brightness", 2, GREY)).tolist() == [151]  # 100 + 0.2 x 255
    assert np.unique(changed("brightness", 5, np.full_like(GREY, 200))).tolist() == [255]
    halves = GREY.copy()
    halves[:50] = 200  # mean 150; severity 3 keeps a fifth of the distance to it
    assert np.unique(changed("contrast", 3, halves)).tolist() == [140, 160]


def test_noise_has_the_published_strength() -> None:
    middle = np.full((200, 300, 3), 128, np.uint8)
    assert changed("gaussian_noise", 1, middle).std() == pytest.approx(0.08 * 255, rel=0.03)
    # Poisson: 60 photons at white are 30.1 at 128, with a deviation of sqrt(30.1) / 60 of white.
    assert changed("shot_noise", 1, middle).std() == pytest.approx(255 * (60 * 128 / 255) ** 0.5 / 60, rel=0.03)
    hit = changed("impulse_noise", 5, middle)
    assert np.mean(hit != 128) == pytest.approx(0.27, abs=0.01)
    assert np.mean(hit == 255) == pytest.approx(np.mean(hit == 0), abs=0.01)


@pytest.mark.parametrize("kind", ["defocus_blur", "glass_blur", "motion_blur", "zoom_blur", "pixelate"])
def test_blur_leaves_a_plain_picture_as_it_is(kind: str) -> None:
    assert np.abs(changed(kind, 5, GREY).astype(int) - 100).max() <= 1


def test_faults_by_hand() -> None:
    assert changed("black", 5).mean() < 2.0
    assert np.unique(changed("saturated", 2, GREY)).tolist() == [255]  # 3 x 100
    swapped = changed("colour_swap", 1)
    assert np.array_equal(swapped, PICTURE[..., ::-1])
    orders = {changed("colour_swap", s, np.array([[[1, 2, 3]]], np.uint8)).tobytes() for s in range(1, 6)}
    assert len(orders) == 5
    assert bytes([1, 2, 3]) not in orders
    rows = np.flatnonzero((changed("dead_rows", 4, GREY) != GREY).any(axis=(1, 2)))
    assert rows.size == 25
    covered = (changed("occluded", 4, GREY) != GREY).any(axis=2).mean()
    assert covered == pytest.approx(0.5, abs=0.02)


def test_names_groups_and_ranges() -> None:
    assert parse_corruptions("fog:3,clean") == [Corruption("fog", 3), Corruption("clean", 0)]
    assert parse_corruptions("snow") == [Corruption("snow", 3)]
    assert parse_corruptions("black:4-5,black:5") == [Corruption("black", 4), Corruption("black", 5)]
    assert len(parse_corruptions("imagenet_c:1-5")) == 75
    assert [each.kind for each in parse_corruptions("night:2")] == ["scene_night"]
    assert parse_corruptions("fog:3")[0].kind == "fog"  # ImageNet-C's; the other is scene_fog
    assert Corruption("fog", 3).name == "fog:3"
    assert [Corruption("frozen", s).lag for s in range(1, 6)] == [1, 2, 5, 10, 25]
    assert len(set(ALL_KINDS)) == len(ALL_KINDS)


@pytest.mark.parametrize("text", ["fogg:3", "fog:0", "fog:6", "fog:x", "fog:5-2", "", "fog:2,", "clean:1", "fog:1.5"])
def test_what_is_no_corruption_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="corruption '"):
        parse_corruptions(text)
