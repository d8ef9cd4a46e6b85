# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From the labels of a data set to own class ids: one reader for all formats and all commands."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from trustseg.errors import InputError
from trustseg.types import UInt8Array
from trustseg_lab.data.class_list import NO_CLASS, REST, ClassList, Ids
from trustseg_lab.data.formats.annotations import Annotations
from trustseg_lab.data.formats.label_images import SourceIds
from trustseg_lab.data.label_pixels import read_labels
from trustseg_lab.data.label_set import LabelSet

MOST_SHOWN = 8
MOST_VOID = 255  # as the commands have it: without a reader it is an id of uint8 labels


class Decoder(Protocol):
    """Ids of a data set out of a file."""

    def __call__(self, image: Path, labels: Path) -> SourceIds:
        """Integers (H, W) for an image and its file of labels; InputError where that cannot be used."""


@dataclass(frozen=True, eq=False)
class LabelReader:
    """How label files are read and what their ids become.

    Attributes:
        title: of the data set's classes, for messages. decode: a file to its ids. table: id to own id, as
            `ClassList.own_ids` gives it. void: own id of what has no class. rest_is_void: also ids that the set lacks.
        fix: what to say of these where they are not.
    """

    title: str
    decode: Decoder
    table: Ids
    void: int
    rest_is_void: bool = False
    fix: str = "is it another --label-format? `void_from: rest` in classes.yaml makes them void"

    @staticmethod
    def of(source: LabelSet, decode: Decoder, own: ClassList, void: int | None = None) -> LabelReader:
        """Reader of `source` for own classes; `void`: one more id of the source that means nothing.

        Raises:
            InputError: a class of the source has no place among the own classes, or `void` is no id of a label file.
        """
        if void is not None and not 0 <= void <= MOST_VOID:  # below 0 it would be an id from the table's end
            fix = "say larger ids with `void_from` in classes.yaml"
            raise InputError("void is no id of unlabelled pixels", expected=f"0 to {MOST_VOID}", got=str(void), fix=fix)
        table = own.own_ids(source)
        if void is not None:
            table = np.concatenate([table, np.full(max(0, void + 1 - len(table)), NO_CLASS, np.int32)])
            table[void] = own.void
        if own.same_as(each.name for each in source.classes):
            # `void_from: rest` speaks of other classes: of the own ones another id is a misreading, and not void.
            fix = "is it another --label-format? With classes that regroup, `ids` are those that `from` names"
            return LabelReader(source.title, decode, table, own.void, rest_is_void=False, fix=fix)
        return LabelReader(source.title, decode, table, own.void, own.void_from == REST)

    @property
    def annotations(self) -> Annotations | None:
        """The one file of annotations, where there are no label pictures."""
        return self.decode if isinstance(self.decode, Annotations) else None

    @property
    def key(self) -> str:
        """What tells this reader from another, for results that are kept."""
        told = [self.title, self.void, self.rest_is_void, hashlib.sha256(self.table.tobytes()).hexdigest()]
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]

    def read(self, image: Path, labels: Path) -> UInt8Array:
        """uint8 (H, W) own ids of an image's labels; InputError where they cannot be used."""
        return self.mapped(self.decode(image, labels), f"labels {labels}")

    def mapped(self, ids: SourceIds, where: str) -> UInt8Array:
        """uint8 own ids of a data set's ids; InputError for one that it does not have."""
        table = self.table
        if int(ids.max()) >= len(table):
            table = np.concatenate([table, np.full(int(ids.max()) + 1 - len(table), NO_CLASS, np.int32)])
        found = table[ids]
        wrong = found == NO_CLASS
        if self.rest_is_void:
            found = np.where(wrong, self.void, found)
        elif wrong.any():
            others = np.unique(ids[wrong]).tolist()
            raise InputError(
                f"{where} hold ids that are none of {self.title}",
                got=", ".join(map(str, others[:MOST_SHOWN]))
                + (f" and {len(others) - MOST_SHOWN} more" if len(others) > MOST_SHOWN else ""),
                fix=self.fix,
            )  # fmt: skip
        return found.astype(np.uint8)


@dataclass(frozen=True)
class LabelCount:
    """What was counted in some label files: files, pixels, those without a class, and which own ids are there."""

    files: int
    pixels: int
    without_class: int
    present: tuple[int, ...]


def count_labels(
    pairs: Sequence[tuple[Path, Path]], reader: LabelReader | None, classes: int, void: int | None
) -> LabelCount:
    """Read the labels of (image, label file) pairs; InputError as reading them gives it."""
    counts = np.zeros(256, np.int64)
    for image, labels in pairs:
        found = reader.read(image, labels) if reader is not None else read_labels(labels, classes, void)
        counts += np.bincount(found.ravel(), minlength=256)
    nothing = reader.void if reader is not None else void
    known = tuple(int(each) for each in np.flatnonzero(counts[:classes]))
    return LabelCount(len(pairs), int(counts.sum()), int(counts[nothing]) if nothing is not None else 0, known)
