# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A recorded message that the node refuses, kept in a drive as it is, so that the drive has it refused too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from trustseg.errors import FrameRejected
from trustseg.frames import image_size
from trustseg.reasons import Reason

MARK = b"a message that is refused\n"
FIELDS = ("height", "width", "encoding", "is_bigendian", "step", "format", "compressed")


@dataclass(frozen=True)
class Refused:
    """Fields of sensor_msgs/Image, or the data and the format of a CompressedImage.

    Of a compressed one the other fields are those of the raw image without data that stands for it where images are
    sent raw, which is BAD_IMAGE as well. A height of 0 is that of the stream.
    """

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: bytes
    format: str = ""
    compressed: bool = False

    def packed(self) -> bytes:
        """As the content of a picture's file."""
        head = {name: getattr(self, name) for name in FIELDS}
        return MARK + json.dumps(head).encode() + b"\n" + self.data


def refused_message(message: Any, compressed: bool, reason: Reason = Reason.BAD_IMAGE) -> Refused:
    """What stands for `message`, a sensor_msgs Image or CompressedImage that is refused for `reason`."""
    if not compressed:
        numbers = (int(message.height), int(message.width), str(message.encoding), int(message.is_bigendian))
        return Refused(*numbers, int(message.step), bytes(message.data))
    data = bytes(message.data)
    try:
        height, width = image_size(data)
    except FrameRejected:
        height = width = 0
    # What it declares is sent where that is why it is refused. The images beside it are JPEG that declare nothing.
    declared = str(message.format) if reason is Reason.BAD_ENCODING else ""
    return Refused(height, width, declared[:40] or "bgr8", 0, 3 * width, data, declared or "jpeg", True)


def unpacked(data: bytes) -> Refused | None:
    """What `Refused.packed` made; None for anything else."""
    if not data.startswith(MARK):
        return None
    head, _, body = data[len(MARK) :].partition(b"\n")
    return Refused(**json.loads(head), data=body)
