# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recorded images of one camera as the messages that the node would have received: from a bag, a video or a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg.frames import DEPTH, declares_depth
from trustseg.imaging.image_header import JPEG_START, PNG_SIGNATURE, png_depth
from trustseg.imaging.orientation import UPRIGHT, orientation_of, upright_frame
from trustseg.imaging.stored_image import decode_image, limit_decoder, read_file
from trustseg.types import UInt8Array
from trustseg_lab.data import list_pictures, natural_order, shown
from trustseg_lab.recordings.bag import COMPRESSED, Bag, bag_files, choose_topics, image_topics, is_bag
from trustseg_lab.recordings.bag_metadata import METADATA
from trustseg_lab.recordings.storage import Channel, one_line

DEFAULT_RATE_HZ = 10.0
ORIGIN_NS = SECOND  # stamp of the first picture of what has no clock: zero is no stamp
RATE_SAMPLE = 1000
EDGE_BYTES = 1 << 20
SLACK_S = 0.5  # by which a video may be shorter than it says
CONTAINER_TICKS = 1e6  # a second of a container


@dataclass(frozen=True)
class Stamp:
    """builtin_interfaces/Time."""

    sec: int
    nanosec: int


@dataclass(frozen=True)
class Header:
    """std_msgs/Header."""

    stamp: Stamp
    frame_id: str


@dataclass(frozen=True)
class RawImage:
    """sensor_msgs/Image."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


@dataclass(frozen=True)
class CompressedPicture:
    """sensor_msgs/CompressedImage."""

    header: Header
    format: str
    data: bytes


@dataclass(frozen=True)
class RecordedImage:
    """One image message of a recording.

    Attributes:
        index: its number in the recording, counted from 0 over all images of the camera.
        time_ns: when it was recorded, integer nanoseconds.
        message: the fields of sensor_msgs Image or CompressedImage.
        compressed: which of the two.
        name: file name, empty where it came from no file of its own.
    """

    index: int
    time_ns: int
    message: Any
    compressed: bool
    name: str = ""


class ImageSource(Protocol):
    """One camera of one recording, read as often as needed.

    Attributes:
        path: as the user named it.
        topic: of a bag; else empty.
        count: images, as far as known before reading; 0 unknown.
        own_clock: whether times are the recording's own.
        repeats: whether equal pictures in a row are to be expected without any fault.
        losses: what could not be read so far, one line each.
        names: of the files that the images come from, where each has its own.
    """

    path: Path
    topic: str
    names: Sequence[str]
    count: int
    period_ns: int | None
    repeats: bool

    @property
    def losses(self) -> list[str]:
        """See above."""

    def images(self) -> Iterator[RecordedImage]:
        """All images from the first on."""

    def close(self) -> None:
        """Release what is open."""


RENDERED = ("bag", "drive.mp4", "images")  # what `trustseg scenes` writes beside classes.json


def recording_of(path: Path) -> Path:
    """The recording that `path` names: of a folder of rendered scenes the bag, video or pictures in it, of metadata its
    bag; else itself."""
    if path.name == METADATA and path.is_file():
        return path.parent
    if (path / "classes.json").is_file():
        return next((path / name for name in RENDERED if (path / name).exists()), path)
    return path


def open_sources(
    path: Path, topics: Sequence[str], *, every_topic: bool, rate_hz: float | None, recorded_stamps: bool = False
) -> list[ImageSource]:
    """The cameras of one input.

    Args:
        path: bag, video or folder of images.
        topics: chosen image topics of a bag; empty takes the only one.
        every_topic: take all image topics instead.
        rate_hz: of a folder of images, which has no times.
        recorded_stamps: of a bag, whose stamps are not to be used: the times of recording instead.

    Raises:
        InputError: nothing there, nothing in it that can be read, or topics that do not fit.
    """
    if not path.exists():
        raise InputError(f"there is no {path}", expected="a ROS bag, a video or a folder of images")
    if is_bag(path):
        bag = Bag(path)
        try:
            channels = bag.channels if topics else _cameras(bag)
            chosen = choose_topics(path, channels, topics, every=every_topic)
        finally:
            bag.close()
        return [BagSource(path, topic, recorded_stamps) for topic in chosen]
    if topics:
        raise InputError(f"{path} is no bag and has no topics", fix="leave --topic out")
    return [FolderSource(path, rate_hz or DEFAULT_RATE_HZ) if path.is_dir() else VideoSource(path)]


def _cameras(bag: Bag) -> Sequence[Channel]:
    """What the bag holds without topics of depth, by their first messages; all of it where nothing else is there."""
    images = image_topics(bag.channels)
    depth = {topic for topic in images if len(images) > 1 and _is_depth(bag, topic)}
    return bag.channels if depth == set(images) else [each for each in bag.channels if each.topic not in depth]


def _is_depth(bag: Bag, topic: str) -> bool:
    stored = next(bag.messages([topic]), None)
    try:
        message = None if stored is None else bag.decode(stored)
    except InputError:
        return False
    if stored is None or message is None:
        return False
    return declares_depth(str(message.format)) if stored.channel.kind == COMPRESSED else message.encoding in DEPTH


class BagSource:
    """One image topic of a bag, in order of recording."""

    period_ns: int | None = None
    repeats = False
    names: Sequence[str] = ()

    def __init__(self, path: Path, topic: str, recorded_stamps: bool = False) -> None:
        self.path, self.topic, self._recorded_stamps = path, topic, recorded_stamps
        self._bag = Bag(path)
        self.count = sum(c.count for c in self._bag.channels if c.topic == topic)
        self._damaged: list[str] = []

    @property
    def channels(self) -> tuple[Channel, ...]:
        """What the whole bag holds."""
        return self._bag.channels

    @property
    def losses(self) -> list[str]:
        """See `ImageSource`."""
        return [*self._bag.losses, *self._damaged]

    def images(self) -> Iterator[RecordedImage]:
        """See `ImageSource`; a message that is damaged itself never reached the node and is left out."""
        self._damaged.clear()
        index = -1
        for index, stored in enumerate(self._bag.messages([self.topic])):
            try:
                message = self._bag.decode(stored)
            except InputError as error:
                self._damaged.append(f"message {index}: {error}")
                continue
            if self._recorded_stamps:
                stamp = Stamp(*divmod(stored.time_ns, SECOND))
                message = replace(message, header=Header(stamp, message.header.frame_id))
            yield RecordedImage(index, stored.time_ns, message, stored.channel.kind == COMPRESSED)
        if index + 1 < self.count and not self.losses:
            self._damaged.append(f"{self.count} messages of {self.topic} are stated, {index + 1} are there")

    def close(self) -> None:
        """See `ImageSource`."""
        self._bag.close()


class FolderSource:
    """Pictures of a folder in the order of their names, one a period."""

    topic, repeats = "", False

    def __init__(self, path: Path, rate_hz: float) -> None:
        self.path = path
        self._step_ns = round(SECOND / rate_hz)
        self.period_ns: int | None = self._step_ns
        found = list_pictures(path, order=natural_order)
        self._files, self.note = found.files, found.note
        self.names: Sequence[str] = [shown(each.name) for each in self._files]
        self.count = len(self._files)
        self._lost: list[str] = []

    @property
    def losses(self) -> list[str]:
        """See `ImageSource`."""
        return self._lost

    def images(self) -> Iterator[RecordedImage]:
        """See `ImageSource`."""
        self._lost = []
        for index, (path, name) in enumerate(zip(self._files, self.names, strict=True)):
            time_ns = ORIGIN_NS + index * self._step_ns
            try:
                data = read_file(path)
            except InputError as error:
                self._lost.append(f"{name}: {one_line(error)}")
                continue
            header = _header(time_ns)
            image = None
            if not _as_it_is(data):
                with suppress(InputError):  # too large: the node's own rules refuse it as well
                    image = decode_image(data, cv2.IMREAD_COLOR, name)
            if image is None:
                kind = "png" if data.startswith(PNG_SIGNATURE) else "jpeg"
                yield RecordedImage(index, time_ns, CompressedPicture(header, kind, data), True, name)
            else:
                yield RecordedImage(index, time_ns, _raw(header, np.asarray(image, np.uint8)), False, name)

    def close(self) -> None:
        """See `ImageSource`."""


class VideoSource:
    """Frames of a video at its own times. Compressed video repeats a picture exactly where nothing moves."""

    topic, repeats = "", True
    names: Sequence[str] = ()

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lost: list[str] = []
        with _container(path) as container:
            stream = container.streams.video[0]
            self.count = int(stream.frames or 0)
            # Not the average rate: a pause in the recording is no slower camera.
            self._step_s = _median_step_s(container, stream) or 1.0 / (
                float(stream.average_rate or 0) or DEFAULT_RATE_HZ
            )
            self.period_ns: int | None = round(SECOND * self._step_s)

    @property
    def losses(self) -> list[str]:
        """See `ImageSource`."""
        return self._lost

    def images(self) -> Iterator[RecordedImage]:
        """See `ImageSource`."""
        import av

        self._lost = []
        index, time_ns = -1, ORIGIN_NS
        with _container(self.path) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            first: float | None = None
            try:
                for index, frame in enumerate(container.decode(stream)):
                    time_s = index * self._step_s if frame.time is None else frame.time
                    first = time_s if first is None else first
                    time_ns = ORIGIN_NS + round((time_s - first) * SECOND)
                    upright = upright_frame(frame)
                    yield RecordedImage(index, time_ns, _raw(_header(time_ns), upright), False)
            except av.FFmpegError as error:
                self._lost.append(f"{shown(self.path.name)} is damaged after {index + 1} frames ({one_line(error)})")
            if self.count > index + 1 and not self._lost:
                self._lost.append(f"{shown(self.path.name)} ends after {index + 1} of {self.count} frames")
            stated_s, ended_s = _stated_s(container), (time_ns - ORIGIN_NS) / SECOND + self._step_s
            if not self._lost and ended_s + SLACK_S < stated_s:
                self._lost.append(f"{shown(self.path.name)} ends after {ended_s:.1f} of {stated_s:.1f} s")

    def close(self) -> None:
        """See `ImageSource`."""


def _median_step_s(container: Any, stream: Any) -> float:
    """Seconds between frames by the times of the first packets, which come in order of decoding; 0 without times."""
    import av

    times: list[int] = []
    with suppress(av.FFmpegError):
        times += [packet.pts for packet in islice(container.demux(stream), RATE_SAMPLE) if packet.pts is not None]
    steps = sorted(b - a for a, b in pairwise(sorted(times)) if b > a)
    return float(steps[len(steps) // 2] * stream.time_base) if steps and stream.time_base else 0.0


def _stated_s(container: Any) -> float:
    """How long a video says that it is, seconds; 0 where it does not say that of its pictures."""
    stream = container.streams.video[0]
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    alone = len(container.streams) == 1 and container.duration is not None
    return container.duration / CONTAINER_TICKS if alone else 0.0


def _container(path: Path) -> Any:
    import av

    try:
        # Not the bare name: in 2024-05-01T10:00:00.mp4 FFmpeg would see a protocol.
        container = av.open(str(path.absolute()))
    except (av.FFmpegError, OSError) as error:
        raise InputError(
            f"{path} is no bag and not a video that can be read", got=error.strerror or one_line(error),
            fix="give a ROS bag, a video or a folder of images",
        ) from error  # fmt: skip
    if not container.streams.video:
        container.close()
        raise InputError(f"{path} holds no video", fix="give a ROS bag, a video or a folder of images")
    limit_decoder(container.streams.video[0])
    return container


def _as_it_is(data: bytes) -> bool:
    """Whether the node's own rules decode a picture's file, and to what it shows: an upright JPEG or PNG of 8 bits."""
    plain = data.startswith(JPEG_START) or 0 < png_depth(data) <= 8
    return plain and orientation_of(data) == UPRIGHT


def _header(time_ns: int) -> Header:
    return Header(Stamp(time_ns // SECOND, time_ns % SECOND), "camera")


def _raw(header: Header, image: UInt8Array) -> RawImage:
    height, width = image.shape[:2]
    return RawImage(header, height, width, "bgr8", 0, 3 * width, np.ascontiguousarray(image).data.cast("B"))


def stamp_ns_of(message: Any) -> int:
    """Header stamp of a message, nanoseconds, whatever it says."""
    stamp = message.header.stamp
    return int(stamp.sec) * SECOND + int(stamp.nanosec)


def stated_period_ns(source: ImageSource) -> int:
    """Median difference of successive stamps over the first images of a recording.

    Without stamps that grow: of the times of recording; the default rate without any.
    """
    if source.period_ns is not None:
        return source.period_ns
    times = [(stamp_ns_of(each.message), each.time_ns) for each in islice(source.images(), RATE_SAMPLE)]
    steps: list[int] = []
    for values in ([stamp for stamp, _ in times], [recorded for _, recorded in times]):
        steps = steps or sorted(b - a for a, b in pairwise(values) if a > 0 and b > a)
    return steps[len(steps) // 2] if steps else round(SECOND / DEFAULT_RATE_HZ)


def fingerprint(path: Path) -> str:
    """SHA-256 over sizes, first and last megabyte of the input's files: names and places do not enter.

    The whole of a bag of many gigabytes would take as long to hash as to evaluate.
    """
    files = bag_files(path) if is_bag(path) else [path]
    if path.is_dir() and not is_bag(path):
        files = list(list_pictures(path, order=natural_order).files)
    digest = hashlib.sha256()
    for each in files:
        try:
            with each.open("rb") as stream:
                size = each.stat().st_size
                digest.update(size.to_bytes(8, "little") + stream.read(EDGE_BYTES))
                stream.seek(max(EDGE_BYTES, size - EDGE_BYTES))
                digest.update(stream.read(EDGE_BYTES))
        except OSError:
            digest.update(b"missing")
    return digest.hexdigest()
