# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera's calibration: what undistortion takes, and what is refused in one line."""

from __future__ import annotations

from typing import Any

import pytest

from trustseg.camera.model import CameraModel
from trustseg.errors import InputError

K = (500.0, 0.0, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0)
P = (480.0, 0.0, 310.0, -40.0, 0.0, 490.0, 250.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def made(**changes: Any) -> CameraModel:
    fields: dict[str, Any] = {"size": (480, 640), "model": "plumb_bob", "d": [0.1] * 5, "k": K, "r": [0.0] * 9, "p": P}
    return CameraModel.of(**fields | changes)


def test_fields_of_a_camera_info() -> None:
    model = made()
    assert model.view == (480.0, 0.0, 310.0, 0.0, 490.0, 250.0, 0.0, 0.0, 1.0)  # without the column of the baseline
    assert model.rotation == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    assert made(p=[0.0] * 12).view == K
    assert made() == model
    assert made(model="rational_polynomial", d=[0.1] * 8).d == (0.1,) * 8


def test_no_distortion_has_no_model() -> None:
    for d in ((), (0.0,) * 4, (0.0,) * 8):
        assert made(model="", d=d).d == (0.0,) * 5
    for d in ((), (0.0,) * 5, (0.0,) * 8):
        assert made(model="rational_polynomial", d=d).d == (0.0,) * 8


def test_a_fisheye_of_zeros_stays_a_fisheye() -> None:
    model = made(model="equidistant", d=(0.0,) * 4)
    assert (model.distortion_model, model.d) == ("equidistant", (0.0,) * 4)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"model": "omni"}, "distortion model 'omni', expected plumb_bob or rational_polynomial or equidistant; calib"),
        ({"model": "omni", "d": ()}, "distortion model 'omni', expected"),
        ({"model": "equidistant"}, "coefficients of equidistant, expected 4, got 5"),
        ({"model": "equidistant", "d": ()}, "coefficients of equidistant, expected 4, got 0"),
        ({"model": ""}, "distortion model '', expected"),
        ({"d": [0.1] * 8}, "coefficients of plumb_bob, expected 4 or 5, got 8"),
        ({"d": [0.1, float("nan"), 0, 0]}, "distortion of the camera, expected finite numbers"),
        ({"k": [0.0] * 9}, "the camera is not calibrated, expected an image size and focal lengths above 0"),
        ({"size": (0, 0)}, "the camera is not calibrated"),
        ({"k": K[:8]}, "matrix K of the camera, expected nine finite numbers"),
        ({"k": (float("inf"), *K[1:])}, "matrix K of the camera, expected nine finite numbers"),
        ({"p": (-1.0, *P[1:])}, "the camera is not calibrated"),
        ({"k": (*K[:8], 0.0)}, "matrix K of the camera, expected one that has an inverse, got [500, 0, 320,"),
        ({"p": (*P[:10], 0.0, 0.0)}, "matrix P of the camera, expected one that has an inverse, got [480, 0, 310,"),
        ({"r": (1.0, *[0.0] * 8)}, "matrix R of the camera, expected one that has an inverse, got [1, 0, 0, 0,"),
        ({"r": (1.0, 0.0, 0.0, 1.0, 1e-9, 0.0, 0.0, 0.0, 1.0)}, "matrix R of the camera, expected one that has"),
        ({"p": (1e200, 0.0, 1e300, 0.0, *P[4:])}, "matrix P of the camera, expected one that has an inverse"),
    ],
)
def test_what_cannot_be_undistorted_is_refused(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as told:
        made(**changes)
    assert str(told.value).startswith(line)
