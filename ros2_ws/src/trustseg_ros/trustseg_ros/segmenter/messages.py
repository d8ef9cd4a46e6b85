# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results as messages: headers unchanged, pixel data filled in place."""

from __future__ import annotations

import array
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from trustseg_interfaces.msg import Segment as SegmentMessage
from trustseg_interfaces.msg import Segments

from trustseg.imaging.resize import nearest
from trustseg.segments import Segment
from trustseg.types import UInt8Array
from trustseg_ros.segmenter.input.camera_info import image_matrices, image_size, resized


class ImageMessage:
    """One Image message that is filled again for every frame: publishing copies it before it returns.

    rclpy takes an `array.array` as it is; every other type costs a copy element by element.
    """

    def __init__(self, encoding: str) -> None:
        self.message = Image(encoding=encoding)
        self._pixels: UInt8Array = np.empty(0, np.uint8)

    def fill(self, header: Header, pixels: UInt8Array) -> Image:
        """Copy uint8 (H, W) or (H, W, 3) into the message and give it `header`."""
        if self._pixels.shape != pixels.shape:
            self.message.data = array.array("B", bytes(pixels.size))
            # Of the array that the message holds: setting it may have copied ours.
            self._pixels = np.frombuffer(self.message.data, np.uint8).reshape(pixels.shape)
            self.message.height, self.message.width = pixels.shape[:2]
            self.message.step = pixels.size // pixels.shape[0]
        np.copyto(self._pixels, pixels)
        self.message.header = header
        return self.message

    @property
    def crc32(self) -> int:
        """CRC-32 of the pixel data as published."""
        return zlib.crc32(self._pixels.data)


def scaled_camera_info(info: CameraInfo, header: Header, size: tuple[int, int]) -> CameraInfo | None:
    """The camera's CameraInfo for a mask of `size` (height, width): that of the image itself, scaled with the pixels.

    K and P are those of the window and the binning that the info states; distortion (in every model of sensor_msgs, and
    in each that acts on normalised coordinates) and R stay. An info without a size (uncalibrated driver) keeps its
    matrices. None where the window is not one of the sensor: nobody knows what it says.
    """
    image = image_size(info)
    if image is None:
        return None
    height, width = size
    scaled = CameraInfo(
        header=header, height=height, width=width, distortion_model=info.distortion_model, d=info.d, r=info.r
    )
    k, p = image_matrices(info)
    y, x = (height / image[0], width / image[1]) if all(image) else (1.0, 1.0)
    scaled.k, scaled.p = resized(k, x, y), resized(p, x, y)
    return scaled


def segments_message(
    header: Header, found: Sequence[Segment], names: Sequence[str], size: tuple[int, int], published: tuple[int, int],
    predicted: bool,
) -> Segments:  # fmt: skip
    """The objects of one mask.

    Args:
        header: of the image. found: objects, in pixels of `size`. names: of the classes, in order of their ids.
        size, published: (height, width) of the mask that they were found in, and as it is published.
        predicted: whether they have a predicted IoU.
    """
    down, across = (_first_of(old, new) for old, new in zip(size, published, strict=True))
    share = published[0] * published[1] / (size[0] * size[1])
    message = Segments(header=header, height=published[0], width=published[1], has_predicted_iou=predicted)
    for each in found:
        left, right = _scaled_side(each.x, each.width, across)
        top, bottom = _scaled_side(each.y, each.height, down)
        message.segments.append(
            SegmentMessage(
                class_id=each.class_id,
                class_name=names[each.class_id],
                x=left,
                y=top,
                width=right - left,
                height=bottom - top,
                area=max(1, round(each.area * share)),
                mean_confidence=each.mean_confidence,
                predicted_iou=each.predicted_iou,
            )
        )
    return message


def _first_of(old: int, new: int) -> npt.NDArray[np.int64]:
    """int64 (old + 1,): where each of `old` pixels in a row begins after `nearest` made `new` of them; then `new`."""
    came_from = nearest(np.arange(old, dtype=np.uint16)[None], (1, new))[0]
    return np.searchsorted(came_from, np.arange(old + 1)).astype(np.int64)


def _scaled_side(begin: int, length: int, first_of: npt.NDArray[np.int64]) -> tuple[int, int]:
    """First pixel and the one after the last of what was begin .. begin + length - 1; at least one."""
    first = min(int(first_of[begin]), int(first_of[-1]) - 1)
    return first, max(first + 1, int(first_of[begin + length]))
