"""Camera images out of a ROS 2 bag, read directly: no ROS needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trustseg.errors import FrameRejected, InputError
from trustseg.frames import decode_compressed, decode_pixels
from trustseg.types import UInt8Array

BAG_SUFFIXES = (".mcap", ".db3", ".bag")
RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
JPEG_START = b"\xff\xd8\xff"


def is_bag(source: Path) -> bool:
    """Whether `source` is a bag: a folder with metadata.yaml or with a bag file in it, or a bag file."""
    if source.is_dir():
        return (source / "metadata.yaml").is_file() or any(p.suffix in BAG_SUFFIXES[:2] for p in source.iterdir())
    return source.suffix in BAG_SUFFIXES


def bag_frames(source: Path, topic: str | None) -> tuple[Iterator[tuple[float, UInt8Array | bytes]], float]:
    """Images of one topic with their times.

    Args:
        source: the bag.
        topic: image topic; None takes the only one there is.

    Returns:
        (seconds since the first image, uint8 BGR (H, W, 3) or a JPEG's bytes) in order, and images a second.

    Raises:
        InputError: not a bag, no image topic, the topic is unknown or holds no images, several and none chosen; while
            reading: a message that cannot be decoded.
    """
    from rosbags.highlevel import AnyReader
    from rosbags.typesys import Stores, get_typestore

    try:
        reader = AnyReader([bag_path(source)], default_typestore=get_typestore(Stores.ROS2_JAZZY))
        reader.open()
    except Exception as error:  # rosbags lets errors of sqlite, YAML, zstd and struct through
        raise InputError(f"{source} is not a bag that can be read", got=_one_line(error)) from error
    try:
        chosen = choose_topic(source, [(c.topic, c.msgtype, c.msgcount) for c in reader.connections], topic)
    except InputError:
        reader.close()
        raise
    connections = [c for c in reader.connections if c.topic == chosen]
    count = sum(c.msgcount for c in connections)
    seconds = max(reader.duration - 1, 1) / 1e9

    def frames() -> Iterator[tuple[float, UInt8Array | bytes]]:
        first: int | None = None
        try:
            for number, (connection, time_ns, raw) in enumerate(reader.messages(connections)):
                first = time_ns if first is None else first
                message = _message(source, reader, connection.msgtype, raw, number)
                yield (time_ns - first) / 1e9, _picture(source, chosen, message, number)
        finally:
            reader.close()

    return frames(), (count - 1) / seconds if count > 1 else 0.0


def bag_path(source: Path) -> Path:
    """What the reader opens: the folder with its metadata, else the only bag file in it, else the file itself."""
    if source.is_dir() and not (source / "metadata.yaml").is_file():
        files = sorted(p for p in source.iterdir() if p.suffix in BAG_SUFFIXES[:2])
        if len(files) > 1:
            raise InputError(
                f"{source} holds several bag files and no metadata.yaml", got=_listed([p.name for p in files]),
                fix="name one of the files",
            )  # fmt: skip
        return files[0]
    return source


def choose_topic(source: Path, topics: Sequence[tuple[str, str, int]], wanted: str | None) -> str:
    """The image topic to take.

    Args:
        source: the bag, for the texts.
        topics: (name, message type, messages) of every topic.
        wanted: the user's choice, None for the only one with images.

    Raises:
        InputError: none, several, or not the wanted one; the text lists what there is.
    """
    names = sorted({name for name, _, _ in topics})
    images = sorted({name for name, kind, count in topics if kind in (RAW, COMPRESSED) and count > 0})
    if wanted is not None:
        if wanted in images:
            return wanted
        if wanted in names:
            raise InputError(
                f"topic {wanted} of {source} holds no images", expected=_listed(images) or "an image topic",
            )  # fmt: skip
        raise InputError(f"{source} has no topic {wanted}", expected=f"one of {_listed(images or names)}")
    if not images:
        raise InputError(f"{source} holds no images", got=f"topics {_listed(names)}" if names else "an empty bag")
    if len(images) > 1:
        raise InputError(f"{source} holds several image topics", got=_listed(images), fix="choose one with --topic")
    return images[0]


def _message(source: Path, reader: Any, kind: str, raw: bytes, number: int) -> Any:
    try:
        return reader.deserialize(raw, kind)
    except Exception as error:  # whatever a damaged message makes the decoder do
        raise InputError(f"message {number} of {source} is damaged", got=_one_line(error)) from error


def _picture(source: Path, topic: str, message: Any, number: int) -> UInt8Array | bytes:
    try:
        if message.__msgtype__ == COMPRESSED:
            data = bytes(message.data)
            image, color_order = decode_compressed(data)
            if data.startswith(JPEG_START):
                return data
        else:
            layout = (message.height, message.width, message.step, message.encoding, bool(message.is_bigendian))
            image, color_order = decode_pixels(message.data, *layout)
    except FrameRejected as error:
        raise InputError(f"image {number} of {topic} in {source} cannot be read", got=str(error)) from error
    return np.ascontiguousarray(image if color_order == "bgr" else image[..., ::-1])


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _listed(names: Sequence[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
