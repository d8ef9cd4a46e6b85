# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Partitions of a mask into regions, and how right each region is.

IoU_adj of a segment (Rottmann et al., 2020): only those pixels of the truth's segments of the same class count that
no other predicted segment of the class covers, so that a segment is not blamed for its neighbour's part.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.reading import Regions
from trustseg_lab.benchmark.sample import Sample

# Segments below this many pixels of the lattice are noise: they join no statistic.
LEAST_PIXELS = 8
GRID_ROWS, GRID_COLUMNS = 8, 8


def components(labels: UInt8Array, least: int = LEAST_PIXELS) -> Regions:
    """Connected parts (8 neighbours) of each class of a mask uint8 (h, w), of at least `least` pixels."""
    ids = np.full(labels.shape, -1, np.int32)
    class_of: list[int] = []
    for each in np.unique(labels):
        count, found, stats, _ = cv2.connectedComponentsWithStats((labels == each).astype(np.uint8), connectivity=8)
        kept = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] >= least)
        kept = kept[kept > 0]
        place = np.full(count, -1, np.int32)
        place[kept] = len(class_of) + np.arange(len(kept))
        inside = place[found]
        ids = np.where(inside >= 0, inside, ids)
        class_of += [int(each)] * len(kept)
    return Regions(ids, np.array(class_of, np.uint8))


def grid(labels: UInt8Array, rows: int = GRID_ROWS, columns: int = GRID_COLUMNS) -> Regions:
    """rows x columns cells; the class of a cell is its commonest one."""
    height, width = labels.shape
    row = np.arange(height) * rows // height
    column = np.arange(width) * columns // width
    ids = (row[:, None] * columns + column[None]).astype(np.int32)
    joint = np.bincount(ids.ravel() * 256 + labels.ravel(), minlength=rows * columns * 256)
    return Regions(ids, joint.reshape(-1, 256).argmax(axis=1).astype(np.uint8))


def segment_iou(segments: Regions, sample: Sample) -> Float32Array:
    """IoU_adj of each segment, float32 (n,); NaN where its labels are all void."""
    truth = np.where(sample.truth.known, sample.truth.labels, 255).astype(np.uint8)
    real = components(truth, least=1)
    inside = (segments.ids >= 0) & sample.truth.known
    own, other = segments.ids[inside], real.ids[inside]
    pairs, size = np.unique(np.stack([own, other]), axis=1, return_counts=True)
    same = (pairs[1] >= 0) & (real.class_of[pairs[1]] == segments.class_of[pairs[0]])
    pairs, size = pairs[:, same], size[same]
    hit = np.bincount(pairs[0], size, minlength=segments.count)
    known = np.bincount(own, minlength=segments.count).astype(np.float64)
    # Pixels of the touched real segments that the mask gives to another class, or to no kept segment of this class.
    missed = _uncovered(real, segments, sample)
    outside = np.bincount(pairs[0], missed[pairs[1]], minlength=segments.count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(known > 0, hit / (known + outside), np.nan), np.float32)


def _uncovered(real: Regions, segments: Regions, sample: Sample) -> npt.NDArray[np.float64]:
    """Pixels of each real segment whose predicted class is another one, float64 (n,)."""
    ids = real.ids.ravel()
    predicted = sample.labels.ravel()
    wrong = (ids >= 0) & (predicted != real.class_of[np.maximum(ids, 0)])
    return np.bincount(ids[wrong], minlength=real.count).astype(np.float64)


def region_accuracy(regions: Regions, sample: Sample) -> Float32Array:
    """Share of right pixels among the labelled ones of each region, float32 (n,); NaN without any."""
    right = np.where(sample.truth.known, sample.right.astype(np.float32), np.nan)
    known = (regions.ids >= 0) & sample.truth.known
    ids = regions.ids[known]
    size = np.bincount(ids, minlength=regions.count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.bincount(ids, right[known], minlength=regions.count) / size, np.float32)
