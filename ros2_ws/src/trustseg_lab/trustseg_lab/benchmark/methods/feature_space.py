# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scores in the space that the classifier reads: Trust Score, magnitude and direction, and a gate before a detector.

Trust Score (Jiang et al., 2018): nearest other class over predicted class. Magnitude-direction (Liu et al., 2026): norm
of the feature and its angle to the weight of the predicted class. Two stages: an image gate, then a pixel detector.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import pairwise_distances_argmin_min

from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Score, Unfit
from trustseg_lab.benchmark.methods.image_models import ImageModel, failure, logistic
from trustseg_lab.benchmark.passes.runner import CLASSIFIER
from trustseg_lab.benchmark.reading import Level, Reading, Scale
from trustseg_lab.benchmark.rows.image_descriptors import mask_glcm
from trustseg_lab.benchmark.rows.pixel_rows import SIGNALS, pixel_rows, split_rows
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.evaluation.baselines.trust_score import PIXELS_OF_CLASS, trust_map
from trustseg_lab.metrics.score_histogram import Floats

# One pixel of so many in either direction has its neighbours looked up, and stands for the others.
LOOKED_UP = 3


@dataclass(frozen=True)
class TrustScore:
    """r / (1 + r) of the distances to training pixels of each class.

    Attributes:
        kept: share of the pixels of each class that are kept: those in the densest part, so that mislabelled ones are
            no neighbours (the published alpha filter; 1 leaves it out).
    """

    name: str
    kept: float = 1.0
    level: Level = Level.PIXEL
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (pixel_rows,)
    pixels: tuple[Float32Array | None, ...] = ()

    def fit(self, rows: FitRows) -> TrustScore:
        """See `Method`."""
        features, _, truth = split_rows(rows.stacked(pixel_rows), rows.classes)
        rng = np.random.default_rng(rows.seed)
        found: list[Float32Array | None] = []
        for each in range(rows.classes):
            own = features[truth == each, :-SIGNALS]
            own = own[rng.permutation(len(own))[:PIXELS_OF_CLASS]]
            found.append(densest(own, self.kept) if len(own) > 1 else None)
        if sum(each is not None for each in found) < 2:
            raise Unfit("a Trust Score needs pixels of two classes")
        return replace(self, pixels=tuple(found))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        features = sample.decoded[::LOOKED_UP, ::LOOKED_UP]
        flat = np.ascontiguousarray(features.reshape(-1, features.shape[2]))
        distance = np.full((len(self.pixels), *features.shape[:2]), np.inf, np.float32)
        for index, own in enumerate(self.pixels):
            if own is not None:
                distance[index] = pairwise_distances_argmin_min(flat, own)[1].reshape(features.shape[:2])
        return Reading.pixels(trust_map(distance, sample.labels))


def densest(points: Float32Array, share: float, neighbour: int = 10) -> Float32Array:
    """The share of points float32 (n, D) whose `neighbour`-th neighbour is nearest."""
    if share >= 1 or len(points) <= neighbour:
        return points
    squares = (points**2).sum(axis=1)
    distance = squares[:, None] + squares[None] - 2 * points @ points.T
    radius = np.partition(distance, neighbour, axis=1)[:, neighbour]
    return points[np.argsort(radius, kind="stable")[: max(2, int(share * len(points)))]]


def magnitude_direction(sample: Sample) -> Float32Array:
    """cos(angle to w_y) x |f| / (|f| + median |f|), brought from [-1, 1] to [0, 1]."""
    if sample.classifier is None:
        raise Unfit("the classifier's weights are not known")
    features = sample.decoded
    norm = np.linalg.norm(features, axis=2)
    weight = sample.classifier[np.minimum(sample.labels, len(sample.classifier) - 1)]
    cosine = (features * weight).sum(axis=2) / np.maximum(norm * np.linalg.norm(weight, axis=2), 1e-6)
    return np.asarray((1 + cosine * norm / (norm + max(float(np.median(norm)), 1e-6))) / 2, np.float32)


def feature_norm(sample: Sample) -> Float32Array:
    """|f| / (1 + |f|): the magnitude alone."""
    norm = np.linalg.norm(sample.decoded, axis=2)
    return np.asarray(norm / (1 + norm), np.float32)


@dataclass(frozen=True)
class Gated:
    """An image gate, then a pixel detector: the detector's value times P(the view does not fail) by co-occurrence."""

    name: str = "gated_direction"
    level: Level = Level.PIXEL
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset({"fit", CLASSIFIER})
    describes: tuple[Descriptor, ...] = (mask_glcm,)
    gate: Any = None

    def fit(self, rows: FitRows) -> Gated:
        """See `Method`."""
        return replace(self, gate=ImageModel("gate", (mask_glcm,), logistic, failure, "probability").fit(rows))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.gate is None:
            raise Unfit(f"{self.name} was not fitted")
        return Reading.pixels(magnitude_direction(sample) * float(self.gate.read(sample).values))


PRIOR_SIZE = (18, 24)


def truth_shares(sample: Sample) -> npt.NDArray[np.floating]:
    """Share of each class in each cell of the truth, (C, 18, 24); 0 where all is void."""
    height, width = sample.truth.labels.shape
    classes = len(sample.card.classes)
    row = np.arange(height) * PRIOR_SIZE[0] // height
    column = np.arange(width) * PRIOR_SIZE[1] // width
    cell = row[:, None] * PRIOR_SIZE[1] + column[None]
    known = sample.truth.known
    joint = np.bincount(
        cell[known] * classes + sample.truth.labels[known], minlength=PRIOR_SIZE[0] * PRIOR_SIZE[1] * classes
    ).reshape(-1, classes)
    shares: Floats = joint / np.maximum(joint.sum(axis=1, keepdims=True), 1)
    return shares.T.reshape(classes, *PRIOR_SIZE)


@dataclass(frozen=True)
class ClassPrior:
    """log prior of the own class at its place, from the labels of clean views (the road's form of a registered prior).

    Attributes:
        prior: float32 (C, a, b), share of each class at each place, smoothed.
    """

    name: str = "class_prior"
    level: Level = Level.PIXEL
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (truth_shares,)
    prior: Float32Array | None = None

    def fit(self, rows: FitRows) -> ClassPrior:
        """See `Method`."""
        clean = rows.clean
        if not clean.any():
            raise Unfit("a prior needs clean views")
        shares = rows.table(truth_shares)[clean].mean(axis=0)
        return replace(self, prior=np.asarray((shares + 1e-3) / (shares + 1e-3).sum(axis=0), np.float32))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.prior is None:
            raise Unfit(f"{self.name} was not fitted")
        height, width = sample.labels.shape
        rows = np.arange(height) * self.prior.shape[1] // height
        columns = np.arange(width) * self.prior.shape[2] // width
        own = self.prior[np.minimum(sample.labels, len(self.prior) - 1), rows[:, None], columns[None]]
        return Reading.pixels(own)


METHODS: tuple[Method, ...] = (
    TrustScore("trust_score"), TrustScore("trust_score_filtered", kept=0.9),
    Score("magnitude_direction", magnitude_direction, needs=frozenset({CLASSIFIER})),
    Score("feature_norm", feature_norm), Gated(), ClassPrior(),
)  # fmt: skip
