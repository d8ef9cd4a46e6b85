# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a run keeps of every reading: counts for pixels, rows for the rest. Memory does not grow with the pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from trustseg.types import UInt8Array
from trustseg_lab.benchmark.method import Method
from trustseg_lab.benchmark.reading import AGGREGATIONS, Level, Reading, pool, spread
from trustseg_lab.benchmark.rows.region_truth import region_accuracy, segment_iou
from trustseg_lab.benchmark.sample import Outcome, Sample, ViewMeta
from trustseg_lab.metrics.block_counts import BlockCounts
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.metrics.score_bins import bin_of_scores
from trustseg_lab.metrics.score_histogram import LEFT_OUT, Floats, ScoreHistogram

LOWERED = "pixels"
OWN_MASK = "own mask"
FLAGGED_SHARE = 0.1


@dataclass
class MaskTally:
    """A mask over all views of a group: its confusion on the lattice, and among the least sure tenth by the fused
    confidence how many pixels there are, and are right; how many pixels it changes, and for the better or worse."""

    classes: int
    confusion: ConfusionMatrix = field(init=False)
    flagged: int = 0
    flagged_right: int = 0
    changed: int = 0
    mended: int = 0
    spoiled: int = 0

    def __post_init__(self) -> None:
        self.confusion = ConfusionMatrix(self.classes)

    def add(self, sample: Sample, labels: UInt8Array) -> None:
        """Add one view's mask, uint8 (h, w)."""
        known = sample.truth.known
        self.confusion.update(sample.truth.labels, labels, sample.meta.left_out)
        limit = np.quantile(sample.fused, FLAGGED_SHARE)
        flagged = known & (sample.fused <= limit)
        self.flagged += int(flagged.sum())
        right = labels == sample.truth.labels
        self.flagged_right += int(right[flagged].sum())
        changed = known & (labels != sample.labels)
        self.changed += int(changed.sum())
        self.mended += int((changed & right).sum())
        self.spoiled += int((changed & sample.right).sum())


@dataclass
class RegionRows:
    """Regions of all views so far: value, truth, view and class of each."""

    values: list[Floats] = field(default_factory=list)
    truth: list[Floats] = field(default_factory=list)
    view: list[Floats] = field(default_factory=list)
    klass: list[Floats] = field(default_factory=list)


@dataclass
class Collected:
    """Readings of all methods of one bundle.

    Attributes:
        metas, outcomes: of the views, in order.
        pixels: (score, group) -> histogram of right and wrong pixels. blocks: group -> the same by block, which are
            numbered as `block_place` has them.
        images: score -> float64 (n,). classes: score -> float64 (n, C). regions: score -> rows.
        levels, scales: of each score. read_ms: method -> mean milliseconds of a reading.
        left_out: method -> why it says nothing. masks: (method, group) -> how good its own mask is.
    """

    metas: list[ViewMeta]
    outcomes: list[Outcome]
    classes_count: int
    pixels: dict[tuple[str, str], ScoreHistogram] = field(default_factory=dict)
    blocks: dict[str, BlockCounts] = field(default_factory=dict)
    images: dict[str, Floats] = field(default_factory=dict)
    classes: dict[str, Floats] = field(default_factory=dict)
    regions: dict[str, RegionRows] = field(default_factory=dict)
    scales: dict[str, str] = field(default_factory=dict)
    method_of: dict[str, str] = field(default_factory=dict)
    read_ms: dict[str, list[float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    masks: dict[tuple[str, str], MaskTally] = field(default_factory=dict)
    _places: dict[str, dict[int, int]] = field(default_factory=dict)
    _masked: set[tuple[str, str]] = field(default_factory=set)

    def block_place(self, group: str) -> dict[int, int]:
        """Block -> place among those of `group`."""
        found = sorted({meta.block for meta in self.metas if meta.group == group})
        return {block: place for place, block in enumerate(found)}

    def groups(self) -> list[str]:
        """Groups in order of their first view."""
        return list(dict.fromkeys(meta.group for meta in self.metas))

    def rows(self, group: str) -> Sequence[int]:
        """Views of `group`."""
        return [index for index, meta in enumerate(self.metas) if meta.group == group]

    def add(self, index: int, sample: Sample, method: Method, reading: Reading) -> None:
        """Take the reading of view `index`, lifted to the image under every aggregation."""
        name = method.name
        if reading.level in (Level.PIXEL, Level.REGION):
            self.scales[name], self.method_of[name] = method.scale, name
            if reading.level is Level.REGION:
                self._add_regions(index, sample, name, reading)
            lowered = name if reading.level is Level.PIXEL else f"{name}/{LOWERED}"
            self._add_pixels(sample, lowered, name, Reading.pixels(spread(reading)))
            for how in AGGREGATIONS:
                value = float(pool(reading, how, sample.mask).values)
                self._add_image(index, f"{name}/{how}", name, "rank", value)
        elif reading.level is Level.MASK:
            self._add_mask(sample, name, np.asarray(reading.values, np.uint8))
        elif reading.level is Level.CLASS:
            values = reading.values.astype(np.float64)
            self.classes.setdefault(name, np.full((len(self.metas), self.classes_count), np.nan))[index] = values
            self.scales[name] = method.scale
            self.method_of[name] = name
            known = values[~np.isnan(values)]
            self._add_image(index, f"{name}/classes", name, "rank", float(known.mean()) if known.size else float("nan"))
        else:
            self._add_image(index, name, name, method.scale, float(reading.values))

    def _add_mask(self, sample: Sample, name: str, labels: UInt8Array) -> None:
        """Confusion of a method's own mask on the lattice, and its right pixels among the least sure tenth."""
        for key, mask in ((name, labels), (OWN_MASK, sample.labels)):
            tally = self.masks.setdefault((key, sample.meta.group), MaskTally(self.classes_count))
            if key == name or (sample.meta.key, OWN_MASK) not in self._masked:
                tally.add(sample, mask)
        self._masked.add((sample.meta.key, OWN_MASK))

    def _add_image(self, index: int, score: str, method: str, scale: str, value: float) -> None:
        self.images.setdefault(score, np.full(len(self.metas), np.nan))[index] = value
        self.scales[score], self.method_of[score] = scale, method

    def _add_pixels(self, sample: Sample, score: str, method: str, reading: Reading) -> None:
        group = sample.meta.group
        histogram = ScoreHistogram()
        values = reading.values
        kinds = np.where(sample.truth.known, sample.right, LEFT_OUT)
        if np.isnan(values).any():  # outside of all regions nothing is said: those pixels are the least sure
            values = np.where(np.isnan(values), np.float32(0), values)
        histogram.update_bins(bin_of_scores(values), kinds.astype(np.uint8))
        self.pixels.setdefault((score, group), ScoreHistogram()).merge(histogram)
        if group not in self.blocks:
            self.blocks[group] = BlockCounts(len(self.block_place(group)))
        self.blocks[group].add(score, self._place(group, sample.meta.block), histogram)
        self.method_of[score] = method
        self.scales.setdefault(score, "rank")

    def _place(self, group: str, block: int) -> int:
        if group not in self._places:
            self._places[group] = self.block_place(group)
        return self._places[group][block]

    def _add_regions(self, index: int, sample: Sample, name: str, reading: Reading) -> None:
        regions = reading.regions
        if regions is None:
            raise ValueError(f"{name} reads regions without saying which")
        truth = self._region_truth(sample, reading)
        rows = self.regions.setdefault(name, RegionRows())
        known = ~np.isnan(truth) & ~np.isnan(reading.values)
        rows.values.append(reading.values[known].astype(np.float64))
        rows.truth.append(truth[known].astype(np.float64))
        rows.view.append(np.full(int(known.sum()), index, np.float64))
        rows.klass.append(regions.class_of[known].astype(np.float64))

    @staticmethod
    def _region_truth(sample: Sample, reading: Reading) -> Floats:
        """IoU_adj of segments of one class each; the share of right pixels of other regions."""
        regions = reading.regions
        if regions is None:
            raise ValueError("a reading of regions without any")
        inside = regions.ids >= 0
        pure = bool((regions.class_of[regions.ids[inside]] == sample.labels[inside]).all())
        return np.asarray(segment_iou(regions, sample) if pure else region_accuracy(regions, sample), np.float64)
