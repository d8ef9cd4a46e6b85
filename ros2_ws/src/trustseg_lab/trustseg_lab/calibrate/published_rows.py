# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs a calibrated bundle over images and keeps what rests on the confidence as it is published.

Table and verdict are the bundle's own, through the pipeline's own code: what is fitted here is fitted on what a
vehicle will see.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np

from trustseg.backends import Backend
from trustseg.bundle.card import VOID_LABEL, Card
from trustseg.camera.geometry import UNSEEN_CONFIDENCE, placed
from trustseg.imaging.resize import nearest
from trustseg.judgement import HEALTHY, Judgement
from trustseg.segments import CLASS, FIGURES, connected_parts, least_area, segment_metrics
from trustseg.types import UInt8Array
from trustseg_lab.calibrate.collect_views import (
    RENDERED,
    LabelledFolder,
    PreparedImage,
    View,
    folder_images,
    rendered_images,
    views_of,
)
from trustseg_lab.evaluation.evaluator import code_counts, pixel_kinds
from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, CLEAN, Bools, Ints, Names
from trustseg_lab.metrics.score_histogram import Counts, Floats
from trustseg_lab.metrics.segment_iou import adjusted_iou
from trustseg_lab.scenes.conditions import HELD_OUT_KINDS


@dataclass(frozen=True)
class PublishedRows:
    """n views and m segments in their masks.

    Attributes:
        codes: int64 (n, 2, 256), wrong and right pixels per published confidence.
        kind: str (n,), the condition's name, or "clean". source: str (n,), the folder's own name or "rendered".
        block: int64 (n,), contiguous block of images, numbered through all sources.
        seen: bool (n,), the network was trained on this image. held_out: bool (n,), a kind that nothing is fitted on.
        judged: bool (n,), of a set that is judged and never fitted on.
        figures: float64 (m, K), of each segment, named by `segment_columns`. iou: float64 (m,), its IoU_adj.
        view: int64 (m,), row of the view that it is in.
    """

    codes: Counts
    kind: Names
    source: Names
    block: Ints
    seen: Bools
    held_out: Bools
    judged: Bools
    figures: Floats
    iou: Floats
    view: Ints

    @property
    def clean(self) -> Bools:
        """Views without a condition."""
        return np.asarray(self.kind == CLEAN, bool)

    def groups(self) -> dict[str, Bools]:
        """Views by what they say: clean ones of each source, kinds fitted on and held out, sets that are judged."""
        found: dict[str, Bools] = {}
        own = ~self.judged
        for source in sorted(set(self.source[own & self.clean & ~self.seen].tolist())):
            found[f"clean, {source}"] = own & self.clean & ~self.seen & (self.source == source)
        found["fitted kinds"] = own & ~self.clean & ~self.held_out
        found["held-out kinds"] = own & self.held_out
        for source in sorted(set(self.source[self.judged].tolist())):
            found[source] = self.judged & (self.source == source)
        return {name: keep for name, keep in found.items() if keep.any()}


def segment_columns(classes: Sequence[str]) -> list[str]:
    """Names of the figures of a segment, of these classes."""
    return [*FIGURES, *(f"{CLASS}{name}" for name in classes)]


@dataclass(frozen=True)
class PublishedCollector:
    """Collects the rows of one bundle and precision.

    Attributes:
        card: of the bundle. judgement: of the precision. backends: engines of its graph, one a thread.
        classes: names of the classes whose segments are described. seed: of the conditions.
        on_image: called after each image.
    """

    card: Card
    judgement: Judgement
    backends: Sequence[Backend]
    classes: Sequence[str]
    seed: int
    on_image: Callable[[], None]

    def folder(self, folder: LabelledFolder, limit: int | None) -> PublishedRows:
        """Rows of every view of the images of `folder`; InputError where a file does not fit."""
        count, prepare = folder_images(folder, self.card, self.seed, limit)
        return self._rows(count, prepare, folder, judged=False)

    def judged(self, name: str, folder: LabelledFolder) -> PublishedRows:
        """Rows of the images of `folder` as they are, called `name`; nothing is fitted on them. InputError as above."""
        count, prepare = folder_images(folder, self.card, self.seed, None, as_it_is)
        found = self._rows(count, prepare, folder, judged=True)
        return replace(found, source=np.full(count, name))

    def rendered(self, count: int) -> PublishedRows:
        """Rows of every view of `count` rendered scenes; InputError where the classes are not theirs."""
        source = LabelledFolder(Path(RENDERED), Path(RENDERED), VOID_LABEL, seen=False)
        return self._rows(count, rendered_images(self.card, self.seed), source, judged=False)

    def _rows(
        self, count: int, prepare: Callable[[int], PreparedImage], folder: LabelledFolder, judged: bool
    ) -> PublishedRows:
        found: list[PublishedRows] = []

        def of(index: int, backend: Backend) -> PublishedRows:
            return self._of_image(prepare(index), index, backend, folder, judged)

        workers = len(self.backends)
        with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="published") as pool:
            for first in range(0, count, workers):
                together = range(first, min(first + workers, count))
                for rows in pool.map(of, together, self.backends):
                    found.append(rows)
                    self.on_image()
        return joined(found, number_blocks=False)

    def _of_image(
        self, prepared: PreparedImage, index: int, backend: Backend, folder: LabelledFolder, judged: bool
    ) -> PublishedRows:
        truth = prepared.labels
        if folder.void is not None:
            truth = np.where(truth == folder.void, VOID_LABEL, truth).astype(np.uint8)
        size = (truth.shape[0], truth.shape[1])
        small = nearest(truth, self.card.size)
        codes, figures, iou, view = [], [], [], []
        for number, image in enumerate(prepared.images):
            output = backend.infer(image)
            _, confidence = self.judgement.judge(output, HEALTHY)
            place, whole = prepared.place, self.card.size
            kinds = pixel_kinds(truth, placed(output.labels, place, size), VOID_LABEL)
            codes.append(code_counts(placed(confidence, place, size, UNSEEN_CONFIDENCE), kinds))
            # Objects are found in the mask over the camera's whole image at the network's size, as `Pipeline` does.
            of_view, true_iou = self._segments(
                placed(output.labels, place, whole), placed(confidence, place, whole, UNSEEN_CONFIDENCE), small
            )
            known = ~np.isnan(true_iou)
            figures.append(of_view[known])
            iou.append(true_iou[known])
            view.append(np.full(int(known.sum()), number, np.int64))
        count, kind = len(prepared.views), np.array([each.kind for each in prepared.views])
        return PublishedRows(
            np.stack(codes), kind, np.full(count, folder.images.name), np.full(count, index // BLOCK_IMAGES),
            np.full(count, folder.seen), np.isin(kind, HELD_OUT_KINDS), np.full(count, judged),
            np.concatenate(figures), np.concatenate(iou), np.concatenate(view),
        )  # fmt: skip

    def _segments(self, labels: UInt8Array, confidence: UInt8Array, truth: UInt8Array) -> tuple[Floats, Floats]:
        """Figures float64 (m, K) of the segments of a mask, and IoU_adj float64 (m,); NaN where all is void."""
        place = {each.name: each.id for each in self.card.classes}
        ids = [place[name] for name in self.classes]
        size = (labels.shape[0], labels.shape[1])
        parts, real = connected_parts(labels, ids, least_area(size)), connected_parts(truth, ids, 1)
        figures = segment_metrics(parts, confidence, self.card.low_confidence_threshold, self.classes, ids)
        iou = adjusted_iou(parts.ids(size), parts.class_of, real.ids(size), real.class_of, labels, truth != VOID_LABEL)
        return np.stack([figures[name] for name in segment_columns(self.classes)], axis=1), iou.astype(np.float64)


def as_it_is(index: int, seed: int) -> list[View]:
    """The one view of an image that is only judged."""
    return views_of(index, seed)[:1]


def joined(parts: Sequence[PublishedRows], *, number_blocks: bool = True) -> PublishedRows:
    """All rows of `parts`; `view` points at the views' new places, and no two parts share a block."""
    columns = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(PublishedRows)
    }
    first = np.cumsum([0, *(len(part.kind) for part in parts)])
    columns["view"] = np.concatenate([part.view + start for part, start in zip(parts, first, strict=False)])
    if number_blocks:
        start = np.cumsum([0, *(int(part.block.max()) + 1 for part in parts)])
        columns["block"] = np.concatenate([part.block + each for part, each in zip(parts, start, strict=False)])
    return PublishedRows(**columns)
