# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Metrics of a drive whose frames have labels: those of `trustseg evaluate`, from states that add up."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from trustseg.camera.geometry import confidence_at, labels_at
from trustseg.errors import InputError
from trustseg.types import PerceptionResult, UInt8Array
from trustseg_lab.evaluation.evaluator import code_counts, pixel_kinds, seen_truth
from trustseg_lab.metrics.confidence_metrics import confidence_metrics
from trustseg_lab.metrics.confusion import ConfusionMatrix, confusion_counts
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW, image_quality
from trustseg_lab.metrics.images.image_verdicts import image_metrics
from trustseg_lab.metrics.score_histogram import Counts, histogram_of_codes


@dataclass(frozen=True)
class FrameTruth:
    """Of one frame: mean IoU over the classes that cover 1 % or more, and share of labelled pixels predicted right."""

    quality: float
    accuracy: float


@dataclass
class TruthTotals:
    """Counts of all labelled frames; two of them add up.

    Attributes:
        classes: of the bundle.
        void: id of unlabelled pixels, None where there is none.
        threshold: failure score from which on the verdict calls an image a failure.
    """

    classes: int
    void: int | None
    threshold: float = 0.5
    counts: Counts = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    codes: Counts = field(default_factory=lambda: np.zeros((2, 256), np.int64))
    images: list[tuple[float, float, float, float, bool]] = field(default_factory=list)
    unlabelled: int = 0

    def __post_init__(self) -> None:
        if not self.counts.size:
            self.counts = np.zeros((self.classes, self.classes + 1), np.int64)

    def add(self, result: PerceptionResult, labels: UInt8Array, image_size: tuple[int, int], flag: bool) -> FrameTruth:
        """Take one frame.

        Args:
            result: of the pipeline. labels: uint8 (H, W) of the image's or the network's size. image_size: (height,
            width) of the camera's image. flag: whether the failure flag was up.

        Raises:
            InputError: the labels are of another size.
        """
        size = (labels.shape[0], labels.shape[1])
        if size not in (image_size, result.labels.shape):
            raise InputError(
                "labels and images differ in size",
                expected=f"{image_size[0]} x {image_size[1]} (height x width)", got=f"{size[0]} x {size[1]}",
                fix="give the labels of these images",
            )  # fmt: skip
        predicted, void = labels_at(result, size), self.void
        if result.network is not None:
            labels, void, _ = seen_truth(labels, result.network.place.seen_at(size), void)
        counts = confusion_counts(labels, predicted, self.classes, void)
        self.counts += counts
        self.codes += code_counts(confidence_at(result, size), pixel_kinds(labels, predicted, void))
        verdict = result.verdict
        self.threshold = verdict.threshold
        quality = image_quality(counts)
        if quality == quality:
            self.images.append((quality, verdict.failure_score, verdict.predicted_miou, verdict.miou_lower_bound, flag))
        return FrameTruth(quality, ConfusionMatrix(self.classes, counts).accuracy())

    def merge(self, other: TruthTotals) -> None:
        """Add the frames of `other`."""
        self.counts += other.counts
        self.codes += other.codes
        self.images += other.images
        self.unlabelled += other.unlabelled
        self.threshold = other.threshold

    def document(self, class_names: list[str]) -> dict[str, Any] | None:
        """All metrics; None without any labelled frame."""
        if not self.images:
            return None
        matrix = ConfusionMatrix(self.classes, self.counts)
        histogram = histogram_of_codes(self.codes, np.arange(256) / 255.0)
        quality, score, predicted, lower = (np.array(column) for column in list(zip(*self.images, strict=True))[:4])
        flags = np.array([each[4] for each in self.images])
        bad = quality < FAILURE_BELOW
        return {
            "labelled_frames": len(self.images), "unlabelled_frames": self.unlabelled,
            "miou": matrix.miou(), "accuracy": matrix.accuracy(),
            "class_iou": dict(zip(class_names, matrix.class_iou().tolist(), strict=True)),
            "confidence": asdict(confidence_metrics(histogram)),
            "image_verdict": asdict(image_metrics(quality, score, predicted, lower, self.threshold)),
            "mean_quality": float(quality.mean()),
            "poor_frames": int(bad.sum()),
            "missed": int((bad & ~flags).sum()),
            "missed_share": float((~flags)[bad].mean()) if bad.any() else float("nan"),
            "false_alarm_share": float(flags[~bad].mean()) if (~bad).any() else float("nan"),
        }  # fmt: skip
