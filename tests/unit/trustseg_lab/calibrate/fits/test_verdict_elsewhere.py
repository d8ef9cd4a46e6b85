# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images of another place teach the verdict, are judged without their place, and touch nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calibration_rows import FEATURES, make_rows
from trustseg_lab.calibrate.calibrate import table_rows
from trustseg_lab.calibrate.fits import verdict_fit
from trustseg_lab.calibrate.fits.dense_fit import DenseSettings
from trustseg_lab.calibrate.verdict_report import groups_of
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW
from trustseg_lab.metrics.images.verdict_arrays import judge
from trustseg_lab.metrics.images.view_rows import CalibrationRows, concatenated

SHA = "0" * 64
MOVED = 0.3  # by which confidence says too little elsewhere


def place(seed: int, source: str, *, elsewhere: bool = True) -> CalibrationRows:
    """A place whose confidence is lower at the same quality, and whose embedding lies a little aside."""
    rows = make_rows(images=60, seed=seed, source=source, elsewhere=elsewhere)
    rows = rows.select(~rows.held_out)
    features = rows.features.copy()
    features[:, FEATURES.index("confidence_mean")] -= MOVED
    features[:, FEATURES.index("embedding/3")] += 1.0
    return dataclasses.replace(rows, features=features)


@pytest.fixture(scope="module", autouse=True)
def one_candidate() -> object:
    patch = pytest.MonkeyPatch()
    patch.setattr(verdict_fit, "CANDIDATES", (("confidence", DenseSettings(0, 1e-3, 60)),))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def home() -> CalibrationRows:
    return make_rows(images=200, seed=0)


@pytest.fixture(scope="module")
def rows(home: CalibrationRows) -> CalibrationRows:
    return concatenated([home, place(3, "town/images"), place(4, "land/images")])


@pytest.fixture(scope="module")
def fit(rows: CalibrationRows) -> verdict_fit.VerdictFit:
    return verdict_fit.fit_verdict(rows, FEATURES, SHA, seed=0)


def test_a_place_that_was_never_seen_is_flagged_less_often(home: CalibrationRows, fit: verdict_fit.VerdictFit) -> None:
    third, before = place(9, "third/images"), verdict_fit.fit_verdict(home, FEATURES, SHA, seed=0)
    good = third.clean & (third.quality >= FAILURE_BELOW)
    alarms = [
        float((judge(each.model, FEATURES, third.features).failure_score[good] >= each.model.failure_threshold).mean())
        for each in (before, fit)
    ]
    assert alarms[0] > 0.5
    assert alarms[1] < alarms[0] / 2


def test_each_place_is_judged_by_models_that_saw_nothing_of_it(
    rows: CalibrationRows, fit: verdict_fit.VerdictFit
) -> None:
    there = rows.source == "town/images"
    other = dataclasses.replace(rows, quality=np.where(there, 1 - rows.quality, rows.quality))
    again = verdict_fit.fit_verdict(other, FEATURES, SHA, seed=0)
    assert np.array_equal(again.crossed.failure_score[there], fit.crossed.failure_score[there])
    assert np.array_equal(again.crossed.quality[there], fit.crossed.quality[there])
    second = rows.source == "land/images"
    assert np.abs(again.crossed.failure_score[second] - fit.crossed.failure_score[second]).max() > 0.01


def test_places_widen_the_limit_of_the_ood_score_and_not_its_model(
    home: CalibrationRows, rows: CalibrationRows, fit: verdict_fit.VerdictFit
) -> None:
    alone = verdict_fit.fit_verdict(home, FEATURES, SHA, seed=0).model.ood_score
    wide = fit.model.ood_score
    assert alone is not None
    assert wide is not None
    assert wide.model_dump(exclude={"limit"}) == alone.model_dump(exclude={"limit"})
    assert wide.limit > alone.limit
    for name in ("town/images", "land/images"):
        good = rows.clean & (rows.source == name) & (rows.quality >= FAILURE_BELOW)
        assert (fit.crossed.distance[good] > wide.limit).mean() <= verdict_fit.OOD_SHARE_NEW_DRIVE


def test_the_lower_bound_holds_in_each_place(rows: CalibrationRows, fit: verdict_fit.VerdictFit) -> None:
    for name in ("town/images", "land/images"):
        there = rows.source == name
        assert (rows.quality >= fit.crossed.lower_bound)[there].mean() >= verdict_fit.LOWER_COVERAGE


def test_alarms_elsewhere_stay_within_the_stated_share(rows: CalibrationRows, fit: verdict_fit.VerdictFit) -> None:
    good = rows.clean & rows.elsewhere & (rows.quality >= FAILURE_BELOW)
    alarms = fit.crossed.failure_score[good] >= fit.model.failure_threshold
    assert alarms.mean() <= verdict_fit.FALSE_ALARM_SHARE_ELSEWHERE
    scores, failed = np.array([0.1, 0.2, 0.3, 0.8, 0.9]), np.array([False, False, False, True, True])
    by_hand = verdict_fit.failure_threshold(scores, failed, scores[:3], np.linspace(0.0, 0.6, 101))
    assert by_hand == pytest.approx(0.48)


def test_nothing_but_the_verdict_learns_from_them(rows: CalibrationRows) -> None:
    assert not (table_rows(rows) & rows.elsewhere).any()
    assert not (verdict_fit.good_clean_rows(rows) & rows.elsewhere).any()
    assert (verdict_fit.fitting_rows(rows) & rows.elsewhere).any()


def test_they_are_reported_apart(rows: CalibrationRows) -> None:
    groups = groups_of(rows)
    for name in ("town/images", "land/images"):
        assert groups[f"elsewhere, {name}"].sum() == 60
        assert groups[f"elsewhere, {name}, in trouble"].sum() == 120
    for name in ("clean", "fitted kinds", "held-out kinds"):
        assert not (groups[name] & rows.elsewhere).any()
