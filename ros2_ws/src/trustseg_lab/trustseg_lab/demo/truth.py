# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""True quality of each frame: the mask that the node published against the labels of the drive."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import cv2
import numpy as np

from trustseg.imaging.resize import nearest
from trustseg.imaging.stored_image import read_image
from trustseg.types import UInt8Array
from trustseg_lab.data import read_labels
from trustseg_lab.harness.drive_folder import Drive
from trustseg_lab.harness.records import Observation
from trustseg_lab.metrics.confusion import confusion_counts
from trustseg_lab.metrics.images.image_quality import image_quality

VOID = 255


def class_table(drive_classes: Sequence[str], bundle_classes: Sequence[str]) -> UInt8Array:
    """uint8 (256,): label id of the drive -> class id of the bundle of the same name; 255 where it has none."""
    table = np.full(256, VOID, np.uint8)
    for label, name in enumerate(drive_classes):
        if name in bundle_classes:
            table[label] = bundle_classes.index(name)
    return table


def frame_quality(mask: UInt8Array, truth: UInt8Array, classes: int) -> float:
    """Quality Q in [0, 1] of a mask; NaN when nothing is labelled.

    Args:
        mask: uint8 (h, w) published class ids.
        truth: uint8 (H, W) true class ids of any size, stretched (nearest) to the mask's; 255 unlabelled.
        classes: number of classes.
    """
    return image_quality(confusion_counts(nearest(truth, (mask.shape[0], mask.shape[1])), mask, classes, VOID))


def drive_quality(
    drive: Drive, seen: Observation, bundle_classes: Sequence[str], tick: Callable[[], object] = lambda: None
) -> dict[int, float]:
    """Q of every sent frame that has a mask and labels, by slot.

    Args:
        drive: the drive with its labels.
        seen: what was sent and received.
        bundle_classes: class names of the bundle in the order of their ids.
        tick: called once for every sent frame, for a progress bar.
    """
    table = class_table(drive.classes, bundle_classes)
    quality: dict[int, float] = {}
    for frame in seen.sent:
        tick()
        label_path, mask_path = drive.label_path(frame.slot), seen.masks.get(frame.stamp_ns)
        if label_path is None or mask_path is None:
            continue
        mask = read_image(mask_path, cv2.IMREAD_GRAYSCALE)
        if mask is None or not label_path.is_file():
            continue
        truth = read_labels(label_path, len(drive.classes), VOID)
        value = frame_quality(np.asarray(mask, np.uint8), table[truth], len(bundle_classes))
        if not math.isnan(value):
            quality[frame.slot] = value
    return quality
