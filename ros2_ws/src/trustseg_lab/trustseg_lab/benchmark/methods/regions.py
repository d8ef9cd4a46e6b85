# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Models of regions: segments of the mask (MetaSeg), cells of a grid (Sander), superpixels, and boundary bands.

MetaSeg (Rottmann et al., 2020): figures of each connected part of the mask -> its IoU, and whether it meets the truth.
Local failure regions (Sander et al., 2020): means of uncertainties in cells -> P(the cell fails).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Descriptor, FitRows, Method, Unfit
from trustseg_lab.benchmark.methods.image_models import ALPHAS
from trustseg_lab.benchmark.reading import Level, Reading, Regions, Scale
from trustseg_lab.benchmark.rows.image_descriptors import grey
from trustseg_lab.benchmark.rows.region_truth import components, grid, region_accuracy, segment_iou
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.metrics.score_histogram import Floats

CELL_FAILS_AT = 0.3  # share of wrong pixels from which on a cell fails
SUPERPIXEL_STEP = 12  # lattice pixels between the seeds of superpixels
LOW, MIDDLE, HIGH = 0.25, 0.5, 0.75  # contours of a class's probability


def segment_metrics(sample: Sample) -> Float32Array:
    """float32 (n, 17 + C): figures of each segment: log size, share of its boundary, mean and deviation of entropy,
    margin, MCP and fused confidence inside and of the mean along the boundary, centre, and the class."""
    segments = components(sample.labels)
    if not segments.count:
        return np.zeros((0, 17 + len(sample.card.classes)), np.float32)
    height, width = sample.labels.shape
    found = sample.signals
    edge = ~sample.mask.inside
    size = np.maximum(segments.sizes(), 1).astype(np.float64)
    inner = Regions(np.where(edge, -1, segments.ids).astype(np.int32), segments.class_of)
    outer = Regions(np.where(edge, segments.ids, -1).astype(np.int32), segments.class_of)
    columns: list[Floats] = [np.log(size), outer.sizes() / size]
    for values in (found.entropy, found.margin, found.mcp, sample.fused):
        whole = segments.means(values).astype(np.float64)
        square = segments.means(values.astype(np.float64) ** 2).astype(np.float64)
        columns += [whole, np.sqrt(np.maximum(square - whole**2, 0))]
        columns.append(np.where(np.isnan(along := outer.means(values)), whole, along))
    core = inner.means(sample.fused)
    columns.append(np.where(np.isnan(core), columns[-3], core))
    rows, places = np.mgrid[0:height, 0:width].astype(np.float32)
    columns += [segments.means(rows / height).astype(np.float64), segments.means(places / width).astype(np.float64)]
    classes = np.eye(len(sample.card.classes))[segments.class_of]
    return np.concatenate([np.stack(columns, axis=1), classes], axis=1).astype(np.float32)


def segment_rows(sample: Sample) -> Float32Array:
    """`segment_metrics` with IoU_adj as the last column, without segments whose labels are void."""
    figures = segment_metrics(sample)
    truth = segment_iou(components(sample.labels), sample)
    known = ~np.isnan(truth)
    return np.concatenate([figures[known], truth[known, None]], axis=1)


@dataclass(frozen=True)
class MetaSeg:
    """Predicted IoU_adj, or P(IoU_adj > 0), of every segment.

    Attributes:
        regress: IoU by ridge regression; else the probability by logistic regression.
    """

    name: str
    regress: bool
    level: Level = Level.REGION
    scale: Scale = "quality"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (segment_rows,)
    model: Any = None

    def fit(self, rows: FitRows) -> MetaSeg:
        """See `Method`."""
        table = rows.stacked(segment_rows)
        x, iou = table[:, :-1], table[:, -1]
        if self.regress:
            return replace(self, model=make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(x, iou))
        hit = iou > 0
        if hit.all() or not hit.any():
            raise Unfit("segments of both kinds", got="one kind only")
        return replace(self, model=make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x, hit))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        segments = components(sample.labels)
        figures = segment_metrics(sample).astype(np.float64)
        if not segments.count:
            return Reading.of_regions(np.zeros(0, np.float32), segments)
        values = np.clip(self.model.predict(figures), 0, 1) if self.regress else self.model.predict_proba(figures)[:, 1]
        return Reading.of_regions(values, segments)


def cell_metrics(sample: Sample) -> Float32Array:
    """float32 (n, 9): of each cell mean and deviation of entropy, MCP and fused confidence, share of boundary, and
    where it is."""
    cells = grid(sample.labels)
    found = sample.signals
    columns: list[Floats] = []
    for values in (found.entropy, found.mcp, sample.fused):
        mean = cells.means(values).astype(np.float64)
        square = cells.means(values.astype(np.float64) ** 2).astype(np.float64)
        columns += [mean, np.sqrt(np.maximum(square - mean**2, 0))]
    columns.append(cells.means((~sample.mask.inside).astype(np.float32)).astype(np.float64))
    height, width = sample.labels.shape
    rows, places = np.mgrid[0:height, 0:width].astype(np.float32)
    columns += [cells.means(rows / height).astype(np.float64), cells.means(places / width).astype(np.float64)]
    return np.stack(columns, axis=1).astype(np.float32)


def cell_rows(sample: Sample) -> Float32Array:
    """`cell_metrics` with 1 for a cell that fails as the last column, without cells whose labels are void."""
    right = region_accuracy(grid(sample.labels), sample)
    known = ~np.isnan(right)
    failed = (1 - right[known] >= CELL_FAILS_AT).astype(np.float32)
    return np.concatenate([cell_metrics(sample)[known], failed[:, None]], axis=1)


@dataclass(frozen=True)
class FailingCells:
    """1 - P(a cell fails) by logistic regression on its uncertainties."""

    name: str = "failing_cells"
    level: Level = Level.REGION
    scale: Scale = "probability"
    needs: frozenset[str] = frozenset({"fit"})
    describes: tuple[Descriptor, ...] = (cell_rows,)
    model: Any = None

    def fit(self, rows: FitRows) -> FailingCells:
        """See `Method`."""
        table = rows.stacked(cell_rows)
        failed = table[:, -1] > 0
        if failed.all() or not failed.any():
            raise Unfit("cells of both kinds", got="one kind only")
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
        return replace(self, model=model.fit(table[:, :-1], failed))

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        if self.model is None:
            raise Unfit(f"{self.name} was not fitted")
        failing = self.model.predict_proba(cell_metrics(sample).astype(np.float64))[:, 1]
        return Reading.of_regions(1 - failing, grid(sample.labels))


def superpixels(sample: Sample) -> Regions:
    """Waterpixels: watershed of the image from a grid of seeds (Machairas et al., 2015), a form of superpixels whose
    library is here; the class of each is its commonest one."""
    luma = grey(sample)
    height, width = luma.shape
    markers = np.zeros((height, width), np.int32)
    rows, columns = np.mgrid[
        SUPERPIXEL_STEP // 2 : height : SUPERPIXEL_STEP, SUPERPIXEL_STEP // 2 : width : SUPERPIXEL_STEP
    ]
    count = rows.size
    markers[rows.ravel(), columns.ravel()] = np.arange(1, count + 1)
    found = cv2.watershed(np.ascontiguousarray(np.repeat(luma[..., None], 3, axis=2)), markers)
    ids = np.where(found > 0, found - 1, -1).astype(np.int32)
    inside = ids >= 0
    joint = np.bincount(ids[inside].astype(np.int64) * 256 + sample.labels[inside], minlength=count * 256)
    return Regions(ids, joint.reshape(count, 256).argmax(axis=1).astype(np.uint8))


@dataclass(frozen=True)
class RegionMean:
    """Mean fused confidence of each region of a partition: segments or superpixels."""

    name: str
    partition: Any
    level: Level = Level.REGION
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset()
    describes: tuple[Descriptor, ...] = ()

    def fit(self, rows: FitRows) -> RegionMean:
        """Itself."""
        return self

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        regions = self.partition(sample)
        return Reading.of_regions(regions.means(sample.fused), regions)


def _segments(sample: Sample) -> Regions:
    return components(sample.labels)


def band_width(sample: Sample) -> Float32Array:
    """Width of the band between the .25 and the .75 contour of the own class's probability at every boundary pixel of
    the mask, in lattice pixels; NaN elsewhere (Hershkovich's contour margin; level sets of the probability map)."""
    width = np.full(sample.labels.shape, np.nan, np.float32)
    edge = ~sample.mask.inside
    for each in np.unique(sample.labels):
        p = sample.softmax[each]
        here = edge & (sample.labels == each)
        if not here.any() or not (p >= HIGH).any() or not (p < LOW).any():
            continue
        to_sure = cv2.distanceTransform((p < HIGH).astype(np.uint8), cv2.DIST_L2, 5)
        to_outside = cv2.distanceTransform((p >= LOW).astype(np.uint8), cv2.DIST_L2, 5)
        width[here] = (to_sure + to_outside)[here]
    return width


@dataclass(frozen=True)
class BoundaryBand:
    """Minus the mean width of the probability band along the boundary of each segment."""

    name: str = "boundary_band"
    level: Level = Level.REGION
    scale: Scale = "rank"
    needs: frozenset[str] = frozenset()
    describes: tuple[Descriptor, ...] = ()

    def fit(self, rows: FitRows) -> BoundaryBand:
        """Itself."""
        return self

    def read(self, sample: Sample) -> Reading:
        """See `Method`."""
        segments, width = components(sample.labels), band_width(sample)
        known = Regions(np.where(np.isnan(width), -1, segments.ids).astype(np.int32), segments.class_of)
        # Squeezed into (0, 1): a value below 0 would fall among the coarse bins of what is no probability.
        return Reading.of_regions(1 / (1 + known.means(np.nan_to_num(width))), segments)


METHODS: tuple[Method, ...] = (
    MetaSeg("metaseg_iou", regress=True), MetaSeg("metaseg_hit", regress=False, scale="probability"),
    RegionMean("segment_fused", _segments), FailingCells(), RegionMean("superpixel_fused", superpixels),
    BoundaryBand(),
)  # fmt: skip
