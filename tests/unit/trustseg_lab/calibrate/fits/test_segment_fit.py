# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The predicted IoU of segments: the law that the rows were made by is found, and what is told was cross-fitted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from published_views import CLASSES, SEGMENTS, published_rows, with_judged
from trustseg.errors import InputError
from trustseg_lab.calibrate.fits.segment_fit import fit_segments, fractional_logistic
from trustseg_lab.calibrate.published_rows import segment_columns


def test_shares_that_follow_a_logistic_give_its_weights() -> None:
    x = np.random.default_rng(0).normal(0, 1, (20_000, 2))
    weight, bias = fractional_logistic(x, 1 / (1 + np.exp(-(0.5 + x @ np.array([1.5, -1.0])))))
    assert weight == pytest.approx([1.5, -1.0], abs=0.02)
    assert bias == pytest.approx(0.5, abs=0.02)


def test_whole_hits_and_misses_weigh_once() -> None:
    # Of four rows with x = 0 one hits: log(1 / 3), whatever the duplicated rows of weight 0 would say.
    _, bias = fractional_logistic(np.zeros((4, 1)), np.array([1.0, 0.0, 0.0, 0.0]))
    assert bias == pytest.approx(np.log(1 / 3), abs=1e-3)


def test_the_confidence_is_found_among_noise_and_every_group_is_told() -> None:
    fit = fit_segments(with_judged(150), CLASSES, 0)
    assert fit.model.classes == CLASSES
    assert fit.model.features == segment_columns(CLASSES)
    heaviest = fit.model.features[int(np.argmax(np.abs(fit.model.weight)))]
    assert heaviest == "confidence"
    assert list(fit.groups) == ["clean, folder", "fitted kinds", "held-out kinds", "kitti"]
    assert [each.segments for each in fit.groups.values()] == [150 * SEGMENTS] * 3 + [20 * SEGMENTS]
    for each in fit.groups.values():
        assert 0.65 < each.auroc < 0.95
        assert 0.2 < each.r2 < 0.6
        assert each.r2 == pytest.approx(each.r2_mean_confidence, abs=0.05)  # the other figures are noise
        assert each.missed == pytest.approx(0.4, abs=0.12)
        assert each.auroc == pytest.approx(each.auroc_mean_confidence, abs=0.05)


def test_held_out_kinds_and_judged_sets_teach_nothing() -> None:
    rows = with_judged(150)
    fitted = fit_segments(rows, CLASSES, 0).model
    apart = (rows.held_out | rows.judged)[rows.view]
    other = replace(rows, iou=np.where(apart, 1.0 - rows.iou, rows.iou))
    assert fit_segments(other, CLASSES, 0).model == fitted
    taught = replace(rows, iou=np.where(apart, rows.iou, 1.0 - rows.iou))
    assert fit_segments(taught, CLASSES, 0).model != fitted


def test_a_block_is_judged_by_a_model_that_has_not_seen_it() -> None:
    rows = published_rows(150, 1)
    # One figure a block gives the IoU of its segments away: whoever has seen the block knows how to read it.
    block = rows.block[rows.view]
    iou = np.random.default_rng(3).permutation(rows.iou)
    figures = np.zeros_like(rows.figures)
    figures[np.arange(len(iou)), block] = iou
    told = fit_segments(replace(rows, figures=figures, iou=iou), CLASSES, 0).groups["clean, folder"]
    assert told.auroc < 0.6


@pytest.mark.parametrize("iou", [0.0, 0.7])
def test_segments_of_one_kind_are_refused(iou: float) -> None:
    rows = published_rows(150, 1)
    with pytest.raises(InputError, match="no model of segments can be fitted of car"):
        fit_segments(replace(rows, iou=np.full(len(rows.iou), iou)), CLASSES, 0)


def test_too_few_blocks_are_refused() -> None:
    with pytest.raises(InputError, match="too few images to cross-fit"):
        fit_segments(published_rows(50, 1), CLASSES, 0)
