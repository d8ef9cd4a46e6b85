# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Labels brought from frame to frame: what is given, how the memory is read, which frame comes next; by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from benchmark_views import VOID, logits_of, view
from trustseg_lab.benchmark.rows.propagation import (
    NOTHING,
    REACH,
    TEMPERATURE,
    Frame,
    Memory,
    boxes,
    clicks,
    mask_of,
    pieces,
    read,
    remember,
    scribbles,
    warp,
)
from trustseg_lab.benchmark.studies.propagation_study import (
    FRAMES,
    Propagation,
    by_flow,
    distance,
    next_frame,
    shares_wrong,
)


def frame(truth: np.ndarray, features: np.ndarray, places: np.ndarray) -> Frame:
    """A frame of given cells; the image is black, the network's mask class 0."""
    empty = np.zeros(truth.shape, np.uint8)
    return Frame(empty, truth.astype(np.uint8), empty, VOID, features.astype("f4"), places.astype("f4"))


def test_reading_weighs_likeness_and_nearness_by_hand() -> None:
    asked = frame(np.zeros((5, 5)), np.array([[1.0, 0.0]]), np.array([[0.0, 0.0]]))
    known = Memory(
        np.array([[1.0, 0.0], [0.9, 0.1]], np.float32), np.array([[0.0, 0.1], [0.0, 0.0]], np.float32),
        np.array([[1.0, 0.0], [0.25, 0.75]], np.float32),
    )  # fmt: skip
    first = np.exp(1 / TEMPERATURE - 0.1**2 / (2 * REACH**2))
    second = np.exp(0.9 / TEMPERATURE)
    expected = np.array([first + 0.25 * second, 0.75 * second]) / (first + second)
    assert read(asked, [known])[0] == pytest.approx(expected, rel=1e-4)
    one = Memory(known.features[:1], known.places[:1], known.mass[:1])
    other = Memory(known.features[1:], known.places[1:], known.mass[1:])
    assert read(asked, [one, other])[0] == pytest.approx(expected, rel=1e-4)  # several memories are one


def test_memory_holds_the_cells_that_something_is_known_of() -> None:
    truth = np.full((5, 10), 1)
    truth[:, 5:] = NOTHING
    truth[0, :5] = 0
    features = np.eye(2)
    kept = remember(frame(truth, features, np.zeros((2, 2))), truth.astype(np.uint8), 2)
    assert kept.features.tolist() == [[1.0, 0.0]]
    assert kept.mass[0] == pytest.approx([0.2, 0.8])  # one of five rows is class 0
    shares = np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)
    assert mask_of(shares, frame(truth, features, np.zeros((2, 2)))).tolist() == [[0] * 5 + [1] * 5] * 5


def test_marks_by_hand() -> None:
    given = np.zeros((20, 30), np.uint8)
    given[4:13, 3:12] = 1  # 9 x 9: the deepest pixel is the middle
    given[15, 20] = 2  # too small to be marked
    given[:, 25:] = NOTHING
    assert [klass for klass, _ in pieces(given)] == [0, 1]
    at = np.argwhere(clicks(given) == 1)
    assert at.tolist() == [[8, 7]]
    assert (clicks(given) != NOTHING).sum() == 2
    stroke = scribbles(given) == 1
    assert stroke.sum(axis=1)[4:13].tolist() == [1] * 9
    assert stroke[8, 7]
    boxed = boxes(given)
    assert (boxed == 1).sum() == 81
    assert (boxed[:, :25] != NOTHING).all()
    assert (boxed[:, 25:] == NOTHING).all()


def test_flow_moves_labels_with_the_picture() -> None:
    rng = np.random.default_rng(0)
    wide = cv2.GaussianBlur(rng.integers(0, 256, (80, 120)).astype(np.uint8), (0, 0), 2.0)
    wide = cv2.normalize(wide, None, 0, 255, cv2.NORM_MINMAX)
    labels = np.zeros((80, 100), np.uint8)
    labels[20:60, 30:60] = 3
    moved = warp(labels, wide[:, 10:110].copy(), wide[:, 4:104].copy())  # things go 6 pixels to the right
    expected = np.roll(labels, 6, axis=1)
    assert (moved == expected)[5:-5, 10:-10].mean() > 0.98
    assert (labels == expected).mean() < 0.95


def test_the_next_frame_by_hand() -> None:
    sure, wrong = [1.0, 0.8, 0.5, 0.9, 0.7], [0.0, 0.4, 0.1, 0.2, 0.3]
    assert next_frame("least sure", sure, wrong, [0]) == 2
    assert next_frame("worst in truth", sure, wrong, [0]) == 1
    assert next_frame("by turns", sure, wrong, [0]) == 4
    assert next_frame("by turns", sure, wrong, [0, 4]) == 2
    assert distance(3, [0, 4]) == 1
    truth = np.array([[0, 1, VOID]], np.uint8)
    assert shares_wrong([frame(truth, np.zeros((1, 2)), np.zeros((1, 2)))], [np.zeros((1, 3), np.uint8)]) == [0.5]


def street(place: int) -> np.ndarray:
    """A square that goes to the right, on two halves; a strip of void."""
    truth = np.zeros((60, 80), np.uint8)
    truth[30:] = 1
    truth[20:40, 10 + 3 * place : 30 + 3 * place] = 2
    truth[:2] = VOID
    return truth


def clip(study: Propagation, count: int, first: int = 0, group: str = "clean") -> None:
    """Views whose features tell the truth, and whose mask is class 0 everywhere."""
    for place in range(first, first + count):
        truth = street(place - first)
        decoded = logits_of(np.minimum(truth, 2), 3)
        mask = logits_of(np.zeros(truth.shape, np.uint8), 3)
        study.look(place, view(mask, truth, decoded=decoded, index=place, group=group))


def told(study: Propagation) -> dict[tuple[str, ...], tuple[Any, ...]]:
    """(brought on by, given, next frame, frames labelled) -> clips and the three figures."""
    found: Any = SimpleNamespace()
    return {tuple(map(str, row[1:5])): tuple(row[5:]) for row in study.tell(found).rows}


def test_a_clip_is_brought_on_from_its_first_frame() -> None:
    study = Propagation()
    clip(study, FRAMES)
    rows = told(study)
    assert rows[("the network's own mask", "nothing", "", "0")][1] < 0.25
    assert rows[("memory", "mask", "", "1")][1] > 0.85  # the features tell the classes: cells' edges alone are lost
    assert rows[("memory", "clicks", "", "1")][1] > 0.85
    # Without texture the flow sees nothing move.
    assert rows[("optical flow", "mask", "", "1")][1] < rows[("memory", "mask", "", "1")][1]
    third = rows[("memory", "mask", "least sure", "3")]
    assert third[0] == 1
    assert third[3] > third[1]  # labelled frames count as right in the clip


def test_clips_end_with_the_drive_and_short_ones_are_left_out() -> None:
    study = Propagation()
    clip(study, 4)
    clip(study, 3, first=10)  # does not follow: another clip, too short
    assert told(study)[("memory", "mask", "", "1")][0] == 1
    short = Propagation()
    clip(short, 3)
    answer = short.tell(SimpleNamespace())  # type: ignore[arg-type]
    assert answer.rows == []
    assert "No drive here" in answer.hint


def test_void_is_filled_before_it_flows() -> None:
    truth = street(0)
    frames = [frame(truth, np.zeros((1, 2)), np.zeros((1, 2))) for _ in range(2)]
    masks = by_flow(frames)
    assert (masks[0][:2] == 0).all()  # the network's mask, where nobody says what is there
    assert (masks[1] == masks[0]).all()
