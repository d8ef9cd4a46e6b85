# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lens for a mask: of the newest camera_info of its camera, at its size, and made once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("sensor_msgs", reason="ROS 2 is not there")

from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from trustseg.errors import InputError
from trustseg_ros.ground_grid.camera_lens import CameraLens
from trustseg_ros.ground_grid.projection import CameraMount

FRONT = Header(frame_id="front")
MASK = Image(header=FRONT, height=60, width=80)


def info(**changes: Any) -> CameraInfo:
    """Of an image of twice the size of the mask."""
    k = [100.0, 0.0, 79.5, 0.0, 110.0, 59.5, 0.0, 0.0, 1.0]
    fields = {"header": FRONT, "height": 120, "width": 160, "distortion_model": "plumb_bob", "d": [0.0] * 5, "k": k}
    return CameraInfo(**fields | changes)


def test_it_is_that_of_the_mask_and_made_anew_when_something_changes() -> None:
    camera = CameraLens()
    camera.note(info())
    lens = camera.of(MASK)
    assert (lens.size, lens.model) == ((60, 80), "plumb_bob")
    assert lens.k.tolist() == [[50, 0, 39.5], [0, 55, 29.5], [0, 0, 1]]
    camera.note(info())
    assert camera.of(Image(header=FRONT, height=60, width=80)) is lens
    for change in ({"d": [0.1] * 5}, {"distortion_model": "equidistant", "d": [0.0] * 4}, {"width": 320}):
        before = camera.of(MASK)
        camera.note(info(**change))
        assert camera.of(MASK) is not before
    assert camera.of(Image(header=FRONT, height=30, width=40)).size == (30, 40)


def test_without_a_matrix_of_the_masks_camera_there_is_none() -> None:
    camera = CameraLens()
    for given in (None, info(header=Header(frame_id="rear")), info(k=[0.0] * 9)):
        if given is not None:
            camera.note(given)
        with pytest.raises(InputError, match="no camera_info with the matrix of front has arrived"):
            camera.of(MASK)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"k": [100.0, 0.0, 79.5, 0.0, 110.0, 59.5, 0.0, 0.0, 0.0]}, "matrix K of the camera, expected one that has"),
        ({"distortion_model": "", "d": [0.1] * 5}, "distortion model ''"),
        ({"distortion_model": "equidistant", "d": []}, "coefficients of equidistant, expected 4, got 0"),
    ],
)
def test_a_camera_that_cannot_be_used_is_one_line(change: dict[str, Any], why: str) -> None:
    camera = CameraLens()
    camera.note(info(**change))
    with pytest.raises(InputError, match=why):
        camera.of(MASK)
    camera.note(info(p=[100.0, *[0.0] * 11], r=[1.0, *[0.0] * 8]))  # a rectified view is nothing to it
    camera.of(MASK)


def rectified(**changes: Any) -> CameraInfo:
    """As image_proc sends it with image_rect: K and D of the raw image, and P of the rectified one, twice the mask."""
    p = [90.0, 0.0, 69.5, -9.0, 0.0, 95.0, 49.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info(
        **{"d": [-0.3, 0.1, 0.0, 0.0, 0.0], "r": [0.8, 0.0, 0.6, 0.0, 1.0, 0.0, -0.6, 0.0, 0.8], "p": p} | changes
    )


def test_of_a_rectified_image_the_matrix_is_ps_and_nothing_is_distorted() -> None:
    camera = CameraLens(rectified=True)
    for change in ({}, {"distortion_model": "equidistant", "d": [0.1] * 4}, {"distortion_model": "of my own"}):
        camera.note(rectified(**change))
        lens = camera.of(MASK)
        assert lens.k.tolist() == [[45, 0, 34.5], [0, 47.5, 24.5], [0, 0, 1]]
        assert lens.model == "plumb_bob"
        assert not lens.d.any()
    camera.note(rectified(k=[0.0] * 9, d=[]))  # a driver that rectifies need not tell the raw image's
    assert camera.of(MASK) is lens
    raw = CameraLens()
    raw.note(rectified())
    assert (raw.of(MASK).k[0, 0], raw.of(MASK).d[0]) == (50.0, -0.3)


def test_a_point_beside_the_axis_is_where_p_puts_it() -> None:
    camera = CameraLens(rectified=True)
    camera.note(rectified())
    # 10 m ahead, 4 m to the right, 2 m below the camera: 45 * 0.4 + 34.5 and 47.5 * 0.2 + 24.5.
    pixel, fits = camera.of(MASK).project(np.array([[10.0, -4.0, -2.0]]), CameraMount(0.0))
    assert fits.all()
    assert pixel[0] == pytest.approx([52.5, 34.0])


@pytest.mark.parametrize(
    ("p", "why"),
    [
        ([0.0] * 12, "no camera_info with the matrix P of front has arrived"),
        ([90.0, *[0.0] * 11], "the camera is not calibrated, expected an image size and focal lengths above 0"),
    ],
)
def test_a_rectified_image_without_p_has_no_lens(p: list[float], why: str) -> None:
    camera = CameraLens(rectified=True)
    camera.note(rectified(p=p))
    with pytest.raises(InputError, match=why):
        camera.of(MASK)
    camera.note(rectified())
    camera.of(MASK)
