# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Labelled images as a wrapped network's head is fitted on them: clean, and under conditions that may be fitted on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trustseg.bundle.card import VOID_LABEL, Card
from trustseg.camera.geometry import Places, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.errors import InputError
from trustseg.imaging.resize import in_order
from trustseg.types import UInt8Array
from trustseg_lab.calibrate.collect_views import LabelledFolder, chosen, under, views_of
from trustseg_lab.data.labelled_images import LabelledPaths, read_pair
from trustseg_lab.metrics.block_counts import blocks_of
from trustseg_lab.metrics.images.view_rows import drive_of, folds_by_block
from trustseg_lab.wrap.fit.collect_pixels import LabelledView

MOST_FOLDS, LEAST_FOLDS = 5, 3
LEAST_IMAGES = 30  # of three images the head of the one that is left out says nothing
LEAST_DRIVES = 2  # one to fit on, one to judge by
LEAST_OF_DRIVE = 10  # images on average: of names that are each image's own no drive is known
CONDITIONS = 2  # views in bad weather, beside the clean one


@dataclass(frozen=True)
class HeadImages:
    """Pairs to fit on, with the fold of each.

    Attributes:
        pairs: image and label files. voids: of each. fold: int64 (n,). folds: their number.
        by_drive: no drive is in two folds.
    """

    pairs: tuple[LabelledPaths, ...]
    voids: tuple[int | None, ...]
    fold: np.ndarray
    folds: int
    by_drive: bool

    @property
    def views(self) -> int:
        """Views that `head_views` gives."""
        return len(self.pairs) * (1 + CONDITIONS)


def head_images(folders: Sequence[LabelledFolder], limit: int | None, seed: int) -> HeadImages:
    """At most `limit` images of each folder, evenly spread. Whole drives are in one fold where there are LEAST_DRIVES:
    a head is to be judged by roads that it has not seen. Else whole blocks of neighbouring images.

    Raises:
        InputError: no pairs, fewer than LEAST_FOLDS blocks, or fewer than LEAST_IMAGES.
    """
    pairs: list[LabelledPaths] = []
    voids: list[int | None] = []
    blocks: list[int] = []
    drives: list[str] = []
    for folder in folders:
        found = chosen(folder.pairs(), limit)
        first = blocks[-1] + 1 if blocks else 0
        blocks += [first + block for block in blocks_of([each.image.stem for each in found])]
        drives += [f"{folder.images}|{drive_of(each.image.stem)}" for each in found]
        pairs += found
        voids += [folder.void] * len(found)
    names = sorted(set(drives))
    by_drive = len(names) >= LEAST_DRIVES and len(drives) >= LEAST_OF_DRIVE * len(names)
    if by_drive:
        blocks = [names.index(each) for each in drives]
    folds = max(LEAST_DRIVES if by_drive else LEAST_FOLDS, min(MOST_FOLDS, len(set(blocks))))
    fold = folds_by_block(np.array(blocks), folds, seed)
    if len(pairs) < LEAST_IMAGES:
        raise InputError(
            "too few images to judge a head", expected=f"at least {LEAST_IMAGES}", got=str(len(pairs)),
            fix="give more images (--data, --limit)",
        )  # fmt: skip
    return HeadImages(tuple(pairs), tuple(voids), fold, folds, by_drive)


def head_views(images: HeadImages, card: Card, seed: int) -> Iterator[LabelledView]:
    """Every view of every image, in order, as the node shows it; InputError where a pair does not fit."""
    places = Places(InputGeometry(), card.size)
    for index, (pair, void) in enumerate(zip(images.pairs, images.voids, strict=True)):
        read = read_pair(pair, len(card.classes), void)
        truth: UInt8Array = read.labels.copy()
        if void is not None:
            truth[read.labels == void] = VOID_LABEL
        picture, place = places.picture(read.image)
        rgb = in_order(picture, "bgr", "rgb")
        for number, view in enumerate(views_of(index, seed)[: 1 + CONDITIONS]):
            image = np.ascontiguousarray(shown(under(view, rgb), place, "rgb", card.input.color_order))
            yield LabelledView(image, truth, int(images.fold[index]), clean=not number, place=place)
