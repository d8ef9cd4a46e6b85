# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images and labels for training: read once, checked, kept in memory at the network's size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.imaging.resize import nearest, stretched
from trustseg.types import UInt8Array
from trustseg_lab.data import LabelNames, paired_files
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.find_labels import FoundLabels, LabelWish, find_labels
from trustseg_lab.data.formats.catalogue import FormatOption
from trustseg_lab.data.label_reader import LabelReader
from trustseg_lab.data.labelled_images import LabelledPaths, find_pairs, read_fitting
from trustseg_lab.training.config import Source

IGNORE = 255
UNKNOWN = 254  # an object that no class describes; nothing but `trustseg_lab.training.unknown.paste` writes it
GROUPS = 200  # first code of a set that is drawn in groups of classes (`trustseg_lab.training.unknown.sets_beside`)
SOFT_STRIDE = 2  # pixels of the image to one soft label along each axis; a teacher's edges are no finer
Float64Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LabelledSet:
    """Images uint8 (N, H, W, 3) RGB; labels uint8 (N, H, W) with IGNORE where not labelled; stems in file order.

    `soft`: what a teacher says of them (trustseg_lab.training.distil), uint8 (N, H / 2, W / 2, C), or None.
    """

    images: UInt8Array
    labels: UInt8Array
    stems: tuple[str, ...]
    soft: UInt8Array | None = None


def pair_files(source: Source) -> list[tuple[Path, Path]]:
    """(image, label) paths as `trustseg_lab.data.paired_files` pairs them: an image without labels is an error."""
    names = None if source.label_names is None else LabelNames.parse(source.label_names)
    return paired_files(source.images, source.labels, names)


def look_at_labels(source: Source, classes: ClassList) -> FoundLabels:
    """What the labels of a folder are, and how they are read as these classes; InputError where they cannot be."""
    names = None if source.label_names is None else LabelNames.parse(source.label_names)
    wish = LabelWish(FormatOption.parse(source.label_format), classes, names, plain_void=classes.void)
    return find_labels(source.images, source.labels, None, wish)


def read_pair(
    image_path: Path, label_path: Path, classes: ClassList, reader: LabelReader | None = None
) -> tuple[UInt8Array, UInt8Array]:
    """RGB image uint8 (H, W, 3) and label uint8 (H, W) with IGNORE for void; InputError names the file."""
    found = read_fitting(LabelledPaths(image_path, label_path, reader), len(classes.classes), classes.void)
    ids = np.where(found.labels == classes.void, np.uint8(IGNORE), found.labels).astype(np.uint8)
    return np.ascontiguousarray(found.image[:, :, ::-1], dtype=np.uint8), ids


def resize_pair(image: UInt8Array, label: UInt8Array, height: int, width: int) -> tuple[UInt8Array, UInt8Array]:
    """Stretch to (height, width) as pipeline and evaluation do."""
    return stretched(image, (height, width)), nearest(label, (height, width))


def load_set(source: Source, classes: ClassList, height: int, width: int) -> LabelledSet:
    """Read a whole folder into memory."""
    names = None if source.label_names is None else LabelNames.parse(source.label_names)
    reader = look_at_labels(source, classes).reader
    pairs = find_pairs(source.images, source.labels, names, reader)
    images = np.empty((len(pairs), height, width, 3), np.uint8)
    labels = np.empty((len(pairs), height, width), np.uint8)
    for i, pair in enumerate(pairs):
        images[i], labels[i] = resize_pair(*read_pair(pair.image, pair.labels, classes, reader), height, width)
    if not (labels != IGNORE).any():
        raise InputError(f"every pixel in {source.labels} is void", fix="check the void value of the class list")
    return LabelledSet(images, labels, tuple(pair.image.stem for pair in pairs))


def class_frequencies(labels: UInt8Array, classes: int) -> Float64Array:
    """Share of the labelled pixels of each class, float64 (C,)."""
    counts = np.bincount(labels.reshape(-1), minlength=256)[:classes].astype(np.float64)
    return np.asarray(counts / max(float(counts.sum()), 1.0), np.float64)


def epoch_order(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Indices 0..count-1 in random order, for ever, each once before any comes again."""
    while True:
        yield from (int(i) for i in rng.permutation(count))
