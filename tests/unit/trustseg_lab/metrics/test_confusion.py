# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Confusion matrix and image quality against hand arithmetic."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.metrics.confusion import ConfusionMatrix, confusion_counts
from trustseg_lab.metrics.images.image_quality import image_quality


def u8(values: object) -> np.ndarray:
    return np.array(values, np.uint8)


def test_hand_arithmetic() -> None:
    matrix = ConfusionMatrix(4)
    #  truth 0 0 0 1 1 v   prediction 0 0 1 1 0 0: class 0 hits 2 of union 4, class 1 hits 1 of union 3.
    matrix.update(u8([[0, 0, 0], [1, 1, 9]]), u8([[0, 0, 1], [1, 0, 0]]), void=9)
    assert matrix.class_iou() == pytest.approx([2 / 4, 1 / 3, np.nan, np.nan], nan_ok=True)
    assert matrix.miou() == pytest.approx((2 / 4 + 1 / 3) / 2)
    assert matrix.accuracy() == pytest.approx(3 / 5)
    assert matrix.labelled == 5


def test_class_only_predicted_counts_as_zero() -> None:
    matrix = ConfusionMatrix(3)
    matrix.update(u8([[0, 0]]), u8([[0, 2]]), void=None)
    assert matrix.class_iou() == pytest.approx([1 / 2, np.nan, 0.0], nan_ok=True)
    assert matrix.miou() == pytest.approx(1 / 4)


def test_prediction_outside_the_classes_is_wrong_for_the_true_class() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(u8([[0, 0, 1]]), u8([[0, 255, 1]]), void=None)
    assert matrix.class_iou() == pytest.approx([1 / 2, 1.0])


def test_nothing_labelled_is_undefined() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(u8([[7, 7]]), u8([[0, 1]]), void=7)
    assert np.isnan([matrix.miou(), matrix.accuracy(), *matrix.class_iou()]).all()


def test_void_may_be_one_of_the_classes() -> None:
    matrix = ConfusionMatrix(2)
    matrix.update(u8([[0, 1, 1]]), u8([[1, 1, 0]]), void=0)
    assert matrix.counts.tolist() == [[0, 0, 0], [1, 1, 0]]


def test_states_add_up() -> None:
    rng = np.random.default_rng(0)
    truth, predicted = rng.integers(0, 3, (2, 8, 9), dtype=np.uint8), rng.integers(0, 3, (2, 8, 9), dtype=np.uint8)
    whole, first, second = ConfusionMatrix(3), ConfusionMatrix(3), ConfusionMatrix(3)
    whole.update(truth.reshape(16, 9), predicted.reshape(16, 9), None)
    first.update(truth[0], predicted[0], None)
    second.update(truth[1], predicted[1], None)
    first.merge(second)
    assert np.array_equal(first.counts, whole.counts)


@pytest.mark.parametrize(
    ("truth", "words"),
    [(u8([[0, 5]]), "ids outside the classes, expected 0..1 or void 9, got 5"), (u8([[0], [1]]), "differ in size")],
)
def test_bad_labels_are_named(truth: np.ndarray, words: str) -> None:
    with pytest.raises(InputError, match=words):
        confusion_counts(truth, u8([[0, 0]]), 2, void=9)


def test_quality_leaves_out_classes_below_one_percent() -> None:
    # 1000 labelled pixels: class 0 has 985 and loses 5 to class 1, class 1 has exactly 10 (1 %, counts) all found,
    # class 2 has 5 (0.5 %, left out) all lost to class 0.
    counts = np.array([[980, 5, 0, 0], [0, 10, 0, 0], [5, 0, 0, 0]], np.int64)
    assert image_quality(counts) == pytest.approx((980 / 990 + 10 / 15) / 2)


def test_quality_without_labels_is_undefined() -> None:
    assert np.isnan(image_quality(np.zeros((3, 4), np.int64)))
