# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Partitions of a mask into regions, and how right each region is."""

from __future__ import annotations

import numpy as np

from trustseg.segments import connected_parts
from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.reading import Regions
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.metrics.segment_iou import adjusted_iou

# Segments below this many pixels of the lattice are noise: they join no statistic.
LEAST_PIXELS = 8
GRID_ROWS, GRID_COLUMNS = 8, 8


def components(labels: UInt8Array, least: int = LEAST_PIXELS) -> Regions:
    """Connected parts (8 neighbours) of each class of a mask uint8 (h, w), of at least `least` pixels."""
    parts = connected_parts(labels, np.unique(labels).tolist(), least)
    return Regions(parts.ids((labels.shape[0], labels.shape[1])), parts.class_of)


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
    return adjusted_iou(segments.ids, segments.class_of, real.ids, real.class_of, sample.labels, sample.truth.known)


def region_accuracy(regions: Regions, sample: Sample) -> Float32Array:
    """Share of right pixels among the labelled ones of each region, float32 (n,); NaN without any."""
    right = np.where(sample.truth.known, sample.right.astype(np.float32), np.nan)
    known = (regions.ids >= 0) & sample.truth.known
    ids = regions.ids[known]
    size = np.bincount(ids, minlength=regions.count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.bincount(ids, right[known], minlength=regions.count) / size, np.float32)
