# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which part of a camera's image the network sees, and how: a setting, checked when made. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg.camera.model import CameraModel
from trustseg.errors import InputError

STRETCH, CROP, LETTERBOX = "stretch", "crop", "letterbox"
GEOMETRIES = (STRETCH, CROP, LETTERBOX)
LEAST_REGION = 16


@dataclass(frozen=True)
class InputGeometry:
    """Which part of a camera's image the network sees, and how.

    Attributes:
        mode: "stretch" the region to the network's input; "crop" the largest part in its middle that has the input's
            aspect; "letterbox" all of it with its aspect kept, and its mirror image beside it.
        region: (x, y, width, height) in pixels of the camera's image, of the undistorted one with `undistort`; None:
            all of it.
        undistort: show the network the rectified view of the camera's calibration.
        camera: that calibration, where it does not come with the frames.

    Raises:
        InputError: no such mode, or a region that is none.
    """

    mode: str = STRETCH
    region: tuple[int, int, int, int] | None = None
    undistort: bool = False
    camera: CameraModel | None = None

    def __post_init__(self) -> None:
        if self.mode not in GEOMETRIES:
            raise InputError("input geometry", expected="one of " + ", ".join(GEOMETRIES), got=repr(self.mode))
        if self.region is None:
            return
        x, y, width, height = self.region
        if x < 0 or y < 0 or width < LEAST_REGION or height < LEAST_REGION:
            raise InputError(
                "region of interest", expected=f"x and y from 0, at least {LEAST_REGION} pixels wide and high",
                got=region_text(self.region),
            )  # fmt: skip

    @property
    def is_plain(self) -> bool:
        """Whether the whole image is stretched, as every bundle is calibrated."""
        return self.mode == STRETCH and self.region is None and not self.undistort

    def describe(self) -> str:
        """For people, on one line."""
        parts = [self.mode] + ([f"region {region_text(self.region)}"] if self.region else [])
        return ", ".join(parts + (["undistorted"] if self.undistort else []))


def region_of(text: str) -> tuple[int, int, int, int] | None:
    """The region that "X,Y,WIDTH,HEIGHT" names; None for an empty text.

    Raises:
        InputError: something else, or a region that is none.
    """
    if not text.strip():
        return None
    try:
        x, y, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise InputError("region of interest", expected="X,Y,WIDTH,HEIGHT in pixels", got=repr(text)) from None
    return InputGeometry(region=(x, y, width, height)).region


def region_text(region: tuple[int, int, int, int]) -> str:
    """As `region_of` reads it."""
    return ",".join(map(str, region))
