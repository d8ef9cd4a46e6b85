# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera's calibration as camera_calibration and camera_info_manager write it: YAML with sensor_msgs' names."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict, Field, ValidationError

from trustseg.bundle.schema import Strict
from trustseg.camera.model import CameraModel
from trustseg.errors import InputError
from trustseg_lab.data.yaml_file import first_problem, read_yaml


class Matrix(Strict):
    """A matrix of the file, row by row; its `rows` and `cols` follow from what it is."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    data: tuple[float, ...]


class CameraFile(Strict):
    """What undistortion takes of the file; binning and names are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    image_width: int = Field(ge=1)
    image_height: int = Field(ge=1)
    distortion_model: str = ""
    camera_matrix: Matrix
    distortion_coefficients: Matrix
    rectification_matrix: Matrix = Matrix(data=())
    projection_matrix: Matrix = Matrix(data=())


def read_camera_file(path: Path) -> CameraModel:
    """The calibration in the YAML file at `path`.

    Raises:
        InputError: it is missing, no such file, or its distortion is of a model that OpenCV does not know.
    """
    try:
        read = CameraFile.model_validate(read_yaml(path))
    except ValidationError as error:
        raise first_problem(error, path) from None
    try:
        return CameraModel.of(
            (read.image_height, read.image_width), read.distortion_model, read.distortion_coefficients.data,
            read.camera_matrix.data, read.rectification_matrix.data, read.projection_matrix.data,
        )  # fmt: skip
    except InputError as error:
        raise InputError(f"{path}: {error.what}", expected=error.expected, got=error.got, fix=error.fix) from None
