# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Calibration files as camera_calibration writes them, and what is wrong with others in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.errors import InputError
from trustseg_lab.data.camera_file import read_camera_file

FILE = """image_width: 640
image_height: 480
camera_name: narrow_stereo
camera_matrix:
  rows: 3
  cols: 3
  data: [500.0, 0, 320, 0, 510.0, 240, 0, 0, 1]
distortion_model: plumb_bob
distortion_coefficients:
  rows: 1
  cols: 5
  data: [-0.3, 0.1, 0, 0, 0]
rectification_matrix:
  rows: 3
  cols: 3
  data: [1, 0, 0, 0, 1, 0, 0, 0, 1]
projection_matrix:
  rows: 3
  cols: 4
  data: [480, 0, 310, 0, 0, 490, 250, 0, 0, 0, 1, 0]
"""


def test_a_file_of_camera_calibration(tmp_path: Path) -> None:
    path = tmp_path / "ost.yaml"
    path.write_text(FILE)
    model = read_camera_file(path)
    assert (model.size, model.distortion_model, model.d) == ((480, 640), "plumb_bob", (-0.3, 0.1, 0.0, 0.0, 0.0))
    assert (model.k[0], model.k[4]) == (500.0, 510.0)
    assert model.view == (480.0, 0.0, 310.0, 0.0, 490.0, 250.0, 0.0, 0.0, 1.0)
    path.write_text(FILE.split("rectification_matrix")[0])
    assert read_camera_file(path).view == model.k


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("plumb_bob", "omni", "distortion model 'omni', expected plumb_bob or rational_polynomial"),
        ("image_width: 640\n", "", "image_width: Field required"),
        ("[500.0, 0,", "[500.0,", "matrix K of the camera, expected nine finite numbers"),
        ("[-0.3, 0.1, 0, 0, 0]", "[-0.3, a]", "distortion_coefficients.data.1: "),
        ("[500.0, 0,", "[0, 0,", "the camera is not calibrated"),
    ],
)
def test_what_is_wrong_names_the_file(old: str, new: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "ost.yaml"
    path.write_text(FILE.replace(old, new))
    with pytest.raises(InputError) as told:
        read_camera_file(path)
    assert str(told.value).startswith(f"{path}: {line}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_camera_file(tmp_path / "none.yaml")
