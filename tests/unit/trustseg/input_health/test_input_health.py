# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Input health on made-up images: each rule fires on its fault and on nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import cv2
import numpy as np
import pytest

from moving_street import grain
from trustseg.input_health import HealthConfig, InputHealth, block_means, blur_ratio
from trustseg.input_health.frame_metrics import block_metrics
from trustseg.reasons import Reason

SIZE = (360, 480)


def texture(seed: int = 0, contrast: float = 45.0) -> np.ndarray:
    """uint8 RGB with detail at every scale, like a street."""
    rng = np.random.default_rng(seed)
    image = np.full((*SIZE, 3), 110.0, np.float32)
    for cells in (6, 24, 96, 240):
        grid = rng.normal(0, contrast / 2, (cells, cells * 4 // 3, 1)).astype(np.float32)
        image += cv2.resize(grid, SIZE[::-1], interpolation=cv2.INTER_NEAREST)[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def drive(count: int, speed: int = 6, noise: float = 1.5) -> list[np.ndarray]:
    """A scene that moves sideways, with a sensor's noise."""
    world, rng = street(), np.random.default_rng(9)
    return [grain(world[:, speed * k : speed * k + SIZE[1]], noise, rng) for k in range(count)]


@cache
def street() -> np.ndarray:
    return np.concatenate([texture(1), texture(2), texture(3)], axis=1)


def reasons_of(frames: Iterable[np.ndarray], **config: float) -> list[Reason]:
    health = InputHealth(HealthConfig(**config))  # type: ignore[arg-type]
    return [health.check(frame, stamp).reasons for stamp, frame in enumerate(frames, start=1)]


def test_clean_drive_has_no_reason() -> None:
    assert reasons_of(drive(90)) == [Reason.NONE] * 90


def test_standstill_with_noise_has_no_reason() -> None:
    assert reasons_of(drive(60, speed=0)) == [Reason.NONE] * 60


def test_frozen_from_the_third_identical_frame_until_it_moves() -> None:
    a, b = drive(2)
    frames = [a, a.copy(), a.copy(), a.copy(), b, b.copy(), a]
    frozen = [Reason.FROZEN in r for r in reasons_of(frames)]
    assert frozen == [False, False, True, True, False, False, False]


def test_one_changed_bit_is_not_frozen() -> None:
    """The copy that is compared first does not hold every pixel: the whole image decides."""
    image = np.zeros((720, 1280, 3), np.uint8)
    image[::7] = 120
    changed = image.copy()
    changed[1, 1, 1] ^= 1
    assert np.array_equal(cv2.resize(image, (240, 180)), cv2.resize(changed, (240, 180)))
    health = InputHealth(HealthConfig())
    counts = [health.check(f, k).figures["identical"] for k, f in enumerate([image, changed, image, image.copy()])]
    assert counts == [1, 1, 1, 2]


def test_same_stamp_does_not_count_as_another_frame() -> None:
    health = InputHealth(HealthConfig())
    image = drive(1)[0]
    assert [health.check(image, stamp).figures["identical"] for stamp in (1, 1, 1, 2)] == [1, 1, 1, 2]


def test_frozen_can_be_switched_off_or_put_later() -> None:
    image = drive(1)[0]
    assert not any(reasons_of([image] * 6, frozen_after=0))
    assert [Reason.FROZEN in r for r in reasons_of([image] * 6, frozen_after=5)] == [False] * 4 + [True] * 2


def test_resolution_change_is_not_frozen() -> None:
    flat = np.full((90, 120, 3), 99, np.uint8)
    assert not any(Reason.FROZEN in r for r in reasons_of([flat, flat[:45], flat, flat[:45]]))


@pytest.mark.parametrize(("level", "dark"), [(0, True), (10, True), (15, True), (16, False), (60, False)])
def test_dark(level: int, dark: bool) -> None:
    assert (Reason.DARK in reasons_of([np.full((*SIZE, 3), level, np.uint8)])[0]) == dark


@pytest.mark.parametrize(("share", "dark"), [(0.05, False), (0.01, True)])
def test_a_few_lamps_do_not_light_the_night(share: float, dark: bool) -> None:
    image = np.zeros((*SIZE, 3), np.uint8)
    image[: int(SIZE[0] * share)] = 200
    assert (Reason.DARK in reasons_of([image])[0]) == dark


@pytest.mark.parametrize(("share", "bright"), [(0.7, False), (0.8, True), (1.0, True)])
def test_bright(share: float, bright: bool) -> None:
    image = texture()
    image[: int(SIZE[0] * share)] = 255
    assert (Reason.BRIGHT in reasons_of([image])[0]) == bright


@pytest.mark.parametrize("sigma", [3.5, 5.0])
def test_defocus(sigma: float) -> None:
    assert reasons_of([cv2.GaussianBlur(texture(), (0, 0), sigma)]) == [Reason.BLUR]


@pytest.mark.parametrize("size", [(25, 1), (1, 25)])
def test_motion_blur_along_one_axis(size: tuple[int, int]) -> None:
    assert reasons_of([cv2.GaussianBlur(texture(), size, 5.0)]) == [Reason.BLUR]


@pytest.mark.parametrize("mirror", [False, True])
def test_motion_blur_along_a_diagonal(mirror: bool) -> None:
    kernel = np.diag(cv2.getGaussianKernel(31, 5.0)[:, 0])
    assert reasons_of([cv2.filter2D(texture(), -1, kernel[::-1] if mirror else kernel)]) == [Reason.BLUR]


def test_nothing_is_said_about_the_blur_of_an_empty_scene() -> None:
    assert reasons_of([cv2.GaussianBlur(texture(contrast=4.0), (0, 0), 4.0)]) == [Reason.NONE]


def test_a_small_camera_is_not_blurred() -> None:
    """A sharp image below the size of the copy is taken as it is, not enlarged."""
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    report = InputHealth(HealthConfig()).check(image, 1)
    assert report.reasons == Reason.NONE
    assert report.figures["blur_ratio"] == pytest.approx(3.0, abs=0.2)


def test_blur_ratio_by_hand() -> None:
    """A step edge of 100 across x: at one pixel's distance one of 239 differences, at two pixels' two of 238."""
    step = np.zeros((180, 240), np.uint8)
    step[:, 120:] = 100
    assert blur_ratio(step) == 0.0  # no edge along y: the lower of both
    both = step.copy()
    both[90:] += 100
    near_x, far_x, near_y, far_y = 100.0**2 / np.array([239, 238 / 2, 179, 178 / 2])
    by_hand = min((4 * near_x - far_x) / (near_x + 0.5), (4 * near_y - far_y) / (near_y + 0.5))
    assert blur_ratio(both) == pytest.approx(by_hand, rel=1e-6)
    assert by_hand == pytest.approx(1.96, abs=0.01)


def test_blur_ratio_of_noise_and_of_a_ramp() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (180, 240), dtype=np.uint8)
    assert blur_ratio(noise) == pytest.approx(3.0, abs=0.1)
    ramp = np.add.outer(np.arange(100), np.arange(100)).astype(np.uint8)
    assert blur_ratio(ramp) == 0.0


def _covered(frames: list[np.ndarray], start: int, mask: np.ndarray, level: int = 45) -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    out = []
    for k, frame in enumerate(frames):
        if k >= start:
            cover = grain(np.full(frame.shape, level, np.uint8), 1.5, rng)
            frame = cv2.blendLinear(frame, cover, 1 - mask[..., 0], mask[..., 0])
        out.append(frame)
    return out


@pytest.fixture(scope="module")
def blot() -> np.ndarray:
    """float32 (H, W, 1): a soft blot over the left third."""
    mask = np.zeros((*SIZE, 1), np.float32)
    mask[:, :160] = 1.0
    return cv2.GaussianBlur(mask, (0, 0), 5)[..., None]


def test_dirt_is_found_by_its_eighth_frame(blot: np.ndarray) -> None:
    obscured = [Reason.OBSCURED in r for r in reasons_of(_covered(drive(70), 40, blot))]
    # The frame that brings the dirt changes from clean to covered; the seven after it are still.
    assert obscured == [False] * 47 + [True] * 23


def test_small_dirt_is_not_reported(blot: np.ndarray) -> None:
    small = blot.copy()
    small[60:] = 0
    assert not any(reasons_of(_covered(drive(70), 40, small)))


@pytest.mark.slow
def test_clean_again(blot: np.ndarray) -> None:
    frames = drive(80)
    wiped = _covered(frames, 40, blot)[:60] + frames[60:]
    obscured = [Reason.OBSCURED in r for r in reasons_of(wiped)]
    assert any(obscured[50:60])
    assert not any(obscured[61:])


def test_a_bright_sky_that_comes_into_view_is_not_dirt(blot: np.ndarray) -> None:
    assert not any(Reason.OBSCURED in r for r in reasons_of(_covered(drive(70), 40, blot, level=230)))


def test_night_and_tunnels_are_not_dirt(blot: np.ndarray) -> None:
    """The left third goes black together with the light: nothing can be said about the lens."""
    frames = [f if k < 40 else (f * 0.35).astype(np.uint8) for k, f in enumerate(drive(70))]
    assert not any(Reason.OBSCURED in r for r in reasons_of(_covered(frames, 40, blot, level=12)))


def test_standing_still_behind_a_lorry_is_not_dirt(blot: np.ndarray) -> None:
    """Everything stands still: no statement."""
    frames = drive(40) + drive(40, speed=0)
    assert not any(reasons_of(_covered(frames, 42, blot)))


def test_reset_forgets(blot: np.ndarray) -> None:
    health = InputHealth(HealthConfig())
    frames = _covered(drive(60), 40, blot)
    for k, frame in enumerate(frames):
        report = health.check(frame, k)
    assert report.reasons == Reason.OBSCURED
    health.reset()
    assert health.check(frames[-1], 1).reasons == Reason.NONE
    assert health.check(frames[-1], 2).figures["identical"] == 2


def test_block_means() -> None:
    image = np.zeros((180, 240), np.uint8)
    image[15:30, 30:45] = 90
    means = block_means(image)
    assert means.shape == (12, 16)
    assert means[1, 2] == 90
    assert means.sum() == 90


@pytest.mark.parametrize("size", [(180, 240), (90, 240)])
def test_block_figures_are_means_of_blocks(size: tuple[int, int]) -> None:
    """90 rows are not a multiple of twelve: the blocks share the rows between them."""
    rng = np.random.default_rng(0)
    luma, before = (rng.integers(0, 256, size, dtype=np.uint8) for _ in range(2))
    before[:15, :15] = luma[:15, :15]
    luma[-1, -2:] = [7, 250]
    change, level, detail = block_metrics(luma, before)
    np.testing.assert_allclose(change, block_means(cv2.absdiff(luma, before)), rtol=1e-5)
    np.testing.assert_allclose(level, block_means(luma), rtol=1e-5)
    assert change[0, 0] == 0.0
    # The first pixel of a row has no neighbour before it.
    steps = np.diff(luma.astype(int), axis=1, prepend=luma[:, :1].astype(int))
    np.testing.assert_allclose(detail, block_means(np.abs(steps).astype(np.uint8)), rtol=1e-5)


@pytest.mark.parametrize("size", [(1, 1), (2, 700), (700, 2), (3, 3), (8, 8), (30, 700), (1080, 1920)])
def test_any_size(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert Reason.FROZEN not in InputHealth(HealthConfig()).check(image, 1).reasons
