# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Recorded images of one camera as the messages that the node would have received: from a bag, a video or a folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg.files.blackbox_record import recorded_camera
from trustseg.frames import DEPTH, declares_depth
from trustseg_lab.data import list_images, natural_order
from trustseg_lab.recordings.bag import COMPRESSED, Bag, bag_files, choose_topics, image_topics, is_bag, listed
from trustseg_lab.recordings.bag_metadata import METADATA
from trustseg_lab.recordings.image_folder import FolderSource
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.recorded_image import (
    DEFAULT_RATE_HZ,
    Header,
    ImageSource,
    RecordedImage,
    Stamp,
    stamp_ns_of,
)
from trustseg_lab.recordings.storage import Channel
from trustseg_lab.recordings.video.film import VideoSource
from trustseg_lab.recordings.video.video_messages import VIDEO_KINDS
from trustseg_lab.recordings.video.video_topic import VideoTopic, is_video

RATE_SAMPLE = 1000  # images whose stamps tell the rate
EDGE_BYTES = 1 << 20
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
        topics: chosen image topics of a bag; empty takes the only one, of a black box's record the camera's.
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
            recorded = None if topics or every_topic else recorded_camera(path)
            topics = [recorded] if recorded else topics
            channels = bag.channels if topics else _cameras(bag)
            try:
                chosen = choose_topics(path, channels, topics, every=every_topic)
            except InputError as error:
                if not image_topics(bag.channels) and bag.losses:  # what would be there is not read
                    raise InputError(f"{path} holds no images that can be read", got=bag.losses[0]) from error
                raise
        finally:
            bag.close()
        return [BagSource(path, topic, recorded_stamps) for topic in chosen]
    if topics:
        raise InputError(f"{path} is no bag and has no topics", fix="leave --topic out")
    if not path.is_dir():
        return [VideoSource(path)]
    try:
        return [FolderSource(path, rate_hz or DEFAULT_RATE_HZ)]
    except InputError:
        inner = [each.name for each in sorted(path.iterdir()) if each.is_dir() and is_bag(each)]
        if not inner:
            raise
        raise InputError(
            f"{path} is no bag itself", got=f"a folder of {listed(inner)}", fix=f"name one, as {path / inner[0]}"
        ) from None


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
    if stored.channel.kind in VIDEO_KINDS:
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
        index, video, stamps = -1, VideoTopic(), OnwardTime()
        for index, stored in enumerate(self._bag.messages([self.topic])):
            try:
                message = self._bag.decode(stored)
            except InputError as error:
                self._damaged.append(f"message {index}: {error}")
                continue
            compressed = stored.channel.kind == COMPRESSED
            if is_video(stored.channel.kind, message):
                message, compressed = video.image(index, message)
            time_ns = stored.time_ns
            if self._recorded_stamps:
                time_ns = stamps.of(time_ns)
                message = replace(message, header=Header(Stamp(*divmod(time_ns, SECOND)), message.header.frame_id))
            yield RecordedImage(index, time_ns, message, compressed)
        if index + 1 < self.count and not self.losses:
            self._damaged.append(f"{self.count} messages of {self.topic} are stated, {index + 1} are there")
        self._damaged += [*video.told(self.topic), *stamps.told()]

    def close(self) -> None:
        """See `ImageSource`."""
        self._bag.close()


def onward_images(source: ImageSource, times: OnwardTime) -> Iterator[RecordedImage]:
    """All images of `source` in a time that never goes back; what is to be said of that, `times` tells."""
    for image in source.images():
        time_ns = times.of(image.time_ns)
        yield replace(image, time_ns=time_ns, offset_ns=time_ns - image.time_ns)


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

    The whole of a bag of many gigabytes would take as long to hash as to evaluate. It tells recordings apart, of which
    no two begin and end alike; labels may differ in their names alone: see `whole_fingerprint`.
    """
    files = bag_files(path) if is_bag(path) else [path]
    if path.is_dir() and not is_bag(path):
        files = list(list_images(path, order=natural_order).files)
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


def whole_fingerprint(path: Path) -> str:
    """SHA-256 over names and whole content of a file, or of all files below a folder.

    The folder's own name is left out. A file that cannot be read counts by its name.
    """
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for each in files:
        name = each.relative_to(path).as_posix() if each != path else each.name
        content = hashlib.sha256()
        try:
            with each.open("rb") as stream:
                while block := stream.read(EDGE_BYTES):
                    content.update(block)
        except OSError:
            content.update(b"missing")
        digest.update(os.fsencode(name) + b"\0" + content.digest())
    return digest.hexdigest()
