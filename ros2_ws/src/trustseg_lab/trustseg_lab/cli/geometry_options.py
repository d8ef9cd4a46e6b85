# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Options about the way from the camera's image to the network's input, the same in every command that has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from trustseg.camera.input_geometry import InputGeometry, region_of

INPUT_GEOMETRY: Any = typer.Option(
    metavar="MODE",
    help="fit, stretch, crop or letterbox: how the image becomes the network's input (docs/input_geometry.md).",
)
REGION_OF_INTEREST: Any = typer.Option(
    metavar="X,Y,WIDTH,HEIGHT", help="Part of the image that the network sees, pixels. Default: all of it."
)
UNDISTORT: Any = typer.Option(
    metavar="FILE", help="Calibration of the camera (YAML of camera_calibration): the network sees its rectified view."
)


def geometry_of(mode: str, region: str, calibration: Path | None) -> InputGeometry:
    """What the three options say.

    Raises:
        InputError: no such mode, no region, or a file that cannot be used.
    """
    if calibration is None:
        return InputGeometry(mode, region_of(region))
    from trustseg_lab.data.camera_file import read_camera_file

    return InputGeometry(mode, region_of(region), undistort=True, camera=read_camera_file(calibration))
