# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The folder that `trustseg mine` writes, for whoever learns from it: images, proposed or corrected labels, classes.

Mining writes it and the benchmark reads it, which is why its form stands here, below both.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trustseg.errors import InputError
from trustseg_lab.data.class_list import ClassList, load_classes
from trustseg_lab.data.labelled_images import LabelledPaths, find_pairs

LIST, CLASSES = "mined.json", "classes.json"
IMAGES, LABELS, SHEET = "images", "labels", "contact_sheet.png"
VOID = 255  # of pixels whose label is not known


@dataclass(frozen=True)
class MinedSet:
    """Mined frames.

    Attributes:
        folder: of all. pairs: image and labels of each frame, in order of their worth. classes: with `VOID`.
    """

    folder: Path
    pairs: tuple[LabelledPaths, ...]
    classes: ClassList

    def check_classes(self, names: list[str], of: str) -> None:
        """InputError where these, of a bundle called `of`, are not the classes of the labels."""
        own = [each.name for each in self.classes.classes]
        if own != names:
            raise InputError(
                f"the mined frames {self.folder} have other classes than bundle {of}", expected=", ".join(names),
                got=", ".join(own), fix="mine them with that bundle",
            )  # fmt: skip


def read_mined(folder: Path) -> MinedSet:
    """What is in a folder of `trustseg mine`; `labels/` may have been corrected since.

    Raises:
        InputError: it is no such folder, or a part of it is missing.
    """
    if not (folder / LIST).is_file():
        raise InputError(
            f"{folder} holds no mined frames", expected=f"a folder with {LIST}, as trustseg mine writes it",
            fix="run trustseg mine RECORDING --out FOLDER first",
        )  # fmt: skip
    classes = load_classes(folder / CLASSES)
    return MinedSet(folder, tuple(find_pairs(folder / IMAGES, folder / LABELS)), classes)
