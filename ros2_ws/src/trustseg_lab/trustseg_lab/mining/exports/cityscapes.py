# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cityscapes' folders with classes of one's own, named in label_colors.txt, as CVAT and datumaro have them."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np

from trustseg.errors import InputError
from trustseg_lab.data.formats.annotations import BACKGROUND, NOTHING
from trustseg_lab.data.label_set import plain
from trustseg_lab.mining.exports.proposal import BLACK, Proposal

SPLIT, CITY = "train", "mined"
VOID_NAMES = ("unlabeled", BACKGROUND, *NOTHING)  # all of which its readers leave out


def write_cityscapes(proposal: Proposal) -> None:
    """cityscapes/: label_colors.txt, leftImg8bit/train/mined and gtFine/train/mined; an id is the number of a line.

    Line 0 is what has no class. Names have no blanks there, since these separate the columns.
    """
    out = proposal.folder / "cityscapes"
    images, labels = (out / kind / SPLIT / CITY for kind in ("leftImg8bit", "gtFine"))
    for folder in (images, labels):
        folder.mkdir(parents=True)
    void_name = next(name for name in VOID_NAMES if not any(plain(each) == name for each in proposal.names))
    listed = [(void_name, BLACK), *zip(proposal.names, proposal.colours, strict=True)]
    lines = [f"{red} {green} {blue} {'_'.join(name.split())}\n" for name, (red, green, blue) in listed]
    (out / "label_colors.txt").write_text("".join(lines), encoding="utf-8")
    for name, ids in proposal.frames():
        stem = name.removesuffix(".png")
        shutil.copyfile(proposal.folder / "images" / name, images / f"{stem}_leftImg8bit.png")
        lines_of = np.where(ids == proposal.void, 0, ids.astype(np.uint16) + 1)
        _save(labels / f"{stem}_gtFine_labelIds.png", lines_of.astype(np.uint8))
        _save(labels / f"{stem}_gtFine_instanceIds.png", lines_of.astype(np.uint16))  # datumaro looks at these alone


def _save(path: Path, pixels: np.ndarray) -> None:
    written, data = cv2.imencode(".png", pixels)
    if not written:
        raise InputError(f"{path.name} cannot be written")
    path.write_bytes(data.tobytes())
