# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""IoU of single segments by hand; what is not void and not the neighbour's part counts."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg.segments import connected_parts
from trustseg.types import UInt8Array
from trustseg_lab.metrics.segment_iou import adjusted_iou

VOID = 255


def iou_of(predicted: UInt8Array, truth: UInt8Array) -> list[float]:
    """IoU_adj of the segments of class 1, then 2."""
    size = predicted.shape
    parts, real = connected_parts(predicted, [1, 2], 1), connected_parts(truth, [1, 2], 1)
    ids, real_ids = parts.ids(size), real.ids(size)
    return adjusted_iou(ids, parts.class_of, real_ids, real.class_of, predicted, truth != VOID).tolist()


def masks() -> tuple[UInt8Array, UInt8Array]:
    return np.zeros((6, 12), np.uint8), np.zeros((6, 12), np.uint8)


def test_two_parts_of_one_object_are_not_blamed_for_each_other() -> None:
    predicted, truth = masks()
    truth[1:5, 1:11] = 1
    predicted[1:5, 1:5] = predicted[1:5, 7:11] = 1
    # 16 pixels are hit, 8 between the two parts by neither.
    assert iou_of(predicted, truth) == pytest.approx([16 / 24, 16 / 24])


def test_another_class_is_no_hit_and_void_is_left_out() -> None:
    predicted, truth = masks()
    predicted[1:5, 1:5], predicted[1:5, 7:11] = 1, 2
    truth[1:5, 1:5], truth[1:5, 7:11] = 2, 2
    truth[1:3, 7:11] = VOID
    # The second segment: 8 pixels are known and right; the real part of class 2 on the left is not its own.
    assert iou_of(predicted, truth) == pytest.approx([0.0, 1.0])


def test_a_segment_over_void_alone_has_no_iou() -> None:
    predicted, truth = masks()
    predicted[1:5, 1:5], truth[:, :6] = 1, VOID
    assert np.isnan(iou_of(predicted, truth)).all()


def test_without_a_segment_there_is_nothing_to_tell() -> None:
    predicted, truth = masks()
    truth[0, 0] = 1
    assert iou_of(predicted, truth) == []
