# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Objects in a mask: parts, figures and predicted IoU by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trustseg.bundle.calibration_file import SegmentModel
from trustseg.bundle.card import ClassSpec
from trustseg.errors import BundleError
from trustseg.reasons import Reason
from trustseg.segments import (
    FIGURES,
    Segment,
    SegmentReader,
    connected_parts,
    least_area,
    predicted_iou,
    segment_metrics,
)
from trustseg.types import FrameVerdict

VERDICT = FrameVerdict(Reason.NONE, 0.1, 0.5, 0.8, 0.7, 0.9, 0.05, 0.95, 0.9, 0.05)
CLASSES = [
    ClassSpec(id=0, name="road", color=(1, 1, 1)),
    ClassSpec(id=1, name="car", color=(2, 2, 2), is_foreground=True),
    ClassSpec(id=2, name="bus", color=(3, 3, 3), is_foreground=True),
]
# A bus at the border, a car that touches its own part over a corner, and a pixel that is noise.
MASK = np.array(
    [
        [2, 2, 0, 0, 0, 0, 0, 0],
        [2, 2, 0, 1, 1, 1, 0, 0],
        [2, 2, 0, 1, 1, 1, 0, 0],
        [0, 0, 0, 1, 1, 1, 0, 1],
        [0, 0, 0, 0, 0, 0, 1, 0],
        [0, 0, 1, 0, 0, 0, 0, 0],
    ],
    np.uint8,
)
CONFIDENCE = np.full(MASK.shape, 204, np.uint8)
CONFIDENCE[2, 4] = 51  # the only pixel of the car with no other class beside it


def model(**changes: object) -> SegmentModel:
    whole = {"classes": ["car"], "features": ["confidence"], "mean": [0.5], "std": [0.25], "weight": [2.0], "bias": 0.5}
    return SegmentModel.model_validate(whole | changes)


def test_parts_are_told_by_class_with_box_and_area() -> None:
    parts = connected_parts(MASK, [1, 2], 4)
    assert parts.class_of.tolist() == [1, 2]
    # 3 x 3, and over the corners the pixels (4, 6) and (3, 7).
    assert parts.box.tolist() == [[3, 1, 5, 4], [0, 0, 2, 3]]
    assert parts.area.tolist() == [11, 6]
    ids = np.full(MASK.size, -1)
    ids[parts.place] = parts.part
    assert np.array_equal(ids.reshape(MASK.shape) == 1, MASK == 2)
    assert (ids.reshape(MASK.shape) == 0).sum() == 11


def test_only_pixels_with_their_own_class_all_around_are_inside() -> None:
    parts = connected_parts(MASK, [1, 2], 4)
    inside = np.zeros(MASK.size, bool)
    inside[parts.place] = ~parts.edge
    # The image's own border is no edge: the bus ends there only as far as is seen.
    assert np.argwhere(inside.reshape(MASK.shape)).tolist() == [[0, 0], [1, 0], [2, 4]]


def test_small_parts_and_absent_classes_are_left_out() -> None:
    assert len(connected_parts(MASK, [1, 2], 12)) == 0
    assert connected_parts(MASK, [1, 2], 1).area.tolist() == [11, 1, 6]
    assert len(connected_parts(MASK, [7], 1)) == 0
    assert len(connected_parts(MASK, [], 1)) == 0


def test_figures_by_hand() -> None:
    parts = connected_parts(MASK, [1, 2], 4)
    found = segment_metrics(parts, CONFIDENCE, 0.5, ["car", "bus"], [1, 2])
    assert tuple(found) == (*FIGURES, "class/car", "class/bus")
    wanted = {
        "log_area": [math.log(11 / 48), math.log(6 / 48)],
        "edge_share": [10 / 11, 4 / 6],
        "confidence": [(10 * 0.8 + 0.2) / 11, 0.8],
        "confidence_spread": [0.6 * math.sqrt(10) / 11, 0.0],  # one of eleven differs by 0.6
        "edge_confidence": [0.8, 0.8],
        "core_confidence": [0.2, 0.8],
        "low_share": [1 / 11, 0.0],
        "box_fill": [11 / 20, 1.0],
        "centre_x": [5.5 / 8, 1 / 8],
        "centre_y": [3 / 6, 1.5 / 6],
        "at_border": [1.0, 1.0],
        "class/car": [1.0, 0.0],
        "class/bus": [0.0, 1.0],
    }
    for name, values in wanted.items():
        assert found[name] == pytest.approx(values, abs=1e-6), name


def test_a_part_that_is_all_edge_has_its_mean_as_core() -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[3:5, 3:5] = 1
    confidence = np.full((8, 8), 102, np.uint8)
    found = segment_metrics(connected_parts(mask, [1], 4), confidence, 0.5, ["car"], [1])
    assert (found["edge_share"], found["at_border"]) == ([1.0], [0.0])
    assert found["core_confidence"] == found["edge_confidence"] == pytest.approx([0.4])


def test_one_class_over_the_whole_image_has_no_edge() -> None:
    mask = np.ones((8, 8), np.uint8)
    found = segment_metrics(connected_parts(mask, [1], 4), np.full((8, 8), 51, np.uint8), 0.5, ["car"], [1])
    assert (found["edge_share"], found["low_share"]) == ([0.0], [1.0])
    assert found["core_confidence"] == found["edge_confidence"] == pytest.approx([0.2])


def test_the_predicted_iou_is_the_logistic_of_standardised_figures() -> None:
    figures = {"confidence": np.array([0.5, 0.75, 100.0])}
    # 0.5 + 2 x 0, 0.5 + 2 x 1, and 0.5 + 2 x 8: what is far away counts as eight deviations.
    wanted = [1 / (1 + math.exp(-each)) for each in (0.5, 2.5, 16.5)]
    assert predicted_iou(model(), figures, 3) == pytest.approx(wanted)
    assert np.isnan(predicted_iou(None, {}, 2)).all()


def test_objects_of_the_models_classes_are_told_with_their_predicted_iou() -> None:
    reader = SegmentReader(model(), CLASSES, 0.5)
    assert reader.predicts
    mean = (10 * 0.8 + 0.2) / 11
    iou = 1 / (1 + math.exp(-(0.5 + 2 * (mean - 0.5) / 0.25)))
    found = reader.segments(MASK, CONFIDENCE, VERDICT)
    assert found == [Segment(1, 3, 1, 5, 4, 11, pytest.approx(mean), pytest.approx(iou))]
    assert reader.segments(np.zeros_like(MASK), CONFIDENCE, VERDICT) == []


def test_without_a_model_foreground_is_told_of_and_no_iou_predicted() -> None:
    reader = SegmentReader(None, CLASSES, 0.5)
    assert not reader.predicts
    found = reader.segments(MASK, CONFIDENCE, VERDICT)
    assert [(each.class_id, each.area) for each in found] == [(1, 11), (2, 6)]
    assert all(math.isnan(each.predicted_iou) for each in found)


def test_nothing_is_predicted_of_an_output_that_is_not_finite() -> None:
    broken = replace(VERDICT, reasons=Reason.OUTPUT_INVALID | Reason.DARK)
    assert SegmentReader(model(), CLASSES, 0.5).segments(MASK, CONFIDENCE, broken)[0].predicted_iou == 0.0
    assert math.isnan(SegmentReader(None, CLASSES, 0.5).segments(MASK, CONFIDENCE, broken)[0].predicted_iou)


@pytest.mark.parametrize("changes", [{"classes": ["tram"]}, {"features": ["entropy"]}, {"features": ["class/bus"]}])
def test_a_model_of_what_is_not_there_is_refused(changes: dict[str, list[str]]) -> None:
    with pytest.raises(BundleError, match="model of segments uses what") as refused:
        SegmentReader(model(**changes), CLASSES, 0.5)
    assert next(iter(changes.values()))[0] in str(refused.value)


def test_the_smallest_segment_grows_with_the_mask() -> None:
    assert (least_area((360, 480)), least_area((720, 960)), least_area((72, 96))) == (32, 128, 4)


@settings(max_examples=60)
@given(arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)), elements=st.integers(0, 2)), st.data())
def test_parts_hold_every_pixel_of_their_class_once(mask: np.ndarray, data: st.DataObject) -> None:
    parts = connected_parts(mask, [1, 2], 1)
    assert np.array_equal(np.sort(parts.place), np.flatnonzero(mask))
    assert np.array_equal(np.bincount(parts.part, minlength=len(parts)), parts.area)
    padded = np.pad(mask, 1, mode="edge")
    for place, part, edge in zip(parts.place, parts.part, parts.edge, strict=True):
        row, column = divmod(int(place), mask.shape[1])
        assert mask[row, column] == parts.class_of[part]
        around = padded[row : row + 3, column : column + 3]
        assert edge == bool((around != mask[row, column]).any())
        x, y, width, height = parts.box[part]
        assert x <= column < x + width
        assert y <= row < y + height
