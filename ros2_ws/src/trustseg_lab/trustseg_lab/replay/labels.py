# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Truth for recorded images: a folder of label pictures, or a topic of the same bag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from trustseg.bounds import SECOND
from trustseg.bundle.card import Card
from trustseg.errors import FrameRejected, InputError
from trustseg.frames import check_layout
from trustseg.types import UInt8Array
from trustseg_lab.data import LabelNames, decode_labels, files_by_stem, known_ids, read_labels, recognised_names
from trustseg_lab.data.find_labels import LabelWish, look_at, open_annotations, reader_of, some, void_of
from trustseg_lab.data.formats.catalogue import AUTO, IDS, OWN, FoundFormat, annotation_file, recognise
from trustseg_lab.data.formats.label_images import SampleLabels
from trustseg_lab.data.label_reader import LabelReader
from trustseg_lab.data.label_set import known_set, known_sets
from trustseg_lab.recordings.bag import COMPRESSED, IMAGE_KINDS, Bag, listed
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.recorded_image import ImageSource, RecordedImage, stamp_ns_of
from trustseg_lab.replay.job import ReplayOptions

STAMP_DIGITS = 13  # a name of at least so many digits is a stamp in nanoseconds, a shorter one counts images
WINDOW_NS = 2 * SECOND
SAMPLES = {"mono8": "u1", "8UC1": "u1", "mono16": "u2", "16UC1": "u2"}  # encodings that hold ids: type of a sample


class Labels(Protocol):
    """Where the truth of an image comes from.

    Attributes:
        losses: what could not be read, one line each; grows while reading. void: id of what has no class in `of`.
    """

    void: int | None

    @property
    def losses(self) -> list[str]:
        """See above."""

    def of(self, image: RecordedImage) -> UInt8Array | None:
        """uint8 (H, W) class ids of one image, None where there are none.

        Raises:
            InputError: there are some, and they cannot be used.
        """

    def close(self) -> None:
        """Release what is open."""


def label_wish(options: ReplayOptions, card: Card) -> LabelWish:
    """What the options say of labels; InputError where they cannot be used."""
    names = LabelNames.parse(options.label_names) if options.label_names else None
    return LabelWish.of_bundle(card.classes, options.label_format, options.label_classes, names)


def open_labels(named: str, source: ImageSource, void: int | None, wish: LabelWish) -> Labels:
    """Labels as `--labels` names them: a folder, a file of annotations, or a topic of the bag.

    Raises:
        InputError: none of these, or nothing in it fits.
    """
    if is_label_path(named):
        return FolderLabels(Path(named), void, wish, source.names)
    if source.topic:
        return TopicLabels(source.path, named, void, wish)
    raise InputError(f"labels {named} are no folder", expected="a folder of label images, or an image topic of a bag")


def is_label_path(named: str) -> bool:
    """Whether `--labels` names a folder or a file of annotations, and not a topic."""
    path = Path(named)
    return named != "" and (path.is_dir() or (path.is_file() and path.suffix.lower() in (".json", ".xml")))


class FolderLabels:
    """One picture of class ids an image: named after the image, by its stamp in nanoseconds, or by its number; or a
    file of annotations, by the names of the images.

    Args:
        folder: of the labels, or the file. void: id of unlabelled pixels in them. wish: format, classes and names.
        images: file names of the recording, empty where it has none.
    """

    def __init__(self, folder: Path, void: int | None, wish: LabelWish, images: Sequence[str] = ()) -> None:
        self._folder, self._wish, self._given = folder, wish, void
        self._file = annotation_file(wish.option, folder)
        self._reader: LabelReader | None
        if self._file is not None:
            self._found, self._reader = open_annotations(self._file, wish, void)
        else:
            self._by_stem = files_by_stem(folder, "labels")
            self._names = wish.names or recognised_names([Path(each).stem for each in images], self._by_stem, folder)
            numbers = {int(stem): path for stem, path in self._by_stem.items() if stem.isascii() and stem.isdigit()}
            self._by_stamp = {n: path for n, path in numbers.items() if len(path.stem) >= STAMP_DIGITS}
            self._by_index = {n: path for n, path in numbers.items() if len(path.stem) < STAMP_DIGITS}
            files = [path for _, path in some([(path, path) for path in self._by_stem.values()])]
            self._found = recognise(wish.option, folder, files, self._names, wish.own)
            self._reader = reader_of(self._found, wish, void)
        self.void = void_of(self._found, self._reader, wish, void)

    def told(self) -> tuple[str, ...]:
        """What the labels are, a line each; InputError where one of those looked at cannot be read."""
        if self._file is not None:
            return (
                f"labels {self._file}: {self._found.labels.title if self._found.labels else ''}",
                *self._found.notes,
            )
        pairs = [(path, path) for path in self._by_stem.values()]
        return look_at(self._folder, pairs, self._found, self._reader, self._wish, self._given).told

    @property
    def losses(self) -> list[str]:
        """See `Labels`: a label file that cannot be read is an error."""
        return []

    def of(self, image: RecordedImage) -> UInt8Array | None:
        """See `Labels`."""
        reader = self._reader
        if self._file is not None:
            told = reader.annotations if reader is not None else None
            if reader is None or told is None or not image.name or not told.has(image.name):
                return None
            return reader.read(Path(image.name), self._file)
        if image.name:
            path = self._by_stem.get(self._names.label_stem(Path(image.name).stem) or "")
        else:
            path = self._by_stamp.get(stamp_ns_of(image.message)) or self._by_index.get(image.index)
        if path is None:
            return None
        if reader is None:
            return read_labels(path, len(self._wish.own.classes), self.void)
        return reader.read(path, path)

    def close(self) -> None:
        """See `Labels`."""


class TopicLabels:
    """Label images of another topic of the bag, with the stamps of the camera's images."""

    def __init__(self, bag: Path, topic: str, void: int | None, wish: LabelWish) -> None:
        self._topic, self._classes = topic, len(wish.own.classes)
        if wish.option.name not in (AUTO, IDS, OWN, *known_sets()):
            raise InputError(
                f"labels of a topic as {wish.option.name}", expected=", ".join((IDS, OWN, *known_sets())),
                fix="give a folder of labels, or leave --label-format out",
            )  # fmt: skip
        ids = wish.option.name in (AUTO, IDS, OWN)
        known = None if ids else known_set(wish.option.name)
        found_format = FoundFormat(wish.option.name, "", known, SampleLabels())
        self._reader = reader_of(found_format, wish, void)
        self.void = void_of(found_format, self._reader, wish, void)
        self._bag = Bag(bag)
        found = [c for c in self._bag.channels if c.topic == topic and c.kind in IMAGE_KINDS and c.count > 0]
        if not found:
            there = sorted(c.topic for c in self._bag.channels if c.kind in IMAGE_KINDS)
            self._bag.close()
            raise InputError(f"labels {topic}: no folder, and no image topic of {bag}", expected=listed(there))
        self._messages = self._read()
        self._near: dict[int, tuple[int, Any, bool]] = {}
        self._read_to_ns = 0

    @property
    def losses(self) -> list[str]:
        """See `Labels`: its chunks need not be those of the images."""
        return self._bag.losses

    def _read(self) -> Iterator[tuple[int, Any, bool]]:
        onward = OnwardTime()  # as the images, see `_Drive`
        for stored in self._bag.messages([self._topic]):
            yield onward.of(stored.time_ns), self._bag.decode(stored), stored.channel.kind == COMPRESSED

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
        ids = _ids(found[1], found[2], where)
        return (
            known_ids(ids, where, self._classes, self.void) if self._reader is None else self._reader.mapped(ids, where)
        )

    def close(self) -> None:
        """See `Labels`."""
        self._bag.close()


def _ids(message: Any, compressed: bool, where: str) -> UInt8Array:
    if compressed:
        return decode_labels(bytes(message.data), where, upright=False)
    sample = SAMPLES.get(message.encoding)
    if sample is None:
        raise InputError(f"{where} are no class ids", expected=" or ".join(SAMPLES), got=repr(message.encoding))
    wide = message.width * np.dtype(sample).itemsize
    try:  # rows of so many bytes, whatever the samples are
        layout = check_layout(message.height, wide, message.step, "mono8", len(message.data))
    except FrameRejected as error:
        raise InputError(f"{where} cannot be used", got=str(error)) from error
    rows = np.frombuffer(message.data, np.uint8).reshape(layout.rows, layout.step)[:, :wide]
    ids = np.ascontiguousarray(rows).view(np.dtype(sample).newbyteorder(">" if message.is_bigendian else "<"))
    if ids.max() > 255:
        raise InputError(f"{where} hold ids outside 0..255", got=str(int(ids.max())))
    return ids.astype(np.uint8)
