# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered frames on disk: images with labels, a video, or a ROS 2 bag. A folder is whole or not there at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np

from trustseg.errors import InputError
from trustseg.install_hint import pip_install
from trustseg_lab.scenes.classes import SCENE_CLASSES, VOID
from trustseg_lab.scenes.drive import SceneFrame

FORMATS: tuple[str, ...] = ("images", "video", "bag")
TOPIC = "/camera/image_raw"
FRAME_ID = "camera"
JPEG_QUALITY = 92
EPOCH_NS = 1_700_000_000_000_000_000
"""Stamp of frame 0 in a bag: a fixed moment, so that equal seeds give equal messages."""

Write = Callable[[int, SceneFrame], None]


def write_classes(folder: Path) -> None:
    """classes.json: ids, names and colours, in the form that `trustseg train --classes` reads."""
    classes = [
        {"id": c.id, "name": c.name, "color": list(c.color), "is_foreground": c.is_foreground} for c in SCENE_CLASSES
    ]
    (folder / "classes.json").write_text(json.dumps({"void": VOID, "classes": classes}, indent=1) + "\n")


@contextmanager
def writer(kind: str, folder: Path, size: tuple[int, int], fps: float, *, depth: bool = False) -> Iterator[Write]:
    """A function (number, frame) that adds frames to `folder`, in the format `kind` (one of FORMATS).

    images: images/NNNNNN.png, labels/NNNNNN.png (class ids) and, with `depth`, depth/NNNNNN.png (uint16, centimetres,
    65535 for 655.35 m or more, so also for the sky). video: drive.mp4 (H.264). bag: MCAP, CompressedImage messages on
    `TOPIC`/compressed. Video and bag come with the labels as well.

    Raises:
        InputError: an unknown format, or a package that the format needs is missing.
    """
    if kind not in FORMATS:
        raise InputError("format of rendered scenes", expected="one of " + ", ".join(FORMATS), got=repr(kind))
    names = ["labels", *(["images"] if kind == "images" else []), *(["depth"] if depth else [])]
    for name in names:
        (folder / name).mkdir()
    write_classes(folder)

    def annotations(number: int, frame: SceneFrame) -> None:
        _save(folder / "labels" / f"{number:06d}.png", frame.labels)
        if depth:
            centimetres = np.minimum(frame.depth_m * 100, 65535.0)
            _save(folder / "depth" / f"{number:06d}.png", np.rint(centimetres).astype(np.uint16))

    if kind == "images":

        def image(number: int, frame: SceneFrame) -> None:
            _save(folder / "images" / f"{number:06d}.png", np.ascontiguousarray(frame.image_rgb[..., ::-1]))
            annotations(number, frame)

        yield image
    else:
        opened = _video(folder / "drive.mp4", size, fps) if kind == "video" else _bag(folder / "bag")
        with opened as add:

            def both(number: int, frame: SceneFrame) -> None:
                add(number, frame)
                annotations(number, frame)

            yield both


def _save(path: Path, picture: np.ndarray) -> None:
    if not cv2.imwrite(str(path), picture, [cv2.IMWRITE_PNG_COMPRESSION, 3]):
        raise OSError(28, f"cannot write {path.name}")


@contextmanager
def _video(path: Path, size: tuple[int, int], fps: float) -> Iterator[Write]:
    try:
        import av
    except ImportError:
        raise InputError("video output needs the package av", fix=pip_install("trustseg_lab")) from None
    height, width = size
    if height % 2 or width % 2:
        raise InputError("size of a video", expected="even height and width (H.264)", got=f"{height}x{width}")
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(fps).limit_denominator(1000))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.options = {"crf": "18", "preset": "veryfast"}

        def add(number: int, frame: SceneFrame) -> None:
            picture = av.VideoFrame.from_ndarray(frame.image_rgb, format="rgb24")
            container.mux(stream.encode(picture))

        yield add
        container.mux(stream.encode(None))


@contextmanager
def _bag(path: Path) -> Iterator[Write]:
    try:
        from rosbags.rosbag2 import StoragePlugin, Writer
        from rosbags.typesys import Stores, get_typestore
    except ImportError:
        raise InputError("bag output needs the package rosbags", fix=pip_install("trustseg_lab")) from None
    store = get_typestore(Stores.ROS2_HUMBLE)
    message, header, time = (
        store.types[name]
        for name in ("sensor_msgs/msg/CompressedImage", "std_msgs/msg/Header", "builtin_interfaces/msg/Time")
    )
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as bag:
        topic = bag.add_connection(f"{TOPIC}/compressed", message.__msgtype__, typestore=store)

        def add(number: int, frame: SceneFrame) -> None:
            stamp_ns = EPOCH_NS + frame.stamp_ns
            bgr = np.ascontiguousarray(frame.image_rgb[..., ::-1])
            good, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            if not good:
                raise RuntimeError("OpenCV could not encode a JPEG")
            stamp = time(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
            packed = message(header=header(stamp=stamp, frame_id=FRAME_ID), format="jpeg", data=data.ravel())
            bag.write(topic, stamp_ns, store.serialize_cdr(packed, message.__msgtype__))

        yield add
