# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a data set's published folders keep images and labels, so that `--dataset NAME --root DIR` is enough."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from trustseg.errors import InputError
from trustseg_lab.data import LabelNames
from trustseg_lab.data.class_list import load_classes
from trustseg_lab.data.find_labels import LabelWish, find_labels
from trustseg_lab.data.label_reader import LabelReader
from trustseg_lab.data.label_set import LabelSet
from trustseg_lab.data.labelled_images import LabelledPaths, find_pairs

CAMVID_SPLITS = ("train", "val", "test")
CAMVID_VOID = 11
CAMVID_CLASSES = "classes_camvid11.yaml"


@dataclass(frozen=True)
class LabelledSource:
    """A folder of images, one of labels, the id of unlabelled pixels (None: there is none), how label names differ, and
    how labels are read (None: class ids as they are). `ids`: whose ids they are, where that is known."""

    images: Path
    labels: Path
    void: int | None
    names: LabelNames | None = None
    reader: LabelReader | None = field(default=None, compare=False)
    ids: LabelSet | None = None

    def pairs(self) -> list[LabelledPaths]:
        """Every image with its labels; InputError as `find_pairs`."""
        return find_pairs(self.images, self.labels, self.names, self.reader)

    def read_as(self, wish: LabelWish) -> tuple[LabelledSource, tuple[str, ...]]:
        """The same with a reader for the wanted classes, and what to say of it; InputError as `find_labels`."""
        found = find_labels(self.images, self.labels, self.void, replace(wish, plain=self.ids))
        return replace(self, void=found.void, reader=found.reader), found.told

    @property
    def name(self) -> str:
        """IMAGES:LABELS by the folders' own names: a machine's paths tell nobody anything."""
        return f"{self.images.name}:{self.labels.name}"


def dataset_source(name: str, root: Path, split: str) -> LabelledSource:
    """Folders of a data set.

    Args:
        name: "camvid" (SegNet's split: `test` beside `testannot`) or "kitti" (60 images with CamVid's classes).
        root: folder of the data set, or of several (then its part of that name).
        split: of camvid.

    Raises:
        InputError: an unknown name or split, or a folder that is not there.
    """
    if name not in ("camvid", "kitti"):
        raise InputError("no such data set", expected="camvid or kitti", got=name, fix="or give --images and --labels")
    if name == "camvid" and split not in CAMVID_SPLITS:
        raise InputError(f"{name} has no such split", expected=", ".join(CAMVID_SPLITS), got=split)
    parts = (split, f"{split}annot") if name == "camvid" else ("images", "labels")
    for base in (root, root / name):
        if all((base / part).is_dir() for part in parts):
            camvid = load_classes(Path(CAMVID_CLASSES)).classes
            return LabelledSource(
                base / parts[0], base / parts[1], CAMVID_VOID, ids=LabelSet.of("CamVid, 11 classes", camvid)
            )
    raise InputError(
        f"{root} holds no {name}", expected=f"folders {parts[0]} and {parts[1]} in it", got="none",
        fix="--root is the data set's folder",
    )  # fmt: skip
