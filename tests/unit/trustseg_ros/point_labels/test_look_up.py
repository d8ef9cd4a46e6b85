# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which pixel a point lies in, by hand: focal length 100 pixels, mask 41 x 21, principal point (20, 10)."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg_ros.ground_grid.projection import CameraMount, Lens
from trustseg_ros.point_labels.look_up import looked_up

K = np.array([[100.0, 0.0, 20.0], [0.0, 100.0, 10.0], [0.0, 0.0, 1.0]])
LENS = Lens((21, 41), K, np.zeros(5))
AT_THE_ORIGIN = CameraMount(0.0)
# Every pixel has its own class and confidence: 41 columns and 21 rows fit into neither alone.
LABELS = np.repeat(np.arange(41, dtype=np.uint8)[None], 21, axis=0)
CONFIDENCE = np.repeat((np.arange(21, dtype=np.uint8) * 10)[:, None], 41, axis=1)


def seen(*points: tuple[float, float, float], mount: CameraMount = AT_THE_ORIGIN) -> list[tuple[int, int]]:
    """(column, row) of each point, read from what it got; (255, 0) for nothing."""
    classes, confidence = looked_up(np.array(points, np.float64).reshape(-1, 3), LENS, mount, LABELS, CONFIDENCE)
    assert classes.dtype == np.uint8
    assert confidence.dtype == np.float32
    return [(int(c), round(float(p) * 255 / 10)) for c, p in zip(classes, confidence, strict=True)]


def test_a_point_on_the_optical_axis_is_in_the_principal_point() -> None:
    assert seen((5.0, 0.0, 0.0), (0.2, 0.0, 0.0), (80.0, 0.0, 0.0)) == [(20, 10)] * 3


def test_left_is_left_and_up_is_up() -> None:
    # 10 cm aside at 2 m: 5 pixels.
    assert seen((2.0, 0.1, 0.0), (2.0, -0.1, 0.0), (2.0, 0.0, 0.1), (2.0, 0.0, -0.1)) == [
        (15, 10), (25, 10), (20, 5), (20, 15),
    ]  # fmt: skip


def test_a_pixel_reaches_half_a_pixel_around_its_centre() -> None:
    assert seen((1.0, -0.0049, 0.0), (1.0, -0.0051, 0.0)) == [(20, 10), (21, 10)]
    # 40.4 and 40.6: the last column ends at 40.5; likewise the first row at -0.5.
    assert seen((1.0, -0.204, 0.0), (1.0, -0.206, 0.0)) == [(40, 10), (255, 0)]
    assert seen((1.0, 0.0, 0.104), (1.0, 0.0, 0.106)) == [(20, 0), (255, 0)]


def test_the_camera_stands_where_it_is_said_to_stand() -> None:
    # The sensor 1 m behind, half a metre to the right and 20 cm below the camera.
    mount = CameraMount(0.2, 1.0, 0.5)
    assert seen((3.0, 0.5, 0.2), (3.0, 0.6, 0.1), mount=mount) == [(20, 10), (15, 15)]
    # A camera that looks to the left sees what is left in its middle.
    assert seen((0.0, 7.0, 0.0), mount=CameraMount(0.0, yaw_deg=90.0)) == [(20, 10)]
    # A pitch of 45 degrees looks down: the point 3 m ahead and 3 m below.
    assert seen((3.0, 0.0, -3.0), mount=CameraMount(0.0, pitch_deg=45.0)) == [(20, 10)]


@pytest.mark.parametrize(
    "point",
    [
        (-5.0, 0.0, 0.0), (0.05, 0.0, 0.0), (0.0, 0.0, 0.0), (1.0, 9.0, 0.0), (1.0, 0.0, -9.0), (1e-30, 1e30, 0.0),
        (np.nan, 0.0, 0.0), (5.0, np.inf, 0.0), (np.inf, 0.0, 0.0),
    ],
)  # fmt: skip
def test_what_the_camera_does_not_see_has_no_class_and_spoils_no_other(point: tuple[float, float, float]) -> None:
    assert seen(point, (5.0, 0.0, 0.0)) == [(255, 0), (20, 10)]


def test_what_the_lens_bends_far_outside_back_into_the_image_is_not_believed() -> None:
    """r^2 = 6 and k1 = -1/6: the polynomial is 0 there, in the middle of the image."""
    folding = Lens((21, 41), K, np.array([-1 / 6, 0.0, 0.0, 0.0, 0.0]))
    point = np.array([[1.0, np.sqrt(6.0), 0.0]])
    classes, confidence = looked_up(point, folding, AT_THE_ORIGIN, LABELS, CONFIDENCE)
    assert (classes[0], confidence[0]) == (255, 0.0)


def test_a_pixel_without_a_class_gives_none_and_no_confidence() -> None:
    void = np.full_like(LABELS, 255)
    classes, confidence = looked_up(np.array([[5.0, 0.0, 0.0]]), LENS, AT_THE_ORIGIN, void, CONFIDENCE)
    assert (classes[0], confidence[0]) == (255, 0.0)


def test_no_points_are_no_labels() -> None:
    assert seen() == []
