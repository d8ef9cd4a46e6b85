# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One image message as plain data, so that faults of a camera can be made and tested without ROS."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from trustseg.errors import InputError
from trustseg.types import UInt8Array

ORDERS = {"rgb8": 1, "bgr8": -1}
JPEG_QUALITY = 95


@dataclass(frozen=True)
class CameraMessage:
    """Fields of a sensor_msgs Image; of a CompressedImage where `format` is given (`data` is the file then).

    Attributes:
        stamp_ns: header stamp. data: uint8 (n,). step: bytes of a row.
    """

    stamp_ns: int
    frame_id: str
    height: int
    width: int
    step: int
    encoding: str
    data: UInt8Array
    is_bigendian: bool = False
    format: str = ""

    @property
    def rgb(self) -> UInt8Array:
        """uint8 (H, W, 3) RGB, a view where it can be.

        Raises:
            InputError: the pixels are neither rgb8 nor bgr8.
        """
        if self.encoding not in ORDERS:
            raise InputError("faults of the image need rgb8 or bgr8 images", got=repr(self.encoding))
        rows = self.data.reshape(self.height, self.step)[:, : 3 * self.width]
        return rows.reshape(self.height, self.width, 3)[..., :: ORDERS[self.encoding]]

    def with_rgb(self, image: UInt8Array) -> CameraMessage:
        """The same shot with another picture, uint8 (H, W, 3) RGB, of any size."""
        height, width = image.shape[:2]
        data = np.ascontiguousarray(image[..., :: ORDERS[self.encoding]]).reshape(-1)
        return replace(self, height=height, width=width, step=3 * width, data=data)

    def compressed(self, suffix: str = ".jpg") -> CameraMessage:
        """The same shot as the bytes of a JPEG (".jpg") or PNG (".png")."""
        options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if suffix == ".jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 1]
        data = cv2.imencode(suffix, np.ascontiguousarray(self.rgb[..., ::-1]), options)[1]
        return replace(self, data=np.asarray(data, np.uint8).reshape(-1), format="jpeg" if suffix == ".jpg" else "png")
