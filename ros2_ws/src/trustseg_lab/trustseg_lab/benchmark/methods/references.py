# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Quality by references: reverse classification accuracy, and the mask of the frame before.

RCA (Valindria et al., 2017): a small classifier learns the view's own mask; where it then labels other images well,
the mask was good. On roads the finding is negative; the row says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from trustseg.errors import InputError
from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.data.mined_set import MinedSet
from trustseg_lab.evaluation.baselines.ensemble import mean_dice
from trustseg_lab.training.data import IGNORE, read_pair

REFERENCE_SIZE = (45, 60)
REFERENCES = 12
NOT_KNOWN = IGNORE
FIT = "fit"
LEAST_OF_CLASS = 3  # pixels without which a class has no spread


def pixel_description(image: UInt8Array) -> Float32Array:
    """float32 (45 * 60, 8): colour, blurred colour, and where a pixel is."""
    height, width = REFERENCE_SIZE
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    wide = cv2.blur(small, (7, 7), borderType=cv2.BORDER_REFLECT)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    places = np.stack([rows / height, columns / width], axis=-1)
    return np.concatenate([small, wide, places], axis=-1).reshape(-1, 8)


def small_mask(labels: UInt8Array) -> UInt8Array:
    """A mask (h, w) at `REFERENCE_SIZE`, flat."""
    height, width = REFERENCE_SIZE
    rows = np.arange(height) * labels.shape[0] // height
    columns = np.arange(width) * labels.shape[1] // width
    return labels[np.ix_(rows, columns)].ravel()


def reference(sample: Sample) -> npt.NDArray[np.floating]:
    """float32 (45 * 60, 9): description and true class of each pixel, 255 where void."""
    truth = np.where(sample.truth.known, sample.truth.labels, NOT_KNOWN).astype(np.uint8)
    return np.concatenate([pixel_description(sample.image), small_mask(truth)[:, None]], axis=1)


def evenly(count: int) -> npt.NDArray[np.int64]:
    """At most `REFERENCES` places of `count`, evenly spread, int64."""
    return np.linspace(0, count - 1, min(REFERENCES, count)).astype(np.int64)


def references_of(mined: MinedSet) -> list[npt.NDArray[np.floating]]:
    """As `reference`, of mined frames with their proposed or corrected labels: at most `REFERENCES` of those that have
    a labelled pixel.

    Raises:
        InputError: a file cannot be read, or no frame has a labelled pixel.
    """
    found: list[npt.NDArray[np.floating]] = []
    for each in mined.pairs:
        image, labels = read_pair(each.image, each.labels, mined.classes)
        pixels = np.concatenate([pixel_description(image), small_mask(labels)[:, None]], axis=1)
        if (pixels[:, -1] != NOT_KNOWN).any():
            found.append(pixels)
    if not found:
        raise InputError(
            f"every pixel of the mined frames {mined.folder} is void", fix="mine with a lower --confidence"
        )
    return [found[int(each)] for each in evenly(len(found))]


def own_pixels(sample: Sample) -> npt.NDArray[np.floating]:
    """float32 (45 * 60, 9): description and predicted class of each pixel."""
    return np.concatenate([pixel_description(sample.image), small_mask(sample.labels)[:, None]], axis=1)


@dataclass(frozen=True)
class ReverseAccuracy:
    """Dice on references of a classifier that learned the view's mask.

    Attributes:
        best: the best reference counts (as published); else their mean. references: as `reference` gives them; of
            mined frames (`of_pool`), or chosen by `fit`.
    """

    name: str
    best: bool
    level: Level = Level.IMAGE
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset({FIT})
    describes: tuple[Descriptor, ...] = (reference, own_pixels)
    references: tuple[npt.NDArray[np.floating], ...] = ()

    def of_pool(self, references: Sequence[npt.NDArray[np.floating]]) -> ReverseAccuracy:
        """The same with references of its own: it then learns nothing from views."""
        return replace(self, references=tuple(references), needs=frozenset(), describes=(own_pixels,))

    def fit(self, rows: FitRows) -> ReverseAccuracy:
        """See `Method`."""
        if FIT not in self.needs:
            return self
        clean = np.flatnonzero(rows.clean)
        if not clean.size:
            raise Unfit("reverse classification needs clean, labelled references")
        chosen = clean[evenly(len(clean))]
        return replace(self, references=tuple(rows.samples[int(each)].describe(reference) for each in chosen))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        own = sample.describe(own_pixels)
        size = np.bincount(own[:, -1].astype(np.int64))
        own = own[size[own[:, -1].astype(np.int64)] >= LEAST_OF_CLASS]
        classes = len(sample.card.classes)
        if len(np.unique(own[:, -1])) < 2:
            return Reading.image(0.0)
        model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3).fit(own[:, :-1], own[:, -1])
        found = []
        for each in self.references:
            known = each[:, -1] != NOT_KNOWN
            predicted = model.predict(each[known, :-1]).astype(np.uint8)
            found.append(mean_dice(predicted, each[known, -1].astype(np.uint8), classes))
        return Reading.image(max(found) if self.best else float(np.mean(found)))


METHODS: tuple[Method, ...] = (ReverseAccuracy("rca_best", best=True), ReverseAccuracy("rca_mean", best=False))
