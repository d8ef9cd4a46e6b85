# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fitted confidence table: hand arithmetic, monotone, and honest about what it was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from calibration_rows import make_rows
from trustseg.bundle.calibration_file import SceneShift
from trustseg.bundle.card import ConfidenceCode
from trustseg.errors import InputError
from trustseg_lab.calibrate.calibration_report import calibration_by_group, temperature_report
from trustseg_lab.calibrate.confidence_table import PRIOR_PIXELS, fit_table, isotonic_table
from trustseg_lab.evaluation.baselines.temperature import LogitSample
from trustseg_lab.metrics.calibration_error import ece
from trustseg_lab.metrics.score_histogram import histogram_of_codes

SCORES = ConfidenceCode().probabilities().astype(np.float64)


def counts(**pixels: tuple[int, int]) -> np.ndarray:
    """int64 (2, 256) from code -> (wrong, right)."""
    found = np.zeros((2, 256), np.int64)
    for code, pair in pixels.items():
        found[:, int(code[1:])] = pair
    return found


def test_share_of_right_pixels_at_a_code_with_many() -> None:
    table = isotonic_table(counts(c100=(400_000, 600_000), c200=(100_000, 900_000)), SCORES)
    assert table[100] == pytest.approx(0.6, abs=1e-3)
    assert table[200] == pytest.approx(0.9, abs=1e-3)


def test_codes_in_the_wrong_order_are_pooled_by_weight() -> None:
    # 300 of 400 right at the lower code, 100 of 200 at the higher one: pooled (300 + 100) / (400 + 200) = 2/3.
    table = isotonic_table(counts(c100=(100_000, 300_000), c101=(100_000, 100_000)), SCORES)
    assert table[[100, 101]] == pytest.approx([2 / 3, 2 / 3], abs=1e-3)


def test_codes_never_seen_follow_the_score_within_their_neighbours() -> None:
    table = isotonic_table(np.zeros((2, 256), np.int64), SCORES)
    assert table == pytest.approx(np.clip(SCORES, 1e-4, 1 - 1e-4))
    one_pixel = isotonic_table(counts(c10=(1, 0)), SCORES)
    assert one_pixel[10] == pytest.approx(SCORES[10] * PRIOR_PIXELS / (PRIOR_PIXELS + 1), abs=0.01)


def test_table_never_falls_and_never_promises_certainty() -> None:
    random = np.random.default_rng(0).integers(0, 10**6, (2, 256))
    random[0, 250:] = 0
    table = isotonic_table(random, SCORES)
    assert (np.diff(table) >= 0).all()
    assert table[0] >= 1e-4
    assert table[-1] <= 1 - 1e-4


def test_overconfident_score_is_brought_down_on_blocks_not_fitted_on() -> None:
    rows = make_rows(images=300, seed=1)
    fitted = fit_table(rows, SCORES, folds=5, seed=0)
    assert fitted.ece_before > 0.05
    assert fitted.ece_after < fitted.ece_before / 3
    assert fitted.nll_after < fitted.nll_before
    assert fitted.adaptive_ece_after < fitted.adaptive_ece_before
    assert (fitted.views, fitted.folds, fitted.pixels) == (len(rows), 5, int(rows.codes.sum()))


def test_what_it_reports_is_out_of_fold() -> None:
    """Blocks that disagree with all others: in-fold the table knows them, out of fold it cannot."""
    rows = make_rows(images=125, seed=2)
    for block in range(5):
        codes = np.zeros((2, 256), np.int64)
        codes[block % 2, 40 + 30 * block] = 1000  # each block has a code of its own, all right or all wrong
        rows.codes[rows.block == block] = codes
    fitted = fit_table(rows, SCORES, folds=5, seed=0)
    assert fitted.ece_after > 0.2


def test_too_few_blocks() -> None:
    with pytest.raises(InputError, match="too few images to cross-fit in 5 folds"):
        fit_table(make_rows(images=60, seed=0), SCORES, folds=5, seed=0)


def test_the_diagrams_say_what_the_errors_sum_up() -> None:
    fitted = fit_table(make_rows(images=300, seed=1), SCORES, folds=5, seed=0)
    for points, error in ((fitted.reliability_before, fitted.ece_before), (fitted.reliability_after, fitted.ece_after)):
        confidence, right, share = np.array(points).T
        assert share.sum() == pytest.approx(1.0, abs=1e-3)
        assert float(np.sum(share * np.abs(confidence - right))) == pytest.approx(error, abs=1e-4)


def test_calibration_of_each_group_rests_on_its_own_views() -> None:
    rows = make_rows(images=150, seed=2)
    table = isotonic_table(rows.codes.sum(axis=0), SCORES)
    found = calibration_by_group(rows, rows.quality, SCORES, table, None)
    assert found["clean"].views == 150
    assert found["held-out kinds"].views == 150
    assert found["fitted kinds"].views == 300
    for each in found.values():
        assert each.ece_table == each.ece_published  # without a shift they are one
    own = histogram_of_codes(rows.codes[rows.held_out].sum(axis=0), SCORES)
    assert found["held-out kinds"].ece_before == pytest.approx(ece(own))
    lowered = calibration_by_group(rows, np.full(len(rows), 0.1), SCORES, table, SceneShift(start=0.5, slope=1.0))
    assert lowered["clean"].ece_published > lowered["clean"].ece_table  # every scene is called poor: too modest


def test_temperature_is_measured_on_blocks_it_was_not_fitted_on() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (3, 6_000)).astype(np.float32)
    p = np.exp(logits) / np.exp(logits).sum(axis=0)
    truth = (rng.random(6_000) > np.cumsum(p, axis=0)).sum(axis=0).astype(np.uint8)
    found = temperature_report(LogitSample(3 * logits, truth, 10), np.arange(6_000) // 600, 5, seed=0)
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    assert found.ece_after < 0.03 < found.ece_before
    assert found.nll_after < found.nll_before
    with pytest.raises(InputError, match="too few images to cross-fit"):
        temperature_report(LogitSample(logits, truth, 1), np.zeros(6_000, np.int64), 5, seed=0)
