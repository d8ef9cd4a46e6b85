# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Quality by references: reverse classification accuracy, and the mask of the frame before.

RCA (Valindria et al., 2017): a small classifier learns the view's own mask; where it then labels other images well,
the mask was good. On roads the finding is negative; the row says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.evaluation.baselines.ensemble import mean_dice

REFERENCE_SIZE = (45, 60)
REFERENCES = 12
NOT_KNOWN = 255
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


def own_pixels(sample: Sample) -> npt.NDArray[np.floating]:
    """float32 (45 * 60, 9): description and predicted class of each pixel."""
    return np.concatenate([pixel_description(sample.image), small_mask(sample.labels)[:, None]], axis=1)


@dataclass(frozen=True)
class ReverseAccuracy:
    """Dice on references of a classifier that learned the view's mask.

    Attributes:
        best: the best reference counts (as published); else their mean.
    """

    name: str
    best: bool
    level: Level = Level.IMAGE
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (reference, own_pixels)
    references: tuple[npt.NDArray[np.floating], ...] = ()

    def fit(self, rows: FitRows) -> ReverseAccuracy:
        """See `Method`."""
        clean = np.flatnonzero(rows.clean)
        if not clean.size:
            raise Unfit("reverse classification needs clean, labelled references")
        chosen = clean[np.linspace(0, len(clean) - 1, min(REFERENCES, len(clean))).astype(np.int64)]
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
