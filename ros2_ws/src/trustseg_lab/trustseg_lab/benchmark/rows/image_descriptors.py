# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Figures of a view that image methods learn from: shape and intensity of the mask, co-occurrence, uncertainty by
region, and the image's own statistics."""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.methods.several_passes import class_mean
from trustseg_lab.benchmark.rows.region_truth import components
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.metrics.score_histogram import Floats

GREY_LEVELS = 8
GRID = 3


def _classes(sample: Sample) -> int:
    return len(sample.card.classes)


def shape_metrics(sample: Sample) -> Float32Array:
    """float32 (C * 9,): of each class area, parts, share of the largest part, centre (y, x), spread (y, x),
    perimeter / sqrt(area), solidity of the largest part; 0 for a class that is not there."""
    labels = sample.labels
    height, width = labels.shape
    parts = components(labels, least=1)
    found = np.zeros((_classes(sample), 9), np.float32)
    sizes = parts.sizes()
    for each in np.unique(labels):
        member = labels == each
        area = float(member.sum())
        rows, columns = np.nonzero(member)
        own = sizes[parts.class_of == each]
        largest = int(np.flatnonzero(parts.class_of == each)[own.argmax()])
        contours, _ = cv2.findContours((parts.ids == largest).astype(np.uint8), cv2.RETR_EXTERNAL,
                                       cv2.CHAIN_APPROX_NONE)  # fmt: skip
        hull = cv2.contourArea(cv2.convexHull(contours[0])) if contours else 0.0
        edge = float((member & (cv2.erode(member.astype(np.uint8), np.ones((3, 3), np.uint8)) == 0)).sum())
        found[each] = (
            area / labels.size, len(own), own.max() / area, rows.mean() / height, columns.mean() / width,
            rows.std() / height, columns.std() / width, edge / np.sqrt(area),
            min(1.0, float(own.max()) / hull) if hull else 1.0,
        )  # fmt: skip
    return found.ravel()


def co_occurrence(labels: UInt8Array, classes: int) -> Floats:
    """Share of neighbouring pixels (right, below) of classes i and j, symmetric, float64 (C, C); sums to 1."""
    joint = np.zeros(classes * classes)
    for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        pair = a.ravel().astype(np.int64) * classes + b.ravel()
        joint += np.bincount(pair, minlength=classes * classes)
    matrix = joint.reshape(classes, classes)
    return np.asarray((matrix + matrix.T) / (2 * joint.sum()), np.float64)


def mask_glcm(sample: Sample) -> Float32Array:
    """float32 (C (C + 1) / 2 + 2,): upper triangle of log(1 + 1000 x co-occurrence) of the mask, its entropy, and the
    share off the diagonal."""
    matrix = co_occurrence(sample.labels, _classes(sample))
    entropy = -np.sum(matrix * np.log(np.maximum(matrix, 1e-12)))
    upper = np.log1p(1000 * matrix[np.triu_indices(len(matrix))])
    return np.concatenate([upper, [entropy, 1 - np.trace(matrix)]]).astype(np.float32)


def grey(sample: Sample) -> UInt8Array:
    """The image's luma on the lattice, uint8 (h, w)."""
    luma = cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY)
    height, width = sample.labels.shape
    return np.asarray(cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def texture_metrics(sample: Sample) -> Float32Array:
    """float32 (C * 6,): in each class of the mask mean, deviation and skewness of the luma, and contrast, homogeneity
    and energy of its grey-level co-occurrence (right neighbour, 8 levels; Haralick, 1973)."""
    luma, labels = grey(sample).astype(np.float32) / 255, sample.labels
    found = np.zeros((_classes(sample), 6), np.float32)
    levels = np.minimum((luma * GREY_LEVELS).astype(np.int64), GREY_LEVELS - 1)
    i, j = np.meshgrid(np.arange(GREY_LEVELS), np.arange(GREY_LEVELS), indexing="ij")
    for each in np.unique(labels):
        values = luma[labels == each]
        both = (labels[:, :-1] == each) & (labels[:, 1:] == each)
        joint = np.bincount(levels[:, :-1][both] * GREY_LEVELS + levels[:, 1:][both], minlength=GREY_LEVELS**2)
        p = joint.reshape(GREY_LEVELS, GREY_LEVELS) / max(int(joint.sum()), 1)
        deviation = float(values.std())
        skew = float(((values - values.mean()) ** 3).mean()) / max(deviation**3, 1e-6)
        found[each] = (
            values.mean(), deviation, np.clip(skew, -5, 5), np.sum(p * (i - j) ** 2),
            np.sum(p / (1 + np.abs(i - j))), np.sum(p * p),
        )  # fmt: skip
    return found.ravel()


def region_doubts(sample: Sample) -> Float32Array:
    """float32 (4 (C + 9 + 2),): mean entropy, margin, MCP and fused confidence in each class, each cell of a 3x3 grid,
    the corridor, and along the boundaries; 1 for a class that is not there."""
    found = sample.signals
    labels = sample.labels
    corridor = sample.corridor
    edge = ~sample.mask.inside
    told: list[Floats] = []
    for values in (found.entropy, found.margin, found.mcp, sample.fused):
        cells = [part.mean() for band in np.array_split(values, GRID) for part in np.array_split(band, GRID, axis=1)]
        more = [values[where].mean() if where.any() else 1.0 for where in (corridor, edge)]
        by_class = np.nan_to_num(class_mean(values, labels, _classes(sample)), nan=1.0)
        told.append(np.concatenate([by_class, cells, more]))
    return np.concatenate(told).astype(np.float32)


def input_statistics(sample: Sample) -> Float32Array:
    """float32 (11,): of the image alone: sharpness (log variance of the Laplacian), noise (median residue), mean and
    deviation of luma, dark channel, share of black and of white, saturation, blockiness, and the colour cast (log gain
    of red and blue against green by the grey-world assumption)."""
    image = sample.image.astype(np.float32)
    luma = cv2.cvtColor(sample.image, cv2.COLOR_RGB2GRAY)
    smooth = luma.astype(np.float32)
    residue = np.abs(smooth - cv2.medianBlur(luma, 3))
    means = image.mean(axis=(0, 1)) + 1.0
    steps = np.abs(np.diff(smooth, axis=1)).mean(axis=0)
    blocky = steps[7::8].mean() / (steps.mean() + 1e-3)
    return np.array([
        np.log1p(cv2.Laplacian(luma, cv2.CV_32F).var()), np.log1p(residue.mean()), smooth.mean() / 255,
        smooth.std() / 255, image.min(axis=2).mean() / 255, (luma < 8).mean(), (luma > 247).mean(),
        (image.max(axis=2) - image.min(axis=2)).mean() / 255, blocky, np.log(means[0] / means[1]),
        np.log(means[2] / means[1]),
    ], np.float32)  # fmt: skip


def embedding(sample: Sample) -> Float32Array:
    """float32 (E,): the deepest map's means; empty for a graph without."""
    names = sample.card.feature_names
    return sample.engine.features[[index for index, name in enumerate(names) if name.startswith("embedding/")]]


def pooled(sample: Sample) -> Float32Array:
    """float32 (K - E,): the graph's figures without the embedding."""
    names = sample.card.feature_names
    return sample.engine.features[[index for index, name in enumerate(names) if not name.startswith("embedding/")]]
