"""Truth for recorded images: a folder of label pictures, or a topic of the same bag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from trustseg.bounds import SECOND
from trustseg.errors import FrameRejected, InputError
from trustseg.evaluation.confusion import ids_outside
from trustseg.frames import check_layout
from trustseg.replay.bag import COMPRESSED, IMAGE_KINDS, Bag, listed
from trustseg.replay.sources import IMAGE_SUFFIXES, ImageSource, RecordedImage, stamp_ns_of
from trustseg.stored_image import decode_image, read_image
from trustseg.types import UInt8Array

STAMP_DIGITS = 13  # a name of at least so many digits is a stamp in nanoseconds, a shorter one counts images
WINDOW_NS = 2 * SECOND
ONE_BYTE = ("mono8", "8UC1")


class Labels(Protocol):
    """Where the truth of an image comes from."""

    def of(self, image: RecordedImage) -> UInt8Array | None:
        """uint8 (H, W) class ids of one image, None where there are none.

        Raises:
            InputError: there are some, and they cannot be used.
        """

    def close(self) -> None:
        """Release what is open."""


def open_labels(named: str, source: ImageSource, classes: int, void: int | None) -> Labels:
    """Labels as `--labels` names them: a folder, or a topic of the bag.

    Raises:
        InputError: neither, or nothing in it fits.
    """
    folder = Path(named)
    if folder.is_dir():
        return FolderLabels(folder, classes, void)
    if source.topic:
        return TopicLabels(source.path, named, classes, void)
    raise InputError(f"labels {named} are no folder", expected="a folder of label images, or an image topic of a bag")


class FolderLabels:
    """One picture of class ids an image: named as the image is, by its stamp in nanoseconds, or by its number."""

    def __init__(self, folder: Path, classes: int, void: int | None) -> None:
        self._folder, self._classes, self._void = folder, classes, void
        files = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in IMAGE_SUFFIXES]
        if not files:
            raise InputError(f"{folder} holds no label images", expected=" ".join(IMAGE_SUFFIXES))
        self._by_stem = {path.stem: path for path in files}
        numbers = {int(stem): path for stem, path in self._by_stem.items() if stem.isdigit()}
        self._by_stamp = {n: path for n, path in numbers.items() if len(path.stem) >= STAMP_DIGITS}
        self._by_index = {n: path for n, path in numbers.items() if len(path.stem) < STAMP_DIGITS}

    def of(self, image: RecordedImage) -> UInt8Array | None:
        """See `Labels`."""
        if image.name:
            path = self._by_stem.get(Path(image.name).stem)
        else:
            path = self._by_stamp.get(stamp_ns_of(image.message)) or self._by_index.get(image.index)
        if path is None:
            return None
        read = read_image(path, cv2.IMREAD_UNCHANGED, "labels")
        if read is None or read.ndim != 2 or read.dtype != np.uint8:
            got = "a file that cannot be decoded" if read is None else f"{read.dtype} {read.shape}"
            raise InputError(f"labels {path} are no class ids", expected="an 8-bit image of one channel", got=got)
        return checked(np.asarray(read, np.uint8), str(path), self._classes, self._void)

    def close(self) -> None:
        """See `Labels`."""


class TopicLabels:
    """Label images of another topic of the bag, with the stamps of the camera's images."""

    def __init__(self, bag: Path, topic: str, classes: int, void: int | None) -> None:
        self._topic, self._classes, self._void = topic, classes, void
        self._bag = Bag(bag)
        found = [c for c in self._bag.channels if c.topic == topic and c.kind in IMAGE_KINDS and c.count > 0]
        if not found:
            there = sorted(c.topic for c in self._bag.channels if c.kind in IMAGE_KINDS)
            self._bag.close()
            raise InputError(f"labels {topic}: no folder, and no image topic of {bag}", expected=listed(there))
        self._messages = self._read()
        self._near: dict[int, tuple[int, Any, bool]] = {}
        self._read_to_ns = 0

    def _read(self) -> Iterator[tuple[int, Any, bool]]:
        for stored in self._bag.messages([self._topic]):
            yield stored.time_ns, self._bag.decode(stored), stored.channel.kind == COMPRESSED

    def of(self, image: RecordedImage) -> UInt8Array | None:
        """See `Labels`; labels are looked for among those recorded up to two seconds before or after."""
        while self._read_to_ns <= image.time_ns + WINDOW_NS:
            entry = next(self._messages, None)
            if entry is None:
                break
            self._read_to_ns = entry[0]
            self._near[stamp_ns_of(entry[1])] = entry
        for stamp, entry in list(self._near.items()):
            if entry[0] < image.time_ns - WINDOW_NS:
                del self._near[stamp]
        stamp_ns = stamp_ns_of(image.message)
        found = self._near.get(stamp_ns)
        if found is None:
            return None
        where = f"labels on {self._topic} at {stamp_ns} ns"
        return checked(_ids(found[1], found[2], where), where, self._classes, self._void)

    def close(self) -> None:
        """See `Labels`."""
        self._bag.close()


def _ids(message: Any, compressed: bool, where: str) -> UInt8Array:
    if compressed:
        read = decode_image(bytes(message.data), cv2.IMREAD_UNCHANGED, where)
        if read is None or read.ndim != 2 or read.dtype != np.uint8:
            raise InputError(f"{where} are no class ids", expected="an 8-bit PNG of one channel")
        return np.asarray(read, np.uint8)
    if message.encoding not in ONE_BYTE:
        raise InputError(f"{where} are no class ids", expected=" or ".join(ONE_BYTE), got=repr(message.encoding))
    try:
        layout = check_layout(message.height, message.width, message.step, message.encoding, len(message.data))
    except FrameRejected as error:
        raise InputError(f"{where} cannot be used", got=str(error)) from error
    rows = np.frombuffer(message.data, np.uint8).reshape(layout.rows, layout.step)
    return np.ascontiguousarray(rows[:, : layout.width])


def checked(labels: UInt8Array, where: str, classes: int, void: int | None) -> UInt8Array:
    """The labels; InputError where they hold ids that are neither a class nor void."""
    outside = ids_outside(labels, classes, void)
    if outside:
        raise InputError(
            f"{where} hold ids outside the classes",
            expected=f"0..{classes - 1}" + ("" if void is None else f" or void {void}"),
            got=listed([str(each) for each in outside]),
            fix="map the labels to the bundle's classes, or name the id of unlabelled pixels with --void",
        )  # fmt: skip
    return labels
