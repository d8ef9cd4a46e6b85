# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every form of an export is written from."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.types import UInt8Array
from trustseg_lab.data.folders import CONTROLS
from trustseg_lab.data.formats.annotations import BACKGROUND, NOTHING
from trustseg_lab.data.label_pixels import read_labels
from trustseg_lab.data.label_set import Named, plain

Mask = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]
BLACK: Colour = (0, 0, 0)


@dataclass(frozen=True)
class Proposal:
    """Frames with proposed labels.

    Attributes:
        folder: with images/ and labels/, where the export goes too. files: names of the frames in both, in order.
        names: of the classes by id. colours: RGB of each, no two alike and none black. void: id without a class.
        title: what proposes them.
    """

    folder: Path
    files: tuple[str, ...]
    names: tuple[str, ...]
    colours: tuple[Colour, ...]
    void: int
    title: str

    @staticmethod
    def of(folder: Path, files: Sequence[str], classes: Sequence[Named], void: int, title: str) -> Proposal:
        """Of a bundle's classes, checked by `check_names`."""
        names = tuple(each.name for each in classes)
        return Proposal(folder, tuple(files), names, distinct([each.color for each in classes]), void, title)

    def frames(self) -> Iterator[tuple[str, UInt8Array]]:
        """File name and uint8 (H, W) ids of each frame."""
        for name in self.files:
            yield name, read_labels(self.folder / "labels" / name, len(self.names), self.void)

    @property
    def void_name(self) -> str:
        """Class of pixels that have none; empty where leaving them unpainted says so.

        Tools and their readers take for `background` what nothing covers, which then is a class of its own.
        """
        if not any(name.casefold() == BACKGROUND for name in self.names):
            return ""
        return next(name for name in NOTHING if not any(plain(each) == name for each in self.names))

    @property
    def listed(self) -> tuple[tuple[str, Colour], ...]:
        """Name and colour of all that is painted."""
        own = tuple(zip(self.names, self.colours, strict=True))
        return (*own, (self.void_name, BLACK)) if self.void_name else own

    def masks(self, labels: UInt8Array) -> Iterator[tuple[int, Mask]]:
        """Place in `listed` and mask of bool (H, W) of each class that a frame has."""
        void = [(len(self.names), self.void)] if self.void_name else []
        for place, key in [*enumerate(range(len(self.names))), *void]:
            mask = labels == key
            if mask.any():
                yield place, mask


def check_names(classes: Sequence[Named]) -> None:
    """InputError where names of classes cannot stand in a file of annotations."""
    seen: dict[str, str] = {}
    for each in classes:
        key = plain(each.name)
        if key in seen:
            raise InputError("two classes of one name cannot be exported", got=f"{seen[key]!r} and {each.name!r}")
        seen[key] = each.name
        if not each.name.strip() or any(unicodedata.category(sign) in CONTROLS for sign in each.name):
            raise InputError("a class without a printable name cannot be exported", got=repr(each.name))
    if {BACKGROUND, *NOTHING} <= set(seen):
        raise InputError("no name is left for pixels without a class", got=", ".join((BACKGROUND, *NOTHING)))


def distinct(colours: Sequence[Colour]) -> tuple[Colour, ...]:
    """The same colours, moved by a little where two are alike or one is black, which tools take for no class."""
    taken: dict[int, Colour] = {0: BLACK}
    found = []
    for red, green, blue in colours:
        packed = red << 16 | green << 8 | blue
        while packed in taken:
            packed = (packed + 1) % (1 << 24)
        taken[packed] = (packed >> 16, packed >> 8 & 255, packed & 255)
        found.append(taken[packed])
    return tuple(found)


def hex_of(colour: Colour) -> str:
    """A colour as #rrggbb."""
    return "#" + "".join(f"{each:02x}" for each in colour)
