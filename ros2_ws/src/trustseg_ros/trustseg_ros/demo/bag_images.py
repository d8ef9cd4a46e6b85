"""Camera images out of a bag, for a drive that publishes them anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from trustseg.errors import FrameRejected, InputError
from trustseg.frames import decode_compressed, decode_pixels
from trustseg.replay.sources import RecordedImage, open_sources, stated_period_ns
from trustseg.types import UInt8Array

JPEG_START = b"\xff\xd8\xff"


def bag_frames(source: Path, topic: str | None) -> tuple[Iterator[tuple[float, UInt8Array | bytes]], float]:
    """Images of one topic with their times.

    Args:
        source: the bag.
        topic: image topic; None takes the only one there is.

    Returns:
        (seconds since the first image, uint8 BGR (H, W, 3) or a JPEG's bytes) in order, and images a second.

    Raises:
        InputError: not a bag, no image topic, the topic is unknown or holds no images, several and none chosen; while
            reading: an image that cannot be decoded, or a bag that is damaged.
    """
    opened = open_sources(source, [] if topic is None else [topic], every_topic=False, rate_hz=None)[0]
    rate_hz = 1e9 / stated_period_ns(opened) if opened.count > 1 else 0.0

    def frames() -> Iterator[tuple[float, UInt8Array | bytes]]:
        first_ns: int | None = None
        try:
            for recorded in opened.images():
                first_ns = recorded.time_ns if first_ns is None else first_ns
                yield (recorded.time_ns - first_ns) / 1e9, _picture(source, opened.topic, recorded)
            if opened.losses:
                raise InputError(f"not all of {source} can be read", got=opened.losses[0])
        finally:
            opened.close()

    return frames(), rate_hz


def _picture(source: Path, topic: str, recorded: RecordedImage) -> UInt8Array | bytes:
    message = recorded.message
    try:
        if recorded.compressed:
            data = bytes(message.data)
            image, color_order = decode_compressed(data)
            if data.startswith(JPEG_START):
                return data
        else:
            layout = (message.height, message.width, message.step, message.encoding)
            image, color_order = decode_pixels(message.data, *layout)
    except FrameRejected as error:
        raise InputError(f"image {recorded.index} of {topic} in {source} cannot be read", got=str(error)) from error
    return np.ascontiguousarray(image if color_order == "bgr" else image[..., ::-1])
