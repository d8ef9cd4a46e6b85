"""The user's own footage as a drive: a video, a ROS 2 bag, or a folder of images.

Frames are taken at the drive's rate and written into a scratch folder; what is a JPEG already is copied as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trustseg.data import list_pictures, natural_order
from trustseg.errors import InputError
from trustseg.replay.bag import is_bag
from trustseg.stored_image import decode_image, limit_decoder, read_file
from trustseg.types import UInt8Array
from trustseg_ros.demo.bag_images import bag_frames
from trustseg_ros.demo.drive import IMAGES, Drive, image_name
from trustseg_ros.demo.script import plan_script

JPEG_QUALITY = 95
DEFAULT_RATE_HZ = 10.0
DEFAULT_LIMIT_S = 60.0


@dataclass(frozen=True)
class TimedFrame:
    """A frame of the footage: seconds after the first one, and its picture (uint8 BGR (H, W, 3)) or a JPEG's bytes."""

    time_s: float
    image: UInt8Array | bytes


@dataclass(frozen=True)
class FootageOptions:
    """What the user asked for.

    Attributes:
        topic: image topic of a bag; None takes the only one there is.
        rate_hz: frames a second; None takes 10, or the footage's own rate where that is lower.
        limit_s: seconds taken from the start.
        kinds: troubles, of those that need no renderer.
    """

    topic: str | None = None
    rate_hz: float | None = None
    limit_s: float = DEFAULT_LIMIT_S
    kinds: tuple[str, ...] = ()


def footage_drive(
    source: Path, options: FootageOptions, folder: Path, progress: Callable[[float], object] = lambda seconds: None
) -> tuple[Drive, tuple[str, ...]]:
    """Read footage into `folder` and make a drive of it.

    Args:
        source: video file, bag (folder, .mcap or .db3) or folder of images.
        options: what the user asked for.
        folder: an empty scratch folder.
        progress: called with the seconds read so far.

    Returns:
        The drive, and the troubles that did not fit into it.

    Raises:
        InputError: nothing there, nothing in it that can be read, or a rate above the footage's own.
    """
    frames, own_rate_hz = open_footage(source, options.topic)
    rate_hz = options.rate_hz or min(DEFAULT_RATE_HZ, own_rate_hz or DEFAULT_RATE_HZ)
    if own_rate_hz and rate_hz > own_rate_hz * 1.05:
        raise InputError(
            f"--rate {rate_hz:g} is above the footage's own rate", expected=f"at most {own_rate_hz:g} frames a second",
            fix="repeated pictures would look like a frozen camera",
        )  # fmt: skip
    (folder / IMAGES).mkdir(parents=True)
    slots = 0
    for frame in at_rate(frames, rate_hz, own_rate_hz):
        if slots / rate_hz >= options.limit_s:
            break
        _keep(folder / IMAGES / image_name(slots), frame.image)
        slots += 1
        progress(slots / rate_hz)
    if slots == 0:
        raise InputError(f"{source} holds no picture")
    script, left_out = plan_script(options.kinds, rate_hz, slots / rate_hz)
    drive = Drive(source.name, rate_hz, slots, script.troubles, (), folder)
    drive.save()
    return drive, left_out


def open_footage(source: Path, topic: str | None) -> tuple[Iterator[TimedFrame], float]:
    """Frames of `source` in order and their own rate (0: they have no times and follow the drive's rate)."""
    if not source.exists():
        raise InputError(f"there is no {source}", expected="a video, a bag or a folder of images", fix="check --input")
    if is_bag(source):
        stamped, rate_hz = bag_frames(source, topic)
        return (TimedFrame(time_s, image) for time_s, image in stamped), rate_hz
    if topic is not None:
        raise InputError("--topic is for bags", got=f"{source}", fix="leave it out")
    if source.is_dir():
        return _folder_frames(source), 0.0
    return _video_frames(source)


def at_rate(frames: Iterator[TimedFrame], rate_hz: float, own_rate_hz: float) -> Iterator[TimedFrame]:
    """One frame per period: the newest whose time has come; frames without times one after the other.

    A gap in the footage gives no frame twice: the periods without one are left out.
    """
    if own_rate_hz <= 0:
        yield from frames
        return
    due = 0
    pending: TimedFrame | None = None
    tolerance_s = 0.25 / own_rate_hz
    for frame in frames:
        if pending is not None and frame.time_s > due / rate_hz + tolerance_s:
            yield pending
            due = max(due + 1, math.ceil((frame.time_s - tolerance_s) * rate_hz))
        pending = frame
    if pending is not None:
        yield pending


def _keep(path: Path, image: UInt8Array | bytes) -> None:
    try:
        if isinstance(image, bytes):
            path.write_bytes(image)
        elif not cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]):
            raise OSError(28, "No space left on device")
    except OSError as error:
        raise InputError(f"cannot write {path}", got=error.strerror or str(error), fix="free some space") from error


def _folder_frames(folder: Path) -> Iterator[TimedFrame]:
    return (TimedFrame(0.0, _read_file(path)) for path in list_pictures(folder, order=natural_order).files)


def _read_file(path: Path) -> UInt8Array | bytes:
    data = read_file(path)
    image = decode_image(data, cv2.IMREAD_COLOR, str(path))
    if image is None:
        raise InputError(f"{path} is not an image that can be read", fix="repair it or take it out of the folder")
    return data if path.suffix.lower() in (".jpg", ".jpeg") else np.asarray(image, np.uint8)


def _video_frames(path: Path) -> tuple[Iterator[TimedFrame], float]:
    import av

    try:
        container = av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise InputError(
            f"{path} is not a video that can be read", got=str(error), fix="give a video, a bag or a folder of images"
        ) from error
    if not container.streams.video:
        container.close()
        raise InputError(f"{path} holds no video", fix="give a video, a bag or a folder of images")
    stream = container.streams.video[0]
    limit_decoder(stream)
    stream.thread_type = "AUTO"
    rate_hz = float(stream.average_rate or 0) or DEFAULT_RATE_HZ

    def frames() -> Iterator[TimedFrame]:
        first: float | None = None
        with container:
            decoded = 0
            try:
                for decoded, frame in enumerate(container.decode(stream)):
                    time_s = decoded / rate_hz if frame.time is None else frame.time
                    first = time_s if first is None else first
                    yield TimedFrame(time_s - first, np.asarray(frame.to_ndarray(format="bgr24"), np.uint8))
            except av.FFmpegError as error:
                raise InputError(f"{path} is damaged after {decoded} frames", got=str(error)) from error

    return frames(), rate_hz
