# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small recordings of painted scenes in every form that a bag comes in, made with rosbags and by hand."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import zstandard
from mcap.writer import Writer as McapWriter
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

from bundle_factory import paint_scene, true_ids

HEIGHT, WIDTH = 72, 96
PERIOD_NS = 100_000_000
FIRST_NS = 1_700_000_000_000_000_000
TOPIC = "/camera/image_raw"
STORE, STORE1 = get_typestore(Stores.ROS2_JAZZY), get_typestore(Stores.ROS1_NOETIC)
RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"


@dataclass
class Shot:
    """One image of a recording: stamp and time of recording in nanoseconds, and what its message says."""

    stamp_ns: int
    time_ns: int
    image: np.ndarray
    changes: dict[str, Any] = field(default_factory=dict)


def shots(count: int, *, period_ns: int = PERIOD_NS, first_ns: int = FIRST_NS) -> list[Shot]:
    """`count` images of a scene with grain, one a period, recorded 5 ms after their stamp."""
    base = paint_scene(HEIGHT, WIDTH).astype(np.int16)
    made = []
    for index in range(count):
        grain = np.random.default_rng(index).integers(-6, 7, base.shape)
        stamp = first_ns + index * period_ns
        made.append(Shot(stamp, stamp + 5_000_000, np.clip(base + grain, 0, 255).astype(np.uint8)))
    return made


def message_of(shot: Shot, *, compressed: bool = False, ros1: bool = False) -> Any:
    """rosbags' message of one shot."""
    store = STORE1 if ros1 else STORE
    seq = {"seq": 0} if ros1 else {}
    stamp = store.types["builtin_interfaces/msg/Time"](sec=shot.stamp_ns // 10**9, nanosec=shot.stamp_ns % 10**9)
    header = store.types["std_msgs/msg/Header"](stamp=stamp, frame_id="front", **seq)
    if compressed:
        data = cv2.imencode(".png", shot.image[..., ::-1])[1].ravel()
        fields: dict[str, Any] = {"header": header, "format": "png", "data": data}
        return store.types[COMPRESSED](**(fields | shot.changes))
    height, width = shot.image.shape[:2]
    fields = {
        "header": header, "height": height, "width": width, "encoding": "rgb8", "is_bigendian": 0, "step": 3 * width,
        "data": shot.image.ravel(),
    }  # fmt: skip
    return store.types[RAW](**(fields | shot.changes))


def write_bag(
    folder: Path,
    images: Sequence[Shot],
    *,
    mcap: bool = True,
    compressed: bool = False,
    compression: CompressionMode | None = None,
    topics: Sequence[str] = (TOPIC,),
    extra: Callable[[Writer], None] | None = None,
) -> Path:
    """A ROS 2 bag with the same images on every topic."""
    plugin = StoragePlugin.MCAP if mcap else StoragePlugin.SQLITE3
    writer = Writer(folder, version=9, storage_plugin=plugin)
    if compression is not None:
        writer.set_compression(compression, CompressionFormat.ZSTD)
    kind = COMPRESSED if compressed else RAW
    with writer:
        connections = [writer.add_connection(topic, kind, typestore=STORE) for topic in topics]
        for shot in images:
            data = STORE.serialize_cdr(message_of(shot, compressed=compressed), kind)
            for connection in connections:
                writer.write(connection, shot.time_ns, data)
        if extra is not None:
            extra(writer)
    return folder


def write_ros1(path: Path, images: Sequence[Shot], compression: str | None = None) -> Path:
    """A ROS 1 bag; `compression` of its chunks: bz2 or lz4."""
    writer = Ros1Writer(path)
    if compression is not None:
        writer.set_compression(Ros1Writer.CompressionFormat[compression.upper()])
    with writer:
        connection = writer.add_connection(TOPIC, RAW, typestore=STORE1)
        for shot in images:
            writer.write(connection, shot.time_ns, STORE1.serialize_ros1(message_of(shot, ros1=True), RAW))
    return path


def write_unindexed(path: Path, images: Sequence[Shot]) -> Path:
    """An MCAP file without an index, which is read in the order of writing, whatever the times of recording."""
    with path.open("wb") as file:
        writer = McapWriter(file, use_chunking=False)
        writer.start("ros2", "test")
        channel = writer.register_channel(TOPIC, "cdr", writer.register_schema(RAW, "ros2msg", b""))
        for shot in images:
            writer.add_message(channel, shot.time_ns, bytes(STORE.serialize_cdr(message_of(shot), RAW)), shot.stamp_ns)
        writer.finish()
    return path


def bag_file(folder: Path) -> Path:
    """The only bag file of a folder."""
    (found,) = (p for p in folder.iterdir() if p.suffix in (".mcap", ".db3", ".zstd"))
    return found


def without_metadata(folder: Path) -> Path:
    (folder / "metadata.yaml").unlink()
    return folder


def split(folder: Path, images: Sequence[Shot]) -> Path:
    """A bag of two files, the second half in the second one, with metadata that names both."""
    middle = len(images) // 2
    first = write_bag(folder.with_name("half_0"), images[:middle], mcap=False)
    second = write_bag(folder.with_name("half_1"), images[middle:], mcap=False)
    folder.mkdir()
    shutil.copy(bag_file(first), folder / "part_0.db3")
    shutil.copy(bag_file(second), folder / "part_1.db3")
    names = "\n".join(f"  - part_{i}.db3" for i in range(2))
    (folder / "metadata.yaml").write_text(f"rosbag2_bagfile_information:\n  relative_file_paths:\n{names}\n")
    return folder


def zstd_file(folder: Path) -> Path:
    """The bag's file compressed as a whole, and nothing that says so but its first bytes."""
    path = bag_file(folder)
    path.with_name(path.name + ".zstd").write_bytes(zstandard.ZstdCompressor().compress(path.read_bytes()))
    path.unlink()
    return without_metadata(folder)


def write_labels(folder: Path, names: Sequence[str], size: tuple[int, int] = (HEIGHT, WIDTH)) -> Path:
    """Truth by the nearest colour of each image, which is what the tiny network answers."""
    folder.mkdir()
    for name, shot in zip(names, shots(len(names)), strict=True):
        labels = cv2.resize(true_ids(shot.image), size[::-1], interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(folder / f"{name}.png"), labels)
    return folder


def write_video(path: Path, count: int, times_s: Sequence[float] | None = None) -> Path:
    """A video of ten frames a second, or of frames at other times; Matroska (.mkv) does not say how many there are."""
    from fractions import Fraction

    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index, shot in enumerate(shots(count)):
            frame = av.VideoFrame.from_ndarray(shot.image, format="rgb24")
            if times_s is not None:
                frame.pts, frame.time_base = round(times_s[index] * 1000), Fraction(1, 1000)
                stream.codec_context.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
