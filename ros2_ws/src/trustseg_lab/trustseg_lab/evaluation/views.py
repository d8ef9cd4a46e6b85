# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images as the network gets them, under one corruption: read, checked, fitted and corrupted ahead of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from trustseg.bundle.card import Card
from trustseg.camera.geometry import Geometry, Places
from trustseg.camera.geometry import shown as shown_to_network
from trustseg.camera.input_geometry import InputGeometry
from trustseg.imaging.resize import in_order
from trustseg.types import UInt8Array
from trustseg_lab.corruptions.catalogue import CLEAN, Corruption
from trustseg_lab.data import shown
from trustseg_lab.data.labelled_images import LabelledPaths, read_image, read_pair

AHEAD = 2


@dataclass(frozen=True)
class View:
    """One image under one corruption.

    Attributes:
        file: name of the image file. name: its stem.
        image: uint8 (h, w, 3) at network size, in the network's colour order.
        truth: uint8 (H, W) class ids as in the label file.
        corruption: what was done to it.
        place: where it lies in the camera's image; None where all of that was stretched.
    """

    file: str
    name: str
    image: UInt8Array
    truth: UInt8Array
    corruption: Corruption
    place: Geometry | None = None

    @property
    def title(self) -> str:
        """For pictures."""
        return self.file if self.corruption.kind == CLEAN else f"{self.file}, {self.corruption.name}"

    def bgr(self, color_order: str) -> UInt8Array:
        """The image as OpenCV encodes it, from the network's `color_order`."""
        return in_order(self.image, color_order, "bgr")


def views_of_images(
    pairs: list[LabelledPaths], card: Card, void: int | None, corruption: Corruption, seed: int, classes: int,
    geometry: InputGeometry | None = None,
) -> Iterator[View]:  # fmt: skip
    """Views of `pairs` in order, whose labels have so many classes; `AHEAD` of them are made in a thread of their own
    while the caller computes.

    Raises:
        InputError: a pair cannot be read or does not fit.
        FrameRejected: the geometry does not fit an image.
    """
    places = Places(geometry or InputGeometry(), card.size)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        first = range(min(AHEAD, len(pairs)))
        waiting = [reader.submit(_view, pairs, i, card, void, corruption, seed, classes, places) for i in first]
        try:
            for index in range(len(pairs)):
                found = waiting.pop(0).result()
                if index + AHEAD < len(pairs):
                    later = reader.submit(_view, pairs, index + AHEAD, card, void, corruption, seed, classes, places)
                    waiting.append(later)
                yield found
        finally:
            for future in waiting:
                future.cancel()


def _view(
    pairs: list[LabelledPaths], index: int, card: Card, void: int | None, corruption: Corruption, seed: int,
    classes: int, places: Places,
) -> View:  # fmt: skip
    """The view of one pair; a frozen camera shows the image of some time before."""
    pair = read_pair(pairs[index], classes, void)
    picture = pair.image
    if corruption.lag:
        picture = read_image(pairs[max(0, index - corruption.lag)].image)
    picture, place = places.picture(picture)
    seen, order = picture, "bgr"
    if corruption.kind != CLEAN:  # of the camera: what is put beside its picture is a mirror image of that
        seen, order = corruption.apply(in_order(picture, "bgr", "rgb"), seed * 1_000_003 + index), "rgb"
    image = shown_to_network(seen, place, order, card.input.color_order)
    path = pairs[index].image
    return View(shown(path.name), shown(path.stem), np.ascontiguousarray(image), pair.labels, corruption, place)
