# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where the ground is in the image, by hand: 1.5 m high, focal length 100 pixels, image 201 x 121, centre (100, 60)."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_ros.ground_grid.projection import CameraMount, GridShape, Lens, distance_error_m, footprints

K = np.array([[100.0, 0.0, 100.0], [0.0, 100.0, 60.0], [0.0, 0.0, 1.0]])
LENS = Lens((121, 201), K, np.zeros(5))
LEVEL = CameraMount(1.5)


def place(x: float, y: float, mount: CameraMount = LEVEL, lens: Lens = LENS) -> tuple[float, float]:
    pixels, fits = lens.project(np.array([[x, y, 0.0]]), mount)
    assert fits.all()
    return float(pixels[0, 0]), float(pixels[0, 1])


def test_level_camera() -> None:
    # 1.5 m below at 5 m: 30 pixels below the horizon; 1 m left at 5 m: 20 pixels left.
    assert place(5, 0) == pytest.approx((100, 90))
    assert place(5, 1) == pytest.approx((80, 90))
    assert place(10, -2) == pytest.approx((120, 75))


def test_mount_moves_and_turns() -> None:
    assert place(7, 1, CameraMount(1.5, x_m=2.0, y_m=1.0)) == pytest.approx((100, 90))
    # Looking down by atan(1.5 / 5) the point at 5 m is in the middle.
    down = np.degrees(np.arctan2(1.5, 5.0))
    assert place(5, 0, CameraMount(1.5, pitch_deg=down)) == pytest.approx((100, 60))
    # Looking left by atan(1 / 5) so is what stands 1 m left, in its column.
    left = np.degrees(np.arctan2(1.0, 5.0))
    assert place(5, 1, CameraMount(1.5, yaw_deg=left))[0] == pytest.approx(100)
    # Its right side down by 10 degrees, what is 30 pixels below the middle turns to the right about it.
    turned = (100 + 30 * np.sin(np.radians(10)), 60 + 30 * np.cos(np.radians(10)))
    assert place(5, 0, CameraMount(1.5, roll_deg=10.0)) == pytest.approx(turned)


@pytest.mark.parametrize(
    "mount",
    [
        CameraMount(1.5),
        CameraMount(1.45, 0.8, -0.3, 2.0, 6.0, -15.0),
        CameraMount(2.0, -1.0, 0.5, -3.0, -20.0, 170.0),
        CameraMount(3.0, 0.0, 0.0, 0.0, 90.0, 30.0),
    ],
)
def test_a_mount_comes_back_from_the_axes_of_its_optical_frame(mount: CameraMount) -> None:
    rotation, _ = mount.vehicle_to_optical()
    assert CameraMount.of_optical(rotation.T, np.array([mount.x_m, mount.y_m, mount.height_m])) == mount


def test_the_axes_that_rep_103_gives_an_optical_frame_look_ahead() -> None:
    # Its z is ahead, its x right (y of the vehicle is left), its y down.
    ahead = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
    assert CameraMount.of_optical(ahead, np.array([1.0, 2.0, 1.50004])) == CameraMount(1.5, 1.0, 2.0)


def test_what_is_behind_or_far_outside_is_not_projected() -> None:
    _, fits = LENS.project(np.array([[-5.0, 0.0, 0.0], [0.05, 0.0, 0.0], [2.0, 9.0, 0.0], [5.0, 0.0, 0.0]]), LEVEL)
    assert fits.tolist() == [False, False, False, True]


def test_distortion_is_applied() -> None:
    bent = Lens((121, 201), K, np.array([-0.2, 0.0, 0.0, 0.0, 0.0]))
    r2 = 0.2**2 + 0.3**2  # of the normalised point (-0.2, 0.3)
    assert place(5, 1, lens=bent) == pytest.approx((100 - 20 * (1 - 0.2 * r2), 60 + 30 * (1 - 0.2 * r2)))
    fisheye = Lens((121, 201), K, np.zeros(4), "equidistant")
    r = np.hypot(0.2, 0.3)
    scale = np.arctan(r) / r
    assert place(5, 1, lens=fisheye) == pytest.approx((100 - 20 * scale, 60 + 30 * scale))


WIDE = np.array([[60.0, 0.0, 100.0], [0.0, 60.0, 60.0], [0.0, 0.0, 1.0]])


@pytest.mark.parametrize(
    ("d", "model"),
    [
        ((-0.3, 0.0, 0.0, 0.0, 0.0), "plumb_bob"), ((-0.35, 0.02, 0.0, 0.0), "plumb_bob"),
        ((0.2, -0.1, 0.0, 0.0), "plumb_bob"),
        ((-0.2, 0.0, 0.0, 0.0, 0.0, 0.1, 0.2, 0.0), "rational_polynomial"), ((-0.4, 0.0, 0.0, 0.0), "equidistant"),
        ((0.0,) * 5, "plumb_bob"), ((), ""),
    ],
)  # fmt: skip
def test_every_point_is_where_the_camera_sees_it_or_nowhere(d: tuple[float, ...], model: str) -> None:
    """A pixel is seen in one direction: what lies further out is shown further out, or not at all."""
    lens = Lens((121, 201), WIDE, np.array(d, np.float64), model)
    aside, up = np.meshgrid(np.linspace(-6, 6, 161), np.linspace(-6, 6, 161))
    points = np.stack([np.ones_like(aside), aside, up], axis=-1).reshape(-1, 3)
    pixels, fits = lens.project(points, CameraMount(0.0))
    assert fits.sum() > 400  # of what a camera of this focal length sees
    further_out = np.argsort(np.hypot(points[fits, 1], points[fits, 2]))
    from_the_axis = np.hypot(*(pixels[fits] - (100, 60)).T)[further_out]
    assert (np.maximum.accumulate(from_the_axis) - from_the_axis).max() < 0.5  # pixels


@pytest.mark.parametrize(
    ("count", "model", "expected"),
    [(6, "plumb_bob", "4 or 5"), (5, "rational_polynomial", "8"), (5, "equidistant", "4"), (0, "equidistant", "4")],
)
def test_coefficients_that_no_model_has_are_refused(count: int, model: str, expected: str) -> None:
    with pytest.raises(InputError, match=f"expected {expected}, got {count}"):
        Lens((121, 201), K, np.full(count, 0.01), model)


@pytest.mark.parametrize(
    ("k", "model"),
    [
        (K, "thin_prism"), (np.zeros((3, 3)), "plumb_bob"), (K * np.nan, "plumb_bob"),
        (K * [[1.0], [1.0], [0.0]], "plumb_bob"), (K * [[1.0], [1.0], [0.0]], "equidistant"),
    ],
)  # fmt: skip
def test_a_camera_that_is_not_calibrated_is_refused(k: np.ndarray, model: str) -> None:
    with pytest.raises(InputError, match="expected"):
        Lens((121, 201), k, np.zeros(4), model)


def test_coefficients_without_a_model_are_refused_as_where_images_are_undistorted() -> None:
    with pytest.raises(InputError, match="distortion model '', expected plumb_bob or"):
        Lens((121, 201), K, np.full(4, 0.01), "")


def test_error_of_a_distance() -> None:
    # (5^2 + 1.5^2) / 1.5 = 18.17 m a radian: 0.18 m a pixel of 1/100, and 0.159 m for half a degree.
    assert distance_error_m(np.array(5.0), 1.5, 100.0, 0.0) == pytest.approx(0.18167, abs=1e-4)
    assert distance_error_m(np.array(5.0), 1.5, np.inf, 0.5) == pytest.approx(0.15853, abs=1e-4)
    # It bounds what projecting says: one row lower or higher around 5 m.
    row = [60 + 100 * 1.5 / (5 + shift) for shift in (-0.18167, 0.18167)]
    assert row[0] - 90 >= 1.0
    assert 90 - row[1] == pytest.approx(1.0, abs=0.06)


def test_footprints_of_cells() -> None:
    shape = GridShape(4.0, 6.0, 2.0, 1.0)
    assert shape.size == (2, 2)
    assert shape.right_m == -1.0
    cells = footprints(shape, LENS, LEVEL, pitch_error_deg=0.0, most_error_m=9.0, lowest_row=121)
    # Cell x 4..5, y -1..0: rows 60+30=90 to 60+37.5=97.5, columns 100 to 100+25=125.
    assert (cells.top[0, 0], cells.bottom[0, 0]) == (90, 98)
    assert (cells.left[0, 0], cells.right[0, 0]) == (100, 125)
    # The left one mirrors it.
    assert (cells.left[1, 0], cells.right[1, 0]) == (75, 100)
    # Its far edge is wrong by (5^2+1.5^2)/150 = 0.18 m: the ground 0.18 m behind is at 60 + 150/5.18 = 88.96.
    assert cells.clear[1, 0] == 89
    # An underbody 0.3 m above it: 60 + 120/5.18 = 83.2.
    raised = footprints(shape, LENS, LEVEL, pitch_error_deg=0.0, most_error_m=9.0, lowest_row=121, foot_m=0.3)
    assert raised.clear[1, 0] == 83
    assert cells.seen.all()


def test_cells_that_are_not_all_in_the_image_or_too_uncertain_are_not_seen() -> None:
    shape = GridShape(0.0, 40.0, 2.0, 1.0)
    cells = footprints(shape, LENS, LEVEL, pitch_error_deg=0.0, most_error_m=2.0, lowest_row=110)
    ahead = cells.seen[0]
    # Row 109 at most: 150 / x <= 49.5, x >= 3.03; error (x^2+2.25)/150 <= 2: x^2+y^2 <= 297.75, so the edge at 17.
    assert np.flatnonzero(ahead).tolist() == list(range(4, 17))
    assert cells.error_m[0, 16] == pytest.approx((17**2 + 1 + 2.25) / 150)
    assert cells.top.min() >= 0
    assert cells.bottom.max() <= 120
