# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One rule each for what the network sees and for class ids: both lay pixel centres on pixel centres."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trustseg.imaging.resize import for_the_eye, in_order, nearest, network_image, stretched

LENGTH = st.integers(1, 1300)
CAMERAS = ((480, 640), (375, 1242), (720, 1280), (1080, 1920), (361, 479), (1, 1), (97, 1301))


def _camera_sizes(test):
    for size in CAMERAS:
        test = example(old=(360, 480), new=size)(test)
    return test


@_camera_sizes
@given(old=st.tuples(LENGTH, LENGTH), new=st.tuples(LENGTH, LENGTH))
def test_each_pixel_takes_the_value_its_centre_falls_into(old: tuple[int, int], new: tuple[int, int]) -> None:
    """A column's number as its value tells which one was taken. A centre on an edge may go either way."""
    for axis in (0, 1):
        shape = [1, 1]
        shape[axis] = old[axis]
        numbers = np.arange(old[axis], dtype=np.uint16).reshape(shape)
        shape[axis] = new[axis]
        taken = nearest(numbers, (shape[0], shape[1])).ravel()
        centres = (np.arange(new[axis]) + 0.5) * old[axis] / new[axis]
        # OpenCV steps in 1/65536 of a pixel.
        assert np.abs(centres - (taken + 0.5)).max() <= 0.5 + new[axis] / 65536


def test_enlarging_invents_no_class_and_keeps_what_fits() -> None:
    labels = np.array([[0, 10], [7, 255]], np.uint8)
    assert nearest(labels, (4, 6)).tolist() == [[0] * 3 + [10] * 3] * 2 + [[7] * 3 + [255] * 3] * 2
    assert nearest(labels, (3, 2)).dtype == np.uint8
    assert nearest(labels, (2, 2)) is labels


@pytest.mark.parametrize("size", CAMERAS[:5])
def test_a_mask_lies_on_the_image_it_was_computed_from(size: tuple[int, int]) -> None:
    """A step edge of the camera, seen by the network, thresholded and enlarged, is back within half of its pixels."""
    height, width = size
    for edge in (width // 3, width // 2, 2 * width // 3):
        camera = np.zeros((height, width, 3), np.uint8)
        camera[:, edge:] = 255
        mask = (stretched(camera, (360, 480))[..., 0] > 127).astype(np.uint8)
        back = nearest(mask, size)
        found = int(np.argmax(back[height // 2]))
        assert abs(found - edge) <= 0.5 * width / 480 + 0.5


def test_the_networks_image_is_in_its_order_and_untouched_where_it_fits() -> None:
    blue = np.zeros((4, 6, 3), np.uint8)
    blue[..., 0] = 200
    assert network_image(blue, (2, 3), "bgr", "rgb")[0, 0].tolist() == [0, 0, 200]
    assert network_image(blue, (4, 6), "bgr", "bgr") is blue
    assert network_image(blue, (2, 3), "rgb", "bgr").shape == (2, 3, 3)
    assert in_order(blue, "rgb", "bgr")[0, 0].tolist() == [0, 0, 200]
    assert for_the_eye(blue, (4, 6)) is blue
    assert for_the_eye(np.array([[[0] * 3, [100] * 3]], np.uint8), (1, 1)).tolist() == [[[50] * 3]]
