# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What studies tell of views whose quality, scores and errors are known: every table by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from benchmark_views import logits_of, view
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.studies.masks import BoundaryQuality, CommonFailures, Downstream, Failures, Fleet
from trustseg_lab.benchmark.studies.view_studies import (
    Calibration,
    Clips,
    Comparison,
    Correction,
    DiceCuts,
    HeadSchemes,
    InputQuality,
    Screening,
)
from trustseg_lab.metrics.block_counts import BlockCounts
from trustseg_lab.metrics.score_histogram import ScoreHistogram

CLASSES = 3
PLAIN = np.zeros((4, 4), np.uint8)


def collected(quality: Sequence[float], **changes: Sequence[object]) -> Collected:
    """Views of these qualities in one group; `changes`: fields of their metas, one value a view."""
    base = view(logits_of(PLAIN), PLAIN).meta
    metas = [
        replace(base, index=place, **{name: values[place] for name, values in changes.items()})  # type: ignore[arg-type]
        for place in range(len(quality))
    ]
    outcomes: list[Any] = [SimpleNamespace(quality=each, miou=each, dice=each) for each in quality]
    return Collected(metas, outcomes, CLASSES)


def add_image(found: Collected, name: str, score: Sequence[float], scale: str = "rank") -> None:
    found.images[name], found.scales[name] = np.array(score), scale


def add_pixels(found: Collected, name: str, scale: str, score: Sequence[float], right: Sequence[bool]) -> None:
    histogram = ScoreHistogram()
    histogram.update(np.array(score), np.array(right, bool))
    found.pixels[name, "clean"], found.scales[name] = histogram, scale
    found.blocks.setdefault("clean", BlockCounts(1)).add(name, 0, histogram)


def rows_of(rows: list[list[Any]], *names: str) -> list[Any]:
    """What follows the names at the beginning of the one row that has them."""
    (found,) = [row[len(names) :] for row in rows if row[: len(names)] == list(names)]
    return list(found)


def test_a_clip_is_scored_by_the_scores_of_its_frames() -> None:
    found = collected([0.8] * 5 + [0.4] * 5 + [0.6] * 5 + [0.1])  # the last one is no clip
    frames = [0.9] * 5 + [0.3] * 5 + [0.3, 0.3, 0.9, 0.9, 0.9] + [0.0]
    add_image(found, "predicted_quality", frames, "quality")
    rows = Clips().tell(found).rows
    told = rows_of(rows, "clean", "predicted_quality", "mean")
    # Means .9, .3 and .66 against .8, .4 and .6; the second clip fails.
    assert told == [3, 1.0, pytest.approx(1.0), pytest.approx((0.1 + 0.1 + 0.06) / 3)]
    # .9, .3 and .3: one good clip is above the bad one, one is equal.
    assert rows_of(rows, "clean", "predicted_quality", "5 % quantile")[1] == pytest.approx(0.75)
    assert rows_of(rows, "clean", "predicted_quality", "longest low run")[1] == 1.0  # 0, 5 and 2 frames


def test_correcting_the_worst_cells() -> None:
    truth, codes = np.zeros((16, 16), np.uint8), np.full((16, 16), 255, np.uint8)
    labels = truth.copy()
    labels[14:, 8:10] = 1  # all four pixels of cell 60 are wrong,
    labels[14, 10:12] = 1  # and two of cell 61, which the fused confidence doubts
    codes[14:, 10:12] = 0
    study = Correction()
    study.look(0, view(logits_of(labels), truth, codes=codes))
    rows = study.tell(collected([0.5])).rows
    before = 1 - 6 / 256
    assert rows_of(rows, "clean", "fused")[:2] == pytest.approx([before, 1 - 4 / 256])
    assert rows_of(rows, "clean", "MCP")[:2] == pytest.approx(
        [before, before]
    )  # equal everywhere: the first four cells
    assert rows_of(rows, "clean", "errors")[:2] == pytest.approx([before, 1.0])
    assert rows_of(rows, "clean", "random") == pytest.approx([1 - 6 * (1 - k / 64) / 256 for k in (0, 4, 8, 16, 32)])


def test_the_image_alone_against_the_severity() -> None:
    found = collected([0.9, 0.8, 0.7, 0.6], kind=["fog"] * 4, severity=[0.2, 0.4, 0.6, 0.8])
    add_image(found, "input_quality", [0.9, 0.7, 0.5, 0.6])
    # Ranks 4, 3, 1, 2 against 1, 2, 3, 4 and 4, 3, 2, 1: squared differences add up to 18 and 2.
    for kind in ("all kinds", "fog"):
        told = rows_of(InputQuality().tell(found).rows, "clean", kind)
        assert told == [4, pytest.approx(6 * 18 / 60 - 1), pytest.approx(1 - 6 * 2 / 60)]


def test_screening_keeps_the_surest() -> None:
    found = collected([0.2, 0.4, 0.6, 0.8])
    add_image(found, "verdict", [0.9, 0.1, 0.8, 0.7])
    rows = Screening().tell(found).rows
    assert rows_of(rows, "clean", "verdict") == pytest.approx([0.4, (0.2 + 0.6 + 0.8) / 3, 0.5])
    assert rows_of(rows, "clean", "best possible") == pytest.approx([0.7, 0.6, 0.5])


def test_is_the_dice_above_a_cut() -> None:
    found = collected([0.9, 0.85, 0.7, 0.5])  # of the Dice, too
    add_image(found, "dice_over_0.8", [0.95, 0.65, 0.75, 0.15])
    share, auroc, ece = rows_of(DiceCuts().tell(found).rows, "clean", 0.8)
    assert (share, auroc) == (0.5, 0.75)  # .65 is below the .75 of a view whose Dice is not above
    assert ece == pytest.approx((0.05 + 0.35 + 0.75 + 0.15) / 4)


def pixel_scores() -> Collected:
    """Ten pixels: four of five at .8 and two of five at .4 are right; `entropy` says the contrary."""
    found = collected([0.8, 0.3])
    right = [True] * 4 + [False] + [True] * 2 + [False] * 3
    add_pixels(found, "mcp", "probability", [0.8] * 5 + [0.4] * 5, right)
    add_pixels(found, "entropy", "rank", [0.4] * 5 + [0.8] * 5, right)
    return found


def test_calibration_is_of_probabilities_alone() -> None:
    ((name, group, ece, brier, _, auroc),) = Calibration().tell(pixel_scores()).rows
    assert (name, group) == ("mcp", "clean")
    assert ece == pytest.approx(0.0, abs=2e-3)
    # 4 (.2)^2 + (.8)^2 + 2 (.6)^2 + 3 (.4)^2 of ten.
    assert brier == pytest.approx(0.2, abs=2e-3)
    assert auroc == pytest.approx((4 * 3 + (4 * 1 + 2 * 3) / 2) / 24)


def test_schemes_are_told_beside_the_softmax() -> None:
    found = pixel_scores()
    add_pixels(found, "head_tcp_mse", "probability", [0.9] * 6 + [0.1] * 4, [True] * 6 + [False] * 4)
    rows = HeadSchemes().tell(found).rows
    assert [row[1] for row in rows] == ["mcp", "head_tcp_mse"]
    assert rows_of(rows, "clean", "head_tcp_mse") == [0.0, 1.0, 1.0, pytest.approx(0.1, abs=2e-3)]


def test_the_comparison_ranks_scores_over_sets() -> None:
    found = pixel_scores()
    add_image(found, "verdict", [0.9, 0.1])
    add_image(found, "mcp/mean", [0.4, 0.6])
    rows = Comparison().tell(found).rows
    assert [row[:3] for row in rows] == [
        ["pixel", "mcp", 1.0], ["pixel", "entropy", 2.0], ["image", "verdict", 1.0], ["image", "mcp/mean", 2.0],
    ]  # fmt: skip
    # A finding may be negative: this mean orders the two views the wrong way round.
    assert [row[4] for row in rows[2:]] == [pytest.approx(1.0), pytest.approx(-1.0)]


def failing() -> tuple[Sample, np.ndarray]:
    """Twenty columns, half of each class; ten wrong pixels lie beside the boundary, five far from it, and another
    network errs on half of the former."""
    truth = np.repeat(np.repeat([0, 1], 10)[None], 20, axis=0).astype(np.uint8)
    labels, other = truth.copy(), truth.copy()
    labels[:10, 8], labels[:5, 0], other[5:15, 8] = 1, 2, 1
    masks = [np.eye(CLASSES, dtype=np.float32)[each].transpose(2, 0, 1) for each in (labels, other)]
    return view(logits_of(labels), truth, masks=masks), truth


def test_how_segmentation_fails() -> None:
    study = Failures()
    study.look(0, failing()[0])
    rows = study.tell(collected([0.5])).rows
    # Within three pixels of the two columns at the boundary are eight of twenty columns.
    assert rows_of(rows, "clean", "all") == [15 / 400, 1.0, pytest.approx(10 / 15), pytest.approx(8 / 20), None]
    assert rows_of(rows, "clean", "class0")[:2] == [15 / 200, 1.0]
    assert rows_of(rows, "clean", "class1")[:2] == [0.0, 0.0]


def test_errors_common_to_two_networks() -> None:
    study = CommonFailures()
    study.look(0, failing()[0])
    # Five pixels of 15 and ten: 5 of 20.
    assert rows_of(study.tell(collected([0.5])).rows, "clean", "all")[-1] == pytest.approx(0.25)


def test_free_space_of_the_views_that_are_kept() -> None:
    found, study = collected([0.5] * 4), Downstream()
    for index in range(4):  # all is road; the mask sees none in the upper `index` of four rows
        labels = np.zeros((4, 2), np.uint8)
        labels[:index] = 1
        sample = view(logits_of(labels), np.zeros((4, 2), np.uint8))
        sample.card.classes[0].name = "road"
        study.look(index, sample)
    add_image(found, "verdict", [0.1, 0.9, 0.8, 0.7])
    assert rows_of(study.tell(found).rows, "clean") == pytest.approx([(0.25 + 0.5) / 2, 0.5, 0.375])


def test_areas_of_a_fleet_weighted_by_certainty() -> None:
    study = Fleet()
    half = np.repeat(np.repeat([0, 1], 5)[None], 10, axis=0).astype(np.uint8)
    whole = np.zeros((10, 10), np.uint8)
    study.look(0, view(logits_of(whole), whole, codes=np.full((10, 10), 255, np.uint8)))
    study.look(
        1, view(logits_of(half), np.ones((10, 10), np.uint8), codes=np.where(half == 1, 255, 0).astype(np.uint8))
    )
    views, plain, weighted = rows_of(study.tell(collected([0.5] * 2)).rows, "clean")
    # Told .75 and .25 of .5 and .5; class 2 is nowhere.
    assert (views, plain) == (2, pytest.approx((0.25 + 0.25) / 3))
    # Class 0 counts where it is certain (1 instead of .5), class 1 too (.5); class 2 has no weight.
    assert weighted == pytest.approx(0.5 / 2)


def test_boundaries_against_the_confidence_of_their_class() -> None:
    study = BoundaryQuality()
    for index, (moved, code) in enumerate(((0, 255), (2, 204), (6, 153))):
        truth, labels = np.ones((2, 10, 20), np.uint8)
        truth[:, :8], labels[:, : 8 + moved] = 0, 0
        study.look(index, view(logits_of(labels), truth, codes=np.full((10, 20), code, np.uint8)))
    told = rows_of(study.tell(collected([0.5] * 3)).rows, "clean")
    # Two classes of three views; beyond three pixels lies the last boundary alone.
    assert told[:4] == [6, pytest.approx(8 / 3), pytest.approx(2 / 3), pytest.approx(8 / 3)]
    assert told[4] == pytest.approx(-1.0)  # the less sure, the farther
    assert told[6] == pytest.approx(-1.0)
