# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Confusion matrix of a segmentation, with mIoU, pixel accuracy and the IoU of each class (Long et al., CVPR 2015)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.types import UInt8Array
from trustseg_lab.data import ids_outside
from trustseg_lab.metrics.score_histogram import Counts, Floats


class ConfusionMatrix:
    """Streaming counts of (true class, predicted class) over labelled pixels.

    Attributes:
        counts: int64 (classes, classes + 1); row is truth, column is prediction, the last column counts predictions
            outside the classes (255, unlabelled): they are wrong for the class in truth and right for none.
    """

    def __init__(self, classes: int, counts: Counts | None = None) -> None:
        self.classes = classes
        self.counts: Counts = np.zeros((classes, classes + 1), np.int64) if counts is None else counts

    def update(self, truth: UInt8Array, predicted: UInt8Array, void: int | None) -> None:
        """Add an image.

        Args:
            truth: uint8 (H, W) class ids; pixels equal to `void` are left out.
            predicted: uint8 (H, W) class ids.
            void: id of unlabelled pixels in `truth`, or None where there is none.

        Raises:
            InputError: the sizes differ, or `truth` holds an id that is neither a class nor void.
        """
        self.counts += confusion_counts(truth, predicted, self.classes, void)

    def merge(self, other: ConfusionMatrix) -> None:
        """Add the pixels of `other`, which has the same classes."""
        self.counts += other.counts

    @property
    def labelled(self) -> int:
        """Pixels counted."""
        return int(self.counts.sum())

    def class_iou(self) -> Floats:
        """float64 (classes,): intersection over union; NaN for a class in neither truth nor prediction."""
        hit = np.diagonal(self.counts).astype(np.float64)
        union = self.counts.sum(axis=1) + self.counts[:, : self.classes].sum(axis=0) - hit
        iou: Floats = np.divide(hit, union, out=np.full(self.classes, np.nan), where=union > 0)
        return iou

    def miou(self) -> float:
        """Mean IoU over the classes that are in truth or prediction; NaN without labelled pixels."""
        found = self.class_iou()
        found = found[~np.isnan(found)]
        return float(found.mean()) if found.size else float("nan")

    def accuracy(self) -> float:
        """Share of labelled pixels predicted right; NaN without labelled pixels."""
        return float(np.trace(self.counts) / self.labelled) if self.labelled else float("nan")


def confusion_counts(truth: UInt8Array, predicted: UInt8Array, classes: int, void: int | None) -> Counts:
    """Counts of one image, int64 (classes, classes + 1); arguments and errors as `ConfusionMatrix.update`."""
    if truth.shape != predicted.shape:
        raise InputError(
            "labels and prediction differ in size", expected=f"{predicted.shape}", got=f"{truth.shape}",
            fix="give labels of the size that is compared",
        )  # fmt: skip
    unknown = ids_outside(truth, classes, void)
    if unknown:
        raise InputError(
            "labels hold ids outside the classes", expected=f"0..{classes - 1} or void {void}", got=_listed(unknown),
            fix="map the labels to the bundle's classes, or name the id of unlabelled pixels with --void",
        )  # fmt: skip
    joint = truth_rows(classes, void)[truth]
    joint += prediction_columns(classes)[predicted]
    size = (classes + 1) * (classes + 1)
    return np.bincount(joint.ravel(), minlength=size).reshape(classes + 1, classes + 1)[:classes].astype(np.int64)


def truth_rows(classes: int, void: int | None) -> npt.NDArray[np.int32]:
    """Table (256,) from a true id to the start of its row in the joint count; void goes to a row of its own."""
    table = np.full(256, classes, np.int32)
    table[:classes] = np.arange(classes)
    if void is not None and 0 <= void < 256:
        table[void] = classes
    return table * np.int32(classes + 1)


def prediction_columns(classes: int) -> npt.NDArray[np.int32]:
    """Table (256,) from a predicted id to its column; everything outside the classes shares the last one."""
    return np.minimum(np.arange(256), classes).astype(np.int32)


def _listed(ids: list[int], shown: int = 8) -> str:
    return ", ".join(map(str, ids[:shown])) + (f" and {len(ids) - shown} more" if len(ids) > shown else "")
