# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lens for a mask: of the newest camera_info of its camera, at its size, and made once."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sensor_msgs", reason="ROS 2 is not there")

from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from trustseg.errors import InputError
from trustseg_ros.ground_grid.camera_lens import CameraLens

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
