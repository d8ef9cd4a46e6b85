# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""CameraInfo of a window of the sensor, and of binned pixels: the image's own size and matrices, worked out by hand."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

pytest.importorskip("sensor_msgs")

from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from trustseg.bounds import SECOND, derive_bounds
from trustseg.camera.geometry import Places
from trustseg.camera.input_geometry import InputGeometry
from trustseg.camera.model import CameraModel
from trustseg.errors import FrameRejected, InputError
from trustseg.reasons import Reason
from trustseg.types import Frame
from trustseg_ros.segmenter.input.camera_info import CameraInfoCheck, camera_model, image_matrices, image_size
from trustseg_ros.segmenter.messages import scaled_camera_info

HEADER = Header(frame_id="front")
BOUNDS = derive_bounds(SECOND // 10, SECOND // 20)
Window = tuple[int, int, int, int]


def info(
    size: tuple[int, int], roi: tuple[int, int, int, int] = (0, 0, 0, 0), binning: tuple[int, int] = (0, 0)
) -> CameraInfo:
    """Of a sensor of `size` (height, width): focal length 400 across and 500 down, centre in the middle."""
    left, top, width, height = roi
    made = CameraInfo(
        header=HEADER, height=size[0], width=size[1], distortion_model="rational_polynomial",
        d=[0.1 * i for i in range(8)],
        binning_x=binning[0], binning_y=binning[1],
        roi=RegionOfInterest(x_offset=left, y_offset=top, width=width, height=height),
    )  # fmt: skip
    across, down = size[1] / 2, size[0] / 2
    made.k = np.array([400.0, 0, across, 0, 500, down, 0, 0, 1])
    made.p = np.array([400.0, 0, across, -40, 0, 500, down, 20, 0, 0, 1, 0])
    return made


# The first pixel of n in a row has its centre at (n - 1) / 2 of theirs: 240 becomes 240.5 / 2 - 0.5.
# sensor (height, width), roi (left, top, width, height), binning -> image (height, width), fx, cx, fy, cy, Tx, Ty
CASES = [
    ((600, 480), (0, 0, 0, 0), (0, 0), (600, 480), (400, 240, 500, 300, -40, 20)),
    ((600, 480), (0, 0, 0, 0), (1, 1), (600, 480), (400, 240, 500, 300, -40, 20)),
    ((600, 480), (0, 120, 480, 360), (0, 0), (360, 480), (400, 240, 500, 180, -40, 20)),
    ((600, 480), (100, 0, 300, 600), (0, 0), (600, 300), (400, 140, 500, 300, -40, 20)),
    ((600, 480), (0, 0, 0, 0), (2, 2), (300, 240), (200, 119.75, 250, 149.75, -20, 10)),
    ((600, 480), (0, 0, 0, 0), (2, 0), (600, 240), (200, 119.75, 500, 300, -20, 20)),
    ((600, 480), (100, 120, 280, 360), (2, 3), (120, 140), (200, 69.75, 500 / 3, 180.5 / 3 - 0.5, -20, 20 / 3)),
    ((601, 481), (0, 0, 0, 0), (2, 2), (300, 240), (200, 120, 250, 150, -20, 10)),
    ((600, 480), (9, 9, 0, 0), (0, 0), (600, 480), (400, 240, 500, 300, -40, 20)),
]


@pytest.mark.parametrize(("size", "roi", "binning", "image", "numbers"), CASES)
def test_size_and_matrices_of_the_image(
    size: tuple[int, int], roi: Window, binning: tuple[int, int], image: tuple[int, int],
    numbers: tuple[float, ...],
) -> None:  # fmt: skip
    given = info(size, roi, binning)
    fx, cx, fy, cy, tx, ty = numbers
    assert image_size(given) == image
    k, p = image_matrices(given)
    assert k == pytest.approx([fx, 0, cx, 0, fy, cy, 0, 0, 1])
    assert p == pytest.approx([fx, 0, cx, tx, 0, fy, cy, ty, 0, 0, 1, 0])
    half = scaled_camera_info(given, HEADER, (image[0] * 2, image[1] // 2))
    assert half is not None
    at = (cx + 0.5) / 2 - 0.5, (cy + 0.5) * 2 - 0.5
    assert half.k == pytest.approx([fx / 2, 0, at[0], 0, fy * 2, at[1], 0, 0, 1])
    assert half.p == pytest.approx([fx / 2, 0, at[0], tx / 2, 0, fy * 2, at[1], ty * 2, 0, 0, 1, 0])
    assert (half.roi, half.binning_x, half.binning_y) == (RegionOfInterest(), 0, 0)
    assert (half.distortion_model, list(half.d)) == ("rational_polynomial", list(given.d))
    assert (given.k[2], given.p[6]) == (size[1] / 2, size[0] / 2)  # the message of the camera stays as it is


@pytest.mark.parametrize("size", [(30, 40), (45, 64), (240, 320), (120, 160)])
def test_the_scaled_matrix_is_that_of_the_pixels_as_they_are_resized(size: tuple[int, int]) -> None:
    """A point in the middle of a pixel of the mask lies where the resize took that pixel's colour from."""
    given = info((120, 160))
    made = scaled_camera_info(given, HEADER, size)
    assert made is not None
    place = np.broadcast_to(np.arange(120, dtype=np.float32)[:, None], (120, 160))
    resized = cv2.resize(place, size[::-1], interpolation=cv2.INTER_LINEAR)[:, 0]
    row = np.arange(size[0])
    inner = (resized > 0.5) & (resized < 118.5)  # at its border it repeats the last one
    ray = (row - made.k[5]) / made.k[4]
    assert ray[inner] * given.k[4] + given.k[5] == pytest.approx(resized[inner], abs=1e-3)


@pytest.mark.parametrize(
    ("size", "roi"),
    [
        ((600, 480), (0, 241, 480, 360)), ((600, 480), (1, 0, 480, 360)), ((600, 480), (0, 0, 480, 0)),
        ((600, 480), (0, 0, 0, 360)), ((0, 0), (0, 0, 480, 360)),
        ((0, 0), (0, 0, 480, 0)), ((0, 0), (0, 0, 0, 360)), ((600, 0), (0, 0, 0, 0)), ((0, 480), (0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_a_window_that_is_none_of_the_sensor_says_nothing(
    size: tuple[int, int], roi: tuple[int, int, int, int]
) -> None:
    given = info(size, roi)
    assert image_size(given) is None
    assert scaled_camera_info(given, HEADER, (10, 10)) is None


def test_a_camera_that_is_not_calibrated_keeps_its_zeros() -> None:
    given = CameraInfo(height=600, width=480, binning_x=2, roi=RegionOfInterest(y_offset=9, width=480, height=360))
    k, p = image_matrices(given)
    assert not k.any()
    assert not p.any()
    assert image_size(CameraInfo()) == (0, 0)
    scaled = scaled_camera_info(CameraInfo(), HEADER, (10, 20))
    assert scaled is not None
    assert (scaled.height, scaled.width, scaled.k.any()) == (10, 20, False)


def test_frames_fit_the_window_and_not_the_sensor() -> None:
    check = CameraInfoCheck(True, BOUNDS, 0)
    check.note(info((600, 480), (0, 120, 480, 360), (2, 2)), 0)
    window, sensor = (Frame(np.zeros((*size, 3), np.uint8), 1, "front") for size in ((180, 240), (600, 480)))
    assert check.reasons(window, 1) == Reason.NONE
    assert check.reasons(sensor, 1) == Reason.CAMERA_INFO
    check.note(info((600, 480), (0, 300, 480, 360)), 0)
    assert check.reasons(window, 1) == Reason.CAMERA_INFO


def test_a_required_camera_info_must_be_there_new_and_of_the_image() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), 1, "front")
    check = CameraInfoCheck(True, BOUNDS, 0)
    assert check.reasons(frame, SECOND) == Reason.NONE  # it may still come
    assert check.reasons(frame, SECOND + 1) == Reason.CAMERA_INFO
    of_another = info((4, 6))
    of_another.header = Header(frame_id="rear")
    for given, reason in (
        (info((4, 6)), Reason.NONE),
        (info((6, 4)), Reason.CAMERA_INFO),
        (of_another, Reason.CAMERA_INFO),
    ):
        check.note(given, 2 * SECOND)
        assert check.reasons(frame, 3 * SECOND) == reason
        assert check.newest is given
    check.note(info((4, 6)), 3 * SECOND)
    assert check.reasons(frame, 4 * SECOND + 1) == Reason.CAMERA_INFO


def test_a_camera_info_that_is_not_required_is_not_looked_at() -> None:
    frame = Frame(np.zeros((4, 6, 3), np.uint8), 1, "front")
    check = CameraInfoCheck(False, BOUNDS, 0)
    check.note(info((6, 4)), 0)
    assert check.reasons(frame, 10 * SECOND) == Reason.NONE


def test_the_calibration_is_that_of_the_window_and_of_its_pixels() -> None:
    model = camera_model(info((600, 480), (100, 120, 280, 360), (2, 3)))
    assert model.size == (120, 140)
    down = pytest.approx(180.5 / 3 - 0.5)
    assert (model.k[0], model.k[2], model.k[5]) == (200.0, 69.75, down)
    assert model.view == (200.0, 0.0, 69.75, 0.0, pytest.approx(500 / 3), down, 0.0, 0.0, 1.0)
    assert (model.distortion_model, model.d[7]) == ("rational_polynomial", pytest.approx(0.7))
    with pytest.raises(InputError, match=r"a roi within the sensor, got .*0, 300, 480, 360.* x, y, width, height"):
        camera_model(info((600, 480), (0, 300, 480, 360)))


def test_each_new_calibration_is_prepared_once_and_a_bad_one_fails_closed() -> None:
    prepared: list[CameraModel] = []
    check = CameraInfoCheck(False, BOUNDS, 0, prepared.append)
    frame = Frame(np.zeros((600, 480, 3), np.uint8), 1, "front")
    assert check.model is None
    assert check.reasons(frame, SECOND + 1) == Reason.CAMERA_INFO  # who undistorts needs one
    for _ in range(2):
        check.note(info((600, 480)), 0)
    assert prepared == [camera_model(info((600, 480)))]
    assert check.model == prepared[0]
    omni = info((600, 480))
    omni.distortion_model = "omni"
    check.note(omni, 0)
    with pytest.raises(FrameRejected, match=r"cannot be undistorted: distortion model 'omni', expected") as no:
        _ = check.model
    assert no.value.reason == Reason.CAMERA_INFO
    check.note(info((600, 480)), 0)
    assert check.model == prepared[0]


def test_a_calibration_that_cannot_be_prepared_is_not_used() -> None:
    def refuse(model: CameraModel) -> None:
        raise FrameRejected(Reason.BAD_DIMENSIONS, "the region of interest is not in the image")

    check = CameraInfoCheck(False, BOUNDS, 0, refuse)
    check.note(info((600, 480)), 0)
    with pytest.raises(FrameRejected, match="undistorted: the region of interest is not in the image") as no:
        _ = check.model
    assert no.value.reason == Reason.BAD_DIMENSIONS


@pytest.mark.parametrize("change", [{"p": [400.0, 0, 240, 0, 0, 500, 300, 0, 0, 0, 0, 0]}, {"r": [1.0, *[0.0] * 8]}])
def test_matrices_without_an_inverse_are_one_line(change: dict[str, list[float]]) -> None:
    check = CameraInfoCheck(False, BOUNDS, 0, Places(InputGeometry(undistort=True), (60, 80)).prepare)
    given = info((600, 480))
    for name, values in change.items():
        setattr(given, name, values)
    check.note(given, 0)
    with pytest.raises(FrameRejected, match=r"undistorted: matrix . of the camera, expected one that has an inv") as no:
        _ = check.model
    assert no.value.reason == Reason.CAMERA_INFO


def test_a_size_that_no_image_has_is_not_prepared() -> None:
    check = CameraInfoCheck(False, BOUNDS, 0, Places(InputGeometry(undistort=True), (60, 80)).prepare)
    check.note(info((40_000, 480)), 0)
    with pytest.raises(FrameRejected, match=r"size in camera_info, expected height and width from 8 to 16384") as no:
        _ = check.model
    assert no.value.reason == Reason.CAMERA_INFO


@pytest.mark.parametrize("error", [cv2.error("remap"), np.linalg.LinAlgError("SVD"), OverflowError("too large")])
def test_whatever_preparing_raises_ends_no_callback(error: Exception) -> None:
    def fail(model: CameraModel) -> None:
        raise error

    check = CameraInfoCheck(False, BOUNDS, 0, fail)
    check.note(info((600, 480)), 0)
    with pytest.raises(FrameRejected, match=rf"cannot be undistorted: {type(error).__name__}: {error}") as no:
        _ = check.model
    assert no.value.reason == Reason.CAMERA_INFO
