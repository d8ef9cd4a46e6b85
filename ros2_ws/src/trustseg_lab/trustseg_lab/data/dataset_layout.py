# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a data set's published folders keep images and labels, so that `--dataset NAME --root DIR` is enough."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trustseg.errors import InputError
from trustseg_lab.data import LabelNames

CAMVID_SPLITS = ("train", "val", "test")
CAMVID_VOID = 11


@dataclass(frozen=True)
class LabelledSource:
    """A folder of images, one of labels, the id of unlabelled pixels (None: there is none), how label names differ."""

    images: Path
    labels: Path
    void: int | None
    names: LabelNames | None = None

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
            return LabelledSource(base / parts[0], base / parts[1], CAMVID_VOID)
    raise InputError(
        f"{root} holds no {name}", expected=f"folders {parts[0]} and {parts[1]} in it", got="none",
        fix="--root is the data set's folder",
    )  # fmt: skip
