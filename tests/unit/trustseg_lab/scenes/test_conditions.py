# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Conditions: pure, monotone in severity, at home on any picture; fog follows the depth."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.scenes import (
    FIT_KINDS,
    HELD_OUT_KINDS,
    KINDS,
    LENS_KINDS,
    LEVELS,
    Drive,
    SceneFrame,
    apply_condition,
    apply_conditions,
    condition_seed,
    parse_condition,
)


@pytest.fixture(scope="module")
def frame() -> SceneFrame:
    return Drive(5, (120, 160)).frame(30)


def damage(image: np.ndarray, changed: np.ndarray) -> float:
    """Mean absolute difference in grey levels."""
    return float(np.abs(image.astype(float) - changed).mean())


def test_half_of_the_kinds_are_held_out() -> None:
    assert set(KINDS) == set(FIT_KINDS) | set(HELD_OUT_KINDS)
    assert not set(FIT_KINDS) & set(HELD_OUT_KINDS)
    assert len(FIT_KINDS) == len(HELD_OUT_KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("known_depth", [True, False])
@pytest.mark.slow
def test_damage_grows_with_severity(frame: SceneFrame, kind: str, known_depth: bool) -> None:
    depth = frame.depth_m if known_depth else None
    levels = [apply_condition(kind, n / LEVELS, frame.image_rgb, depth, seed=4) for n in range(LEVELS + 1)]
    assert np.array_equal(levels[0], frame.image_rgb)
    grown = [damage(frame.image_rgb, image) for image in levels]
    assert all(b > a for a, b in pairwise(grown)), grown
    assert grown[-1] > 3.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_condition_is_pure(frame: SceneFrame, kind: str) -> None:
    image, depth = frame.image_rgb.copy(), frame.depth_m.copy()
    first = apply_condition(kind, 0.7, image, depth, seed=1)
    assert np.array_equal(image, frame.image_rgb)
    assert np.array_equal(depth, frame.depth_m)
    assert (first.dtype, first.shape) == (np.uint8, image.shape)
    assert np.array_equal(first, apply_condition(kind, 0.7, image, depth, seed=1))


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"defocus", "overexposure", "contrast", "jpeg", "pixelate"}))
def test_the_seed_changes_the_pattern(frame: SceneFrame, kind: str) -> None:
    a, b = (apply_condition(kind, 0.7, frame.image_rgb, frame.depth_m, seed=s) for s in (1, 2))
    assert not np.array_equal(a, b)


def test_fog_follows_the_depth() -> None:
    # A black picture in fog is airlight times 1 - t, with t = exp(-3 d / V) and V = 350 * (9 / 350) ^ 0.5 = 56.1 m:
    # 1 - t is 0.101 at 2 m, 0.414 at 10 m, 0.882 at 40 m, 1 in the sky; airlight drifts by a tenth or so.
    image = np.zeros((64, 80, 3), np.uint8)
    depth = np.full((64, 80), np.inf, np.float32)
    depth[:, :20], depth[:, 20:40], depth[:, 40:60] = 2.0, 10.0, 40.0
    fog = apply_condition("fog", 0.5, image, depth, seed=3).mean((0, 2))
    seen = [float(fog[a : a + 20].mean()) for a in (0, 20, 40, 60)]
    assert seen[3] == pytest.approx(92.0, abs=1.0)
    assert seen[0] / seen[3] == pytest.approx(0.101, rel=0.25)
    assert seen[1] / seen[3] == pytest.approx(0.414, rel=0.25)
    assert seen[2] / seen[3] == pytest.approx(0.882, rel=0.1)


def test_dirt_stays_where_it_is_and_rain_does_not(frame: SceneFrame) -> None:
    assert "dirt" in LENS_KINDS
    assert condition_seed("dirt", 7, 1) == condition_seed("dirt", 7, 2)
    assert condition_seed("rain", 7, 1) != condition_seed("rain", 7, 2)
    flat = np.full((100, 100, 3), 120, np.uint8)
    first, second = (apply_conditions([("dirt", 0.6)], flat, seed=7, k=k) for k in (1, 2))
    assert np.array_equal(first, second)


def test_conditions_are_applied_in_their_order(frame: SceneFrame) -> None:
    both = apply_conditions([("fog", 0.5), ("contrast", 0.5)], frame.image_rgb, frame.depth_m, seed=2, k=5)
    fog = apply_condition("fog", 0.5, frame.image_rgb, frame.depth_m, condition_seed("fog", 2, 5))
    assert np.array_equal(both, apply_condition("contrast", 0.5, fog, frame.depth_m, condition_seed("contrast", 2, 5)))


def test_a_drive_under_conditions_keeps_its_labels() -> None:
    drive = Drive(5, (120, 160))
    clear, dark = drive.frame(30), drive.frame(30, [("night", 0.9)])
    assert np.array_equal(clear.labels, dark.labels)
    assert dark.image_rgb.mean() < 0.4 * clear.image_rgb.mean()


@pytest.mark.parametrize("text", ["fog:0.25", "rain"])
def test_conditions_are_read_from_text(text: str) -> None:
    assert parse_condition(text) == {"fog:0.25": ("fog", 0.25), "rain": ("rain", 0.5)}[text]


@pytest.mark.parametrize("text", ["fgo:0.5", "fog:much", "fog:1.5", "fog:-0.1", "fog:nan", "", "fog:"])
def test_text_that_is_no_condition_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="condition"):
        parse_condition(text)


def test_what_cannot_be_used_is_refused(frame: SceneFrame) -> None:
    with pytest.raises(InputError, match="kind"):
        apply_condition("plague", 0.5, frame.image_rgb)
    with pytest.raises(InputError, match="severity"):
        apply_condition("fog", 1.2, frame.image_rgb)
    with pytest.raises(InputError, match="uint8"):
        apply_condition("fog", 0.5, frame.image_rgb.astype(np.float32))
    with pytest.raises(InputError, match="depth"):
        apply_condition("fog", 0.5, frame.image_rgb, frame.depth_m[:-1])
