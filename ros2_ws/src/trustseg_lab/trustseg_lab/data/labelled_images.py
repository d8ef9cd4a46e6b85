# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images and their labels, paired by their names, read one at a time and checked before anything is measured."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from trustseg.errors import InputError
from trustseg.imaging import stored_image
from trustseg.types import UInt8Array
from trustseg_lab.data import LabelNames, paired_files, read_labels
from trustseg_lab.data.find_labels import annotated
from trustseg_lab.data.label_reader import LabelReader


@dataclass(frozen=True)
class LabelledPaths:
    """One image file and its label file; `reader`: how the latter is read, None for class ids as they are."""

    image: Path
    labels: Path
    reader: LabelReader | None = field(default=None, compare=False)

    @property
    def mark(self) -> list[object]:
        """By what the two files, and how the labels are read, are recognised again, for whoever keeps what it made of
        them: names, sizes in bytes, times of writing."""
        told = [(path.name, path.stat()) for path in (self.image, self.labels)]
        files = [[name, about.st_size, about.st_mtime_ns] for name, about in told]
        return [*files, None if self.reader is None else self.reader.key]


@dataclass(frozen=True)
class LabelledImage:
    """One image and its truth, as read.

    Attributes:
        paths: where they came from.
        image: uint8 (H, W, 3) BGR, as OpenCV reads it.
        labels: uint8 (H, W) class ids; void as in the file.
    """

    paths: LabelledPaths
    image: UInt8Array
    labels: UInt8Array


def find_pairs(
    images: Path, labels: Path, names: LabelNames | None = None, reader: LabelReader | None = None
) -> list[LabelledPaths]:
    """Every image of folder `images` with its labels in folder `labels`, paired by `trustseg_lab.data.paired_files`,
    or with the file of annotations that `reader` reads. Labels are read by `reader`.
    """
    if reader is not None and reader.annotations is not None:
        return [
            LabelledPaths(image, reader.annotations.path, reader) for image in annotated(images, reader.annotations)
        ]
    return [LabelledPaths(image, label, reader) for image, label in paired_files(images, labels, names)]


def read_pair(paths: LabelledPaths, classes: int, void: int | None) -> LabelledImage:
    """Read and check one pair of which something is to be measured.

    Raises:
        InputError: as `read_fitting`, or every pixel is void.
    """
    found = read_fitting(paths, classes, void)
    if void is not None and bool((found.labels == void).all()):
        raise InputError(f"labels {paths.labels} are all void ({void})", fix="leave the image out, or check --void")
    return found


def read_fitting(paths: LabelledPaths, classes: int, void: int | None) -> LabelledImage:
    """Read and check one pair.

    Raises:
        InputError: a file cannot be decoded, the sizes differ, or ids lie outside the classes.
    """
    image = read_image(paths.image)
    reader = paths.reader
    labels = read_labels(paths.labels, classes, void) if reader is None else reader.read(paths.image, paths.labels)
    if labels.shape != image.shape[:2]:
        raise InputError(
            f"labels {paths.labels} are of another size than {paths.image.name}",
            expected=_size(image.shape), got=_size(labels.shape),
            fix="labels must fit the image as it stands upright (EXIF orientation)",
        )  # fmt: skip
    return LabelledImage(paths, image, labels)


def read_image(path: Path) -> UInt8Array:
    """An image file as uint8 (H, W, 3) BGR; InputError where it cannot be decoded or is too large."""
    image = stored_image.read_image(path, cv2.IMREAD_COLOR)
    if image is None:
        raise InputError(f"cannot decode image {path}", fix="give a PNG, JPEG, WebP, BMP or TIFF file")
    return np.asarray(image, np.uint8)


def read_ahead(pairs: list[LabelledPaths], classes: int, void: int | None, depth: int = 2) -> Iterator[LabelledImage]:
    """The pairs in order, up to `depth` of them decoded in a thread of their own while the caller computes."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        waiting = [reader.submit(read_pair, each, classes, void) for each in pairs[:depth]]
        try:
            for index in range(len(pairs)):
                found = waiting.pop(0).result()
                if index + depth < len(pairs):
                    waiting.append(reader.submit(read_pair, pairs[index + depth], classes, void))
                yield found
        finally:
            for future in waiting:
                future.cancel()


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} x {shape[1]} (height x width)"
