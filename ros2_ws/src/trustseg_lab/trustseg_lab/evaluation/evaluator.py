# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Evaluate a bundle on labelled images, one image at a time: memory does not grow with the number of pixels.

Images are fitted to the network's input as the node does it, and corrupted there, where a corruption is asked for.
Predictions are compared at the size of the labels: labels, confidence and scores of the network are brought there by
nearest neighbour, as the node enlarges its mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from trustseg.backends import Backend
from trustseg.bundle.calibration_file import SceneShift
from trustseg.bundle.loading import Bundle
from trustseg.bundle.verdict_file import VerdictFile
from trustseg.calibration import lowered, scene_shift
from trustseg.camera.geometry import UNSEEN_LABEL, ids_shown, placed
from trustseg.camera.input_geometry import InputGeometry
from trustseg.imaging.colours import ClassColours
from trustseg.types import EngineOutput, Float32Array, UInt8Array
from trustseg_lab.corruptions.catalogue import CLEAN, Corruption
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.data.label_set import Named
from trustseg_lab.data.labelled_images import LabelledPaths
from trustseg_lab.evaluation.baselines.scorer import PixelScorer, ScoredView
from trustseg_lab.evaluation.views import View, views_of_images
from trustseg_lab.evaluation.worst_images import WorstImages, paint_image
from trustseg_lab.metrics.block_counts import BlockCounts
from trustseg_lab.metrics.confusion import ConfusionMatrix, confusion_counts
from trustseg_lab.metrics.dynamic_thresholds import ThresholdTallies, levels_of
from trustseg_lab.metrics.images.image_quality import image_quality
from trustseg_lab.metrics.images.verdict_arrays import judge
from trustseg_lab.metrics.images.view_rows import drive_of
from trustseg_lab.metrics.score_bins import bin_of_scores
from trustseg_lab.metrics.score_histogram import LEFT_OUT, Counts, Floats, ScoreHistogram, histogram_of_codes
from trustseg_lab.metrics.softmax_signals import softmax_signals

SOFTMAX_SIGNALS = ("mcp", "entropy", "margin")
# Names under which the fused confidence is counted: by the graph's code alone, with the scene's shift, and published.
RAW, RANKED, PUBLISHED = "fused_uncalibrated", "fused_ranked", "fused_published"
ALL_IMAGES = "all"


@dataclass(frozen=True)
class ImageRecord:
    """What is kept of one view of an image.

    Attributes:
        name, corruption, block: which.
        quality: true quality Q (NaN undefined). features: pooled, (K,).
        engine_ms: of the engine call.
        scores: of the whole image, by name: means of the confidence maps, and what baselines add.
    """

    name: str
    quality: float
    features: Float32Array
    engine_ms: float
    corruption: str = CLEAN
    block: int = 0
    scores: dict[str, float] = field(default_factory=dict)


@dataclass
class EvaluationState:
    """Everything counted so far; two states of the same images add up.

    Attributes:
        confusion: over all labelled pixels. block_confusion: of each block, int64 (blocks, classes, classes + 1).
        codes: int64 (2, 256), wrong and right pixels per fused confidence code, as the graph gives it.
        signals: a histogram for each score: `RAW`, `SOFTMAX_SIGNALS`, those of baselines, and for a finished bundle
            `RANKED` and `PUBLISHED`: the fused confidence with the scene's shift, by its own fine code and through the
            calibration table (before it is rounded to a byte).
        blocks: the same by block.
        unseen: labelled pixels that the network was not shown; they are in no other count.
        thresholds: error detection by thresholds. worst: pictures. images: one record a view.
    """

    confusion: ConfusionMatrix
    block_confusion: Counts
    blocks: BlockCounts
    worst: WorstImages
    unseen: int = 0
    codes: Counts = field(default_factory=lambda: np.zeros((2, 256), np.int64))
    signals: dict[str, ScoreHistogram] = field(default_factory=dict)
    thresholds: ThresholdTallies = field(default_factory=ThresholdTallies)
    images: list[ImageRecord] = field(default_factory=list)

    @staticmethod
    def empty(classes: Sequence[Named], blocks: int) -> EvaluationState:
        """Nothing counted yet of these classes."""
        return EvaluationState(
            ConfusionMatrix(len(classes)), np.zeros((blocks, len(classes), len(classes) + 1), np.int64),
            BlockCounts(blocks), WorstImages(ClassColours([each.color for each in classes], "bgr")),
        )  # fmt: skip

    def count(self, name: str, histogram: ScoreHistogram, block: int) -> None:
        """Add one image's pixels of score `name`."""
        self.signals.setdefault(name, ScoreHistogram()).merge(histogram)
        self.blocks.add(name, block, histogram)

    def merge(self, other: EvaluationState) -> None:
        """Add another corruption of the same images."""
        self.confusion.merge(other.confusion)
        self.block_confusion += other.block_confusion
        self.codes += other.codes
        self.unseen += other.unseen
        for name, histogram in other.signals.items():
            self.signals.setdefault(name, ScoreHistogram()).merge(histogram)
        self.blocks.merge(other.blocks)
        self.thresholds.merge(other.thresholds)
        self.worst.merge(other.worst)
        self.images += other.images


@dataclass(frozen=True)
class Evaluation:
    """What is run: the bundle's engine on `pairs`, whose images are in `blocks` (from 0), with baselines beside it.

    `engine` has its logits exposed. `judged`: other classes that the masks are judged on; None: the bundle's own.
    `geometry`: which part of each image the network sees, and how.
    """

    bundle: Bundle
    engine: Backend
    pairs: list[LabelledPaths]
    void: int | None
    blocks: Sequence[int]
    precision: str = "fp32"
    scorers: Sequence[PixelScorer] = ()
    seed: int = 0
    judged: ClassList | None = None
    geometry: InputGeometry = field(default_factory=InputGeometry)

    @property
    def classes(self) -> Sequence[Named]:
        """The classes that masks are judged on."""
        return self.bundle.card.classes if self.judged is None else self.judged.classes

    @cached_property
    def regrouped(self) -> UInt8Array | None:
        """uint8 (256,): the judged id of each of the network's ids; None where these are judged as they are.

        Raises:
            InputError: a class of the network has no place among those that it is judged on.
        """
        if self.judged is None:
            return None
        return self.judged.network_table(self.bundle.card.classes)

    def empty(self) -> EvaluationState:
        """A state for this evaluation."""
        return EvaluationState.empty(self.classes, max(self.blocks) + 1)


def evaluate_images(
    evaluation: Evaluation, corruption: Corruption, on_image: Callable[[], None] = lambda: None
) -> EvaluationState:
    """Run every image once under `corruption`; `on_image` is called after each.

    Raises:
        InputError: a pair cannot be read or does not fit (see `labelled_images.read_pair`).
    """
    state, card = evaluation.empty(), evaluation.bundle.card
    fused = FusedConfidence.of(evaluation.bundle, evaluation.precision)
    views = views_of_images(
        evaluation.pairs, card, evaluation.void, corruption, evaluation.seed, len(evaluation.classes),
        evaluation.geometry,
    )  # fmt: skip
    # One image is counted while the engine has the next: counting takes a third of the engine's time.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="count") as counting:
        before: Future[None] | None = None
        for view, block in zip(views, evaluation.blocks, strict=True):
            out = evaluation.engine.infer(view.image)
            if before is not None:
                before.result()
                on_image()
            before = counting.submit(_add_view, state, evaluation, fused, view, out, block)
        if before is not None:
            before.result()
            on_image()
    return state


@dataclass(frozen=True)
class FusedConfidence:
    """The path from the graph's code to the published confidence.

    Attributes:
        raw, table: float64 (256,), the code as a probability and calibrated.
        shift: how poor scenes lower both.
        model, names: verdict model that predicts the scene's quality, and the names of the graph's features.
    """

    raw: Floats
    table: Floats
    shift: SceneShift | None
    model: VerdictFile
    names: list[str]

    @staticmethod
    def of(bundle: Bundle, precision: str) -> FusedConfidence | None:
        """Of a bundle; None for a draft without calibration or verdict."""
        card = bundle.card
        if precision not in card.calibration or card.verdict is None:
            return None
        calibration = bundle.calibration(precision)
        raw = card.confidence_code.probabilities().astype(np.float64)
        return FusedConfidence(
            raw, np.array(calibration.table), calibration.scene_shift, bundle.verdict(precision), card.feature_names
        )

    def tables(self, features: Float32Array) -> tuple[Floats, Floats]:
        """Code to probability, float64 (256,), in the scene of features (K,): uncalibrated, and published."""
        quality = float(judge(self.model, self.names, features[None]).quality[0])
        shift = scene_shift(self.shift, quality if np.isfinite(quality) else 0.0)
        return lowered(self.raw, shift), lowered(self.table, shift)


def _add_view(
    state: EvaluationState, evaluation: Evaluation, fused: FusedConfidence | None, view: View, out: EngineOutput,
    block: int,
) -> None:  # fmt: skip
    card, size = evaluation.bundle.card, (view.truth.shape[0], view.truth.shape[1])
    mask = out.labels if evaluation.regrouped is None else evaluation.regrouped[out.labels]
    truth, void = view.truth, evaluation.void
    if view.place is not None:
        truth, void, unseen = seen_truth(truth, view.place.seen_at(size), void)
        state.unseen += unseen
    labels = placed(mask, view.place, size)
    counts = confusion_counts(truth, labels, len(evaluation.classes), void)
    kinds = pixel_kinds(truth, labels, void)
    state.confusion.counts += counts
    state.block_confusion[block] += counts
    codes = code_counts(placed(out.confidence, view.place, size), kinds)
    state.codes += codes
    raw = published = card.confidence_code.probabilities().astype(np.float64)
    if fused is not None:
        raw, published = fused.tables(out.features)
        state.count(RANKED, histogram_of_codes(codes, raw), block)
        state.count(PUBLISHED, histogram_of_codes(codes, published), block)
    state.count(RAW, histogram_of_codes(codes, card.confidence_code.probabilities().astype(np.float64)), block)
    maps, scores = _scored(evaluation, view, out.logits, out.labels)
    seen = ... if view.place is None else view.place.seen > 0  # no padding
    groups = (ALL_IMAGES, drive_of(view.name)) if drive_of(view.name) else (ALL_IMAGES,)
    for name, values in maps.items():
        histogram = ScoreHistogram()
        histogram.update_bins(placed(bin_of_scores(values), view.place, size), kinds)
        state.count(name, histogram, block)
        scores[name] = float(values[seen].mean())
        if name in SOFTMAX_SIGNALS:
            state.thresholds.add(groups, name, *levels_of(histogram))
    state.thresholds.add(groups, "fused", published, codes)
    scores["fused"] = float(published[out.confidence][seen].mean())
    quality = image_quality(counts)
    corruption = view.corruption.name
    state.images.append(ImageRecord(view.file, quality, out.features, out.engine_ms, corruption, block, scores))
    shown = np.round(published * 255).astype(np.uint8)[out.confidence]
    left_out = UNSEEN_LABEL if void is None else void
    state.worst.offer(
        view.title, quality,
        lambda painter: paint_image(
            painter, view.bgr(card.input.color_order), ids_shown(view.truth, view.place, card.size, left_out),
            mask, shown, void
        ),
        {"quality": quality, "mean_confidence": scores["fused"]},
    )  # fmt: skip


def _scored(
    evaluation: Evaluation, view: View, logits: Float32Array, labels: UInt8Array
) -> tuple[dict[str, Float32Array], dict[str, float]]:
    """Confidence maps of the softmax and of every baseline, and scores of the whole image."""
    signals = softmax_signals(logits)
    maps = {name: getattr(signals, name) for name in SOFTMAX_SIGNALS}
    scores: dict[str, float] = {}
    for scorer in evaluation.scorers:
        found = scorer(ScoredView(view.image, logits, labels))
        maps |= found.maps
        scores |= found.image
    return maps, scores


def seen_truth(truth: UInt8Array, seen: UInt8Array, void: int | None) -> tuple[UInt8Array, int, int]:
    """Labels uint8 (H, W) with void where the network saw nothing (`seen` is 0), the id of void, and how many labelled
    pixels that took: nothing was said of them, so nothing is counted."""
    left_out = UNSEEN_LABEL if void is None else void
    unseen = (seen == 0) & (truth != left_out)
    return np.where(unseen, np.uint8(left_out), truth), left_out, int(np.count_nonzero(unseen))


def pixel_kinds(truth: UInt8Array, predicted: UInt8Array, void: int | None) -> UInt8Array:
    """uint8 like `truth`: CORRECT, WRONG, or LEFT_OUT where the truth is void."""
    kinds: UInt8Array = np.equal(truth, predicted).astype(np.uint8)
    if void is not None:
        kinds[truth == void] = LEFT_OUT
    return kinds


def code_counts(codes: UInt8Array, kinds: UInt8Array) -> Counts:
    """int64 (2, 256): wrong and right pixels per code."""
    joint = kinds.astype(np.int32) * 256 + codes
    counts: Counts = np.bincount(joint.ravel(), minlength=3 * 256)[: 2 * 256].reshape(2, 256)
    return counts
