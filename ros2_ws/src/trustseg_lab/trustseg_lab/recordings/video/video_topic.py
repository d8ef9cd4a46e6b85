# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A topic of video as the images that the node judges: decoded pictures, and a message without one where there is none.

Such a message is refused as a broken image (BAD_IMAGE), so that the frame counts and nobody sees what was smeared.
"""

from __future__ import annotations

from typing import Any

from trustseg.bounds import SECOND
from trustseg_lab.recordings.recorded_image import CompressedPicture, Header, Stamp, raw_image
from trustseg_lab.recordings.video.video_messages import (
    VIDEO_KINDS,
    VideoDecoder,
    coding_of,
    named_coding,
    stamp_and_frame,
)


def is_video(kind: str, message: Any) -> bool:
    """Whether a message of this type is a packet of a video and no picture of its own."""
    return kind in VIDEO_KINDS or (hasattr(message, "format") and coding_of(str(message.format)) is not None)


class VideoTopic:
    """The packets of one topic, in order.

    Attributes:
        why: why the last message gave no picture; empty where it gave one.
    """

    def __init__(self) -> None:
        self.why = ""
        self._decoder: VideoDecoder | None = None
        self._coding: str | None = None
        self._without: dict[str, tuple[int, int]] = {}  # why -> (how many, the first message)

    def image(self, index: int, message: Any) -> tuple[Any, bool]:
        """(fields of sensor_msgs Image or CompressedImage, whether it is the second) of message `index`."""
        stamp, frame_id = stamp_and_frame(message)
        header = Header(Stamp(int(stamp.sec), int(stamp.nanosec)), frame_id)
        named = named_coding(message)
        coding = coding_of(named)
        if coding is None:
            return self._no_image(index, header, named, f"coding {named[:40]!r} is not decoded here")
        if self._decoder is None or coding != self._coding:
            self._decoder, self._coding = VideoDecoder(coding), coding
        picture = self._decoder.picture(bytes(message.data), header.stamp.sec * SECOND + header.stamp.nanosec)
        if picture is None:
            return self._no_image(index, header, named, self._decoder.waiting)
        self.why = ""
        return raw_image(header, picture), False

    def told(self, topic: str) -> list[str]:
        """What came without a picture, one line for each cause."""
        return [
            f"{count} messages of {topic} give no picture: {why}, from message {first} on until the next key frame"
            for why, (count, first) in self._without.items()
        ]

    def _no_image(self, index: int, header: Header, named: str, why: str) -> tuple[CompressedPicture, bool]:
        self.why = why
        count, first = self._without.get(why, (0, index))
        self._without[why] = (count + 1, first)
        return CompressedPicture(header, named, b""), True
