# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which part of a camera's image the network sees, and how: a setting, checked when made. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg.camera.model import CameraModel
from trustseg.errors import InputError

FIT, STRETCH, CROP, LETTERBOX = "fit", "stretch", "crop", "letterbox"
GEOMETRIES = (FIT, STRETCH, CROP, LETTERBOX)
LEAST_REGION = 16
# How many times wider or higher than it is a picture may be shown. 16:9 on 4:3 is just within; of a camera of 3:1 a
# third of the wrong pixels came with what is more (docs/input_geometry.md).
MOST_STRETCH = 4 / 3


@dataclass(frozen=True)
class InputGeometry:
    """Which part of a camera's image the network sees, and how.

    Attributes:
        mode: "fit" stretches the region to the network's input, by `MOST_STRETCH` times at most, with its mirror image
            beside what is left; "stretch" by however much it takes; "crop" the largest part in its middle that has the
            input's aspect; "letterbox" all of it with its aspect kept, and its mirror image beside it.
        region: (x, y, width, height) in pixels of the camera's image, of the undistorted one with `undistort`; None:
            all of it.
        undistort: show the network the rectified view of the camera's calibration.
        camera: that calibration, where it does not come with the frames.

    Raises:
        InputError: no such mode, or a region that is none.
    """

    mode: str = FIT
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
        """Whether the whole image is shown as a bundle is calibrated: stretched, of very wide or high ones in part."""
        return self.mode in (FIT, STRETCH) and self.region is None and not self.undistort

    def only_stretches(self, shown: tuple[int, int], network: tuple[int, int]) -> bool:
        """Whether the whole image of the camera, (height, width) `shown`, is stretched to all of the network's."""
        return self.is_plain and self.scales(shown, network) == (network[0] / shown[0], network[1] / shown[1])

    def scales(self, shown: tuple[int, int], network: tuple[int, int]) -> tuple[float, float]:
        """How much (down, across) of the network's pixels a pixel of `shown` takes, (height, width) both."""
        down, across = network[0] / shown[0], network[1] / shown[1]
        if self.mode == LETTERBOX:
            return min(down, across), min(down, across)
        if self.mode == FIT:
            # What is too much by no more than rounding a side to whole pixels does is not taken for too much.
            most = MOST_STRETCH * (1.0 + 1.0 / min(network))
            if max(down, across) > most * min(down, across):
                return min(down, MOST_STRETCH * across), min(across, MOST_STRETCH * down)
        return down, across

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
