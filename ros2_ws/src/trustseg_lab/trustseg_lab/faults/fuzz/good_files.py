# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small good files of every kind that is read: what is altered begins here, for nothing is bred from noise alone."""

from __future__ import annotations

import io
import json
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.bundle.loading import find_bundle
from trustseg.types import UInt8Array
from trustseg_lab.data.formats.brush_runs import pack
from trustseg_lab.replay.results.frame_table import TableWriter, frame_schema

HEIGHT, WIDTH, IMAGES = 16, 24, 4
TOPIC, TYPE = "/camera/image_raw", "sensor_msgs/msg/Image"
FIRST_NS, STEP_NS = 1_700_000_000_000_000_000, 100_000_000


def scene(index: int = 0) -> UInt8Array:
    """uint8 (HEIGHT, WIDTH, 3), another one for each index."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    planes = [rows * 9 + index * 20, columns * 7, (rows + columns) * 5 + index]
    return np.stack(planes, axis=-1).astype(np.uint8)


@cache
def pictures() -> tuple[bytes, ...]:
    """One in each format that is decoded."""
    colour = scene()
    forms: list[tuple[str, UInt8Array, list[int]]] = [
        (".png", colour, []), (".png", colour[..., 0], []), (".jpg", colour, []),
        (".jpg", colour, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]), (".bmp", colour, []), (".tiff", colour, []),
        (".webp", colour, [cv2.IMWRITE_WEBP_QUALITY, 101]), (".webp", colour, [cv2.IMWRITE_WEBP_QUALITY, 60]),
    ]  # fmt: skip
    deep = cv2.imencode(".png", colour.astype(np.uint16) * 257)[1].tobytes()
    return (*(cv2.imencode(kind, image, options)[1].tobytes() for kind, image, options in forms), deep)


@cache
def labels() -> tuple[bytes, ...]:
    """Class ids as PNG, BMP and TIFF."""
    ids = (scene()[..., 0] // 26).astype(np.uint8)
    plain = [cv2.imencode(kind, ids)[1].tobytes() for kind in (".png", ".bmp", ".tiff")]
    return (*plain, cv2.imencode(".png", ids.astype(np.uint16))[1].tobytes())


def _image_message(index: int, store: Any, ros1: bool) -> bytes:
    seconds, nanoseconds = divmod(FIRST_NS + index * STEP_NS, 10**9)
    stamp = store.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)
    extra = {"seq": index} if ros1 else {}
    header = store.types["std_msgs/msg/Header"](stamp=stamp, frame_id="front", **extra)
    image = scene(index)
    message = store.types[TYPE](
        header=header, height=HEIGHT, width=WIDTH, encoding="rgb8", is_bigendian=0, step=3 * WIDTH, data=image.ravel()
    )
    return bytes(store.serialize_ros1(message, TYPE) if ros1 else store.serialize_cdr(message, TYPE))


def _bag(storage: str, compressed: bool) -> bytes:
    from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    with tempfile.TemporaryDirectory(prefix="trustseg_fuzz_") as scratch:
        folder = Path(scratch) / "bag"
        writer = Writer(folder, version=9, storage_plugin=StoragePlugin[storage])
        if compressed:
            writer.set_compression(
                CompressionMode.STORAGE if storage == "MCAP" else CompressionMode.MESSAGE, CompressionFormat.ZSTD
            )
        with writer:
            connection = writer.add_connection(TOPIC, TYPE, typestore=store)
            for index in range(IMAGES):
                writer.write(connection, FIRST_NS + index * STEP_NS, _image_message(index, store, ros1=False))
        (found,) = (path for path in folder.iterdir() if path.suffix != ".yaml")
        return found.read_bytes()


@cache
def mcap_files() -> tuple[bytes, ...]:
    """With chunks compressed and not."""
    return _bag("MCAP", False), _bag("MCAP", True)


@cache
def sqlite_files() -> tuple[bytes, ...]:
    """With messages compressed and not."""
    return _bag("SQLITE3", False), _bag("SQLITE3", True)


def message(index: int) -> bytes:
    """One image message in CDR."""
    from rosbags.typesys import Stores, get_typestore

    return _image_message(index, get_typestore(Stores.ROS2_JAZZY), ros1=False)


def database(topics: Sequence[tuple[Any, ...]], messages: Sequence[tuple[Any, ...]]) -> bytes:
    """A bag of the sqlite3 storage with any values in its rows.

    Args:
        topics: id, name, type, serialization format, offered QoS. messages: topic's id, time, data.
    """
    with tempfile.TemporaryDirectory(prefix="trustseg_fuzz_") as scratch:
        path = Path(scratch) / "bag.db3"
        with closing(sqlite3.connect(path)) as made, made:
            made.execute("CREATE TABLE topics(id, name, type, serialization_format, offered_qos_profiles)")
            made.execute("CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data)")
            made.executemany("INSERT INTO topics VALUES(?,?,?,?,?)", topics)
            made.executemany("INSERT INTO messages(topic_id, timestamp, data) VALUES(?,?,?)", messages)
        return path.read_bytes()


@cache
def label_topics() -> tuple[bytes, ...]:
    """Bags of the sqlite3 storage with one message of class ids, of 8 and 16 bits and as PNG."""
    from rosbags.typesys import Stores, get_typestore

    store, ids, png = get_typestore(Stores.ROS2_JAZZY), scene()[..., 0] // 26, "sensor_msgs/msg/CompressedImage"
    seconds, nanoseconds = divmod(FIRST_NS, 10**9)
    stamp = store.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=nanoseconds)
    header = store.types["std_msgs/msg/Header"](stamp=stamp, frame_id="front")
    size: dict[str, Any] = {"header": header, "height": HEIGHT, "width": WIDTH, "is_bigendian": 0}
    wide = np.frombuffer(ids.astype("<u2").tobytes(), np.uint8)
    packed = np.frombuffer(cv2.imencode(".png", ids)[1].tobytes(), np.uint8)
    messages = (
        (TYPE, store.types[TYPE](**size, encoding="mono8", step=WIDTH, data=ids.ravel())),
        (TYPE, store.types[TYPE](**size, encoding="16UC1", step=2 * WIDTH, data=wide)),
        (png, store.types[png](header=header, format="png", data=packed)),
    )
    return tuple(
        database([(1, TOPIC, kind, "cdr", "")], [(1, FIRST_NS, bytes(store.serialize_cdr(each, kind)))])
        for kind, each in messages
    )


@cache
def golden_outputs() -> tuple[bytes, ...]:
    """Outputs of the released bundle's shapes."""
    out, told = io.BytesIO(), card_document()["tensors"]["outputs"]
    arrays: dict[str, Any] = {each["name"]: np.zeros(each["shape"][1:], each["dtype"]) for each in told}
    np.savez_compressed(out, **arrays)
    return (out.getvalue(),)


@cache
def baselines() -> tuple[bytes, ...]:
    """A table of frames as `trustseg replay` writes it."""
    rows: list[dict[str, Any]] = [
        {"index": i, "stamp_ns": FIRST_NS + i, "time_s": i / 10, "outcome": "PROCESSED", "failure": i > 2,
         "failure_score": 0.1, "predicted_miou": 0.8, "mean_confidence": 0.9, "mask_crc32": i, "true_quality": 0.7}
        for i in range(IMAGES)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="trustseg_fuzz_") as scratch:
        path = Path(scratch) / "frames.parquet"
        table = TableWriter(path, frame_schema(["road"]))
        for row in rows:
            table.add(row)
        table.close()
        return (path.read_bytes(),)


@cache
def ros1_files() -> tuple[bytes, ...]:
    """Without compression, with bz2 and with lz4."""
    from rosbags.rosbag1 import Writer
    from rosbags.typesys import Stores, get_typestore

    store, found = get_typestore(Stores.ROS1_NOETIC), []
    with tempfile.TemporaryDirectory(prefix="trustseg_fuzz_") as scratch:
        for kind in ("", "BZ2", "LZ4"):
            path = Path(scratch) / f"of{kind}.bag"
            writer = Writer(path)
            if kind:
                writer.set_compression(Writer.CompressionFormat[kind])
            with writer:
                connection = writer.add_connection(TOPIC, TYPE, typestore=store)
                for index in range(IMAGES):
                    writer.write(connection, FIRST_NS + index * STEP_NS, _image_message(index, store, ros1=True))
            found.append(path.read_bytes())
    return tuple(found)


@cache
def films() -> tuple[bytes, ...]:
    """H.264 and MPEG-4 in the containers that cameras and phones write."""
    import av

    found = []
    with tempfile.TemporaryDirectory(prefix="trustseg_fuzz_") as scratch:
        for suffix, codec in ((".mp4", "libx264"), (".mkv", "libx264"), (".avi", "mpeg4"), (".ts", "mpeg4")):
            path = Path(scratch) / f"film{suffix}"
            with av.open(str(path), "w") as container:
                stream: Any = container.add_stream(codec, rate=10)
                stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
                for index in range(IMAGES):
                    container.mux(stream.encode(av.VideoFrame.from_ndarray(scene(index), format="bgr24")))
                container.mux(stream.encode(None))
            found.append(path.read_bytes())
    return tuple(found)


def metadata_document() -> dict[str, Any]:
    """metadata.yaml of a bag of one file, `bag.mcap`."""
    topic = {"name": TOPIC, "type": TYPE, "serialization_format": "cdr", "offered_qos_profiles": []}
    return {
        "rosbag2_bagfile_information": {
            "version": 9, "storage_identifier": "mcap", "relative_file_paths": ["bag.mcap"],
            "duration": {"nanoseconds": STEP_NS * IMAGES}, "starting_time": {"nanoseconds_since_epoch": FIRST_NS},
            "message_count": IMAGES,
            "topics_with_message_count": [{"topic_metadata": topic, "message_count": IMAGES}],
            "compression_format": "", "compression_mode": "",
            "files": [{"path": "bag.mcap", "message_count": IMAGES}],
        }
    }  # fmt: skip


def classes_document() -> dict[str, Any]:
    """A class list of `trustseg train`, which regroups."""
    sources: tuple[Any, ...] = (["road", 1], "car", [])
    classes = [{"id": i, "name": f"c{i}", "color": [i, 0, 9], "from": each} for i, each in enumerate(sources)]
    return {"void": 255, "source": "cityscapes19", "void_from": ["sky"], "classes": classes}


def coco_document() -> dict[str, Any]:
    """COCO's instances of one image: a polygon, and run lengths in both forms."""
    whole = {"image_id": 5, "category_id": 8, "iscrowd": 1}
    return {
        "images": [{"id": 5, "file_name": "drive/a.jpg", "height": 9, "width": 8}],
        "categories": [{"id": 3, "name": "road"}, {"id": 8, "name": "car"}],
        "annotations": [
            {"id": 1, "image_id": 5, "category_id": 3, "segmentation": [[0, 1, 4.5, 1, 4, 2, 0, 2]]},
            {"id": 2, "segmentation": {"size": [9, 8], "counts": [5, 1, 66]}, **whole},
            {"id": 3, "segmentation": {"size": [9, 8], "counts": "51R2"}, **whole},
        ],
    }  # fmt: skip


def label_studio_document() -> list[dict[str, Any]]:
    """Label Studio's tasks: a brush stroke, a polygon, a turned rectangle, and what was proposed and never drawn."""
    size = {"original_height": 9, "original_width": 8, "image_rotation": 0}
    stroke = {"format": "rle", "rle": pack(np.arange(72).reshape(9, 8) % 7 == 3), "brushlabels": ["car"]}
    ring = {"points": [[0, 10], [50, 10], [50, 80.5]], "polygonlabels": ["road"]}
    box = {"x": 10, "y": 20, "width": 30.5, "height": 9, "rotation": 30, "rectanglelabels": ["sky"]}
    drawn = [
        {"id": kind, "type": f"{kind}labels", "value": value, **size}
        for kind, value in (("brush", stroke), ("polygon", ring), ("rectangle", box))
    ]
    return [
        {"data": {"image": "/data/local-files/?d=drive/a.jpg"}, "annotations": [{"result": drawn, "updated_at": "2"}]},
        {"data": {"image": "b.jpg", "height": 3, "width": 2}, "annotations": [], "predictions": [{"result": []}]},
    ]


def cvat_files() -> tuple[bytes, ...]:
    """CVAT for images 1.1: one image with a mask, a polygon, a box and a line."""
    return (
        b'<?xml version="1.0"?><annotations><meta><task><labels><label><name>road</name></label></labels></task></meta>'
        b'<image id="0" name="drive/a.jpg" width="8" height="9">'
        b'<mask label="car" rle="0, 2" left="2" top="1" width="2" height="1" z_order="1"/>'
        b'<polygon label="road" points="0.0,1.0;4.0,1.0;4.0,2.0" z_order="0"/>'
        b'<box label="sky" xtl="1" ytl="1" xbr="3" ybr="3.5"/><polyline label="road" points="0,0;1,1"/>'
        b"</image></annotations>",
    )


def legend_document() -> dict[str, Any]:
    """The config of Mapillary Vistas."""
    names = ("road", "car", "unlabeled")
    return {
        "labels": [
            {"name": f"a--{name}", "readable": name, "color": [i, 9, 9], "evaluate": i < 2}
            for i, name in enumerate(names)
        ]
    }


def training_document() -> dict[str, Any]:
    """Settings of `trustseg train`."""
    source = {"images": "images", "labels": "labels", "label_names": "_rgb:_ids"}
    return {
        "seed": 1, "data": {"train": source, "val": source, "height": 96, "width": 128},
        "model": {"stem": 2, "widths": [8, 8, 8, 8, 8]}, "optim": {"epochs": 2, "batch": 2, "lr": 0.01},
    }  # fmt: skip


def schedule_document() -> list[dict[str, Any]]:
    """Troubles of the camera process."""
    return [{"kind": "freeze", "start_s": 1.0, "end_s": 2.5}, {"kind": "stop", "start_s": 4, "end_s": 5}]


def card_document() -> dict[str, Any]:
    """card.json of the released bundle."""
    card: dict[str, Any] = json.loads((find_bundle(DEFAULT_BUNDLE) / "card.json").read_text(encoding="utf-8"))
    return card


@cache
def checkpoints() -> tuple[bytes, ...]:
    """A checkpoint of a network of few weights, as `trustseg train` describes it, without any weight."""
    from safetensors.numpy import save

    shape = {"classes": 3, "stem": 2, "widths": [4, 4, 4, 4, 4], "encoder_convs": [1, 1, 1, 1, 1], "lateral": None}
    about = {"network": shape, "classes": classes_document()}
    return (save({"w": np.zeros((2, 2), np.float32)}, {"trustseg": json.dumps(about)}),)


def as_yaml(document: Callable[[], Any]) -> Callable[[], tuple[bytes, ...]]:
    """A good file of a document."""
    return lambda: (yaml.safe_dump(document(), sort_keys=False).encode(),)


def as_json(document: Callable[[], Any]) -> Callable[[], tuple[bytes, ...]]:
    """A good file of a document."""
    return lambda: (json.dumps(document(), indent=1).encode(),)


def names() -> tuple[bytes, ...]:
    """Names of files, one a line."""
    return (
        b"a.png\nb.JPG\n._a.png\nstra\xdfe_0.png\nb_2.png\nb_10.png\nx_leftImg8bit.png",
        b"1700000000000000000.png\n1.png",
    )
