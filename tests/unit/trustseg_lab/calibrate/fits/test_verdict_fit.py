# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fitted image verdict: it finds failure, keeps its promises, and learns nothing from what is held out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from calibration_rows import FEATURES, HELD_OUT, make_rows
from trustseg.bundle.verdict_file import OOD_SCORE_INPUT
from trustseg.errors import InputError
from trustseg_lab.calibrate.fits import verdict_fit
from trustseg_lab.calibrate.fits.dense_fit import DenseSettings, fit_dense
from trustseg_lab.calibrate.fits.ood_fit import fit_ood_model
from trustseg_lab.calibrate.verdict_report import group_metrics
from trustseg_lab.metrics.images.verdict_arrays import judge, ood_scores, run_layers, sigmoid, with_ood_score
from trustseg_lab.metrics.images.view_rows import (
    concatenated,
    drive_of,
    folds_by_block,
    load_rows,
    save_rows,
    settings_digest,
)

SHA = "0" * 64


@pytest.fixture(scope="module")
def rows() -> object:
    return make_rows(images=250, seed=0)


@pytest.fixture(scope="module", autouse=True)
def few_candidates() -> object:
    """Two candidates instead of eighteen: the choice is tested, not its length."""
    patch = pytest.MonkeyPatch()
    patch.setattr(
        verdict_fit, "CANDIDATES", (("pooled", DenseSettings(0, 1e-3, 60)), ("classes", DenseSettings(3, 1e-3, 60)))
    )
    yield
    patch.undo()


@pytest.fixture(scope="module")
def fit(rows: object) -> verdict_fit.VerdictFit:
    return verdict_fit.fit_verdict(rows, FEATURES, SHA, seed=0)


def test_failure_is_found_on_kinds_never_fitted_on(rows, fit) -> None:
    groups = group_metrics(rows, fit, np.linspace(0, 1, 256), None)
    held_out = groups["held-out kinds"].verdict
    assert held_out.auroc > 0.95
    assert held_out.balanced_accuracy > 0.85
    assert held_out.mae < 0.06
    assert 0.2 < held_out.prevalence < 0.8
    assert set(groups) >= {"clean", "fitted kinds", *(f"held out: {kind}" for kind in HELD_OUT)}


def test_false_alarms_on_clean_frames_stay_within_the_stated_share(rows, fit) -> None:
    good = verdict_fit.good_clean_rows(rows)
    alarms = fit.crossed.failure_score[good] >= fit.model.failure_threshold
    assert alarms.mean() <= verdict_fit.FALSE_ALARM_SHARE + 1 / good.sum()
    below = fit.crossed.failure_score[good] < fit.model.recovery_threshold
    assert below.mean() >= verdict_fit.RECOVERY_SHARE - 2 / good.sum()
    assert 0 < fit.model.recovery_threshold <= fit.model.failure_threshold < 1


def test_lower_bound_holds_for_the_stated_share_of_new_images(rows, fit) -> None:
    fresh = make_rows(images=400, seed=77)
    judged = judge(fit.model, FEATURES, fresh.features)
    holds = fresh.quality >= judged.lower_bound
    assert holds[~fresh.held_out].mean() > verdict_fit.LOWER_COVERAGE - 0.03
    assert holds[fresh.held_out].mean() > 0.8  # a kind that nothing was fitted on


def test_unusual_images_are_far_and_usual_ones_near(rows, fit) -> None:
    assert fit.model.ood_score is not None
    good = verdict_fit.good_clean_rows(rows)
    limit = fit.model.ood_score.limit
    assert (fit.crossed.distance[good] > limit).mean() <= 0.02
    assert (fit.crossed.distance[rows.severity > 0.7] > limit).mean() > 0.9


def test_held_out_kinds_and_clean_training_images_teach_nothing(rows, fit) -> None:
    trained_on = make_rows(images=100, seed=5, source="train", seen=True)
    both = concatenated([rows, trained_on])
    untouched = verdict_fit.fitting_rows(both)
    assert not untouched[both.held_out].any()
    assert not untouched[both.seen & both.clean].any()
    assert untouched[both.seen & ~both.clean & ~both.held_out].all()
    spoilt = dataclasses.replace(rows, quality=np.where(rows.held_out, 1 - rows.quality, rows.quality))
    again = verdict_fit.fit_verdict(spoilt, FEATURES, SHA, seed=0)
    assert again.model == fit.model


def test_choice_is_by_ranking_failures_on_kinds_left_out(fit) -> None:
    chosen = verdict_fit.candidate_name(fit.feature_set, fit.settings)
    assert fit.choice[chosen].auroc == max(each.auroc for each in fit.choice.values())
    assert all(0.5 < each.auroc <= 1.0 and each.loss > 0 for each in fit.choice.values())
    assert len(fit.choice) == 2


def test_same_seed_same_model(rows, fit) -> None:
    assert verdict_fit.fit_verdict(rows, FEATURES, SHA, seed=0).model == fit.model


def test_feature_sets() -> None:
    assert verdict_fit.feature_set(FEATURES, "confidence") == ["confidence_mean"]
    assert verdict_fit.feature_set(FEATURES, "pooled") == ["confidence_mean", "luma_mean"]
    assert verdict_fit.feature_set(FEATURES, "classes")[2:] == ["class_share/a", "class_confidence/a"]
    assert verdict_fit.feature_set(FEATURES, "all") == FEATURES[1:]


def test_threshold_by_hand() -> None:
    scores, failed = np.array([0.1, 0.2, 0.3, 0.8, 0.9]), np.array([False, False, False, True, True])
    found = verdict_fit.failure_threshold(scores, failed, scores[:3])
    assert 0.3 < found <= 0.8
    # Good frames reach 0.85: no false alarms there costs the failure at 0.8.
    assert verdict_fit.failure_threshold(scores, failed, np.append(scores[:3], [0.85] * 50)) >= 0.85


def test_of_equally_good_thresholds_the_lowest_is_taken() -> None:
    scores, failed = np.append(np.full(200, 0.05), np.full(50, 0.8)), np.arange(250) >= 200
    assert verdict_fit.failure_threshold(scores, failed, scores[:200]) == 0.06


def test_the_threshold_rests_on_models_that_knew_neither_kind_nor_block(
    rows, fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vehicle meets trouble of kinds that nothing was fitted on."""
    seen: list[np.ndarray] = []
    whole = verdict_fit.failure_threshold
    monkeypatch.setattr(verdict_fit, "failure_threshold", lambda *given: seen.append(given[0]) or whole(*given))
    verdict_fit.fit_verdict(rows, FEATURES, SHA, seed=0)
    fitting = verdict_fit.fitting_rows(rows)
    clean, scores = rows.clean[fitting], seen[0]
    crossed = fit.crossed.failure_score[fitting]
    assert np.array_equal(scores[clean], crossed[clean])
    assert np.median(np.abs(scores[~clean] - crossed[~clean])) > 1e-4
    # Every view of one kind altered: the scores of that kind stay, for none of their models saw it.
    other = dataclasses.replace(rows, quality=np.where(rows.kind == "fog", 1 - rows.quality, rows.quality))
    distance = fit.crossed.distance
    given = dataclasses.replace(rows, features=with_ood_score(rows.features, distance).astype(np.float32))
    changed = dataclasses.replace(given, quality=other.quality)
    arguments = (fitting, [*FEATURES, OOD_SCORE_INPUT], fit.feature_set, fit.settings, 0)
    fog = fitting & (rows.kind == "fog")
    before, after = (verdict_fit._on_unseen_kinds(each, *arguments) for each in (given, changed))
    assert np.array_equal(before[fog], after[fog])
    assert np.allclose(scores[(rows.kind == "fog")[fitting]], sigmoid(before[fog][:, 1]))


def test_recovery_threshold_by_hand() -> None:
    assert verdict_fit.recovery_threshold(0.5, np.full(100, 0.1)) == 0.3  # 0.6 x 0.5
    assert verdict_fit.recovery_threshold(0.5, np.full(100, 0.45)) == 0.45  # where good frames are
    assert verdict_fit.recovery_threshold(0.5, np.full(100, 0.9)) == 0.5  # never above the other


def test_linear_fit_recovers_the_law() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (4000, 3))
    quality = sigmoid(1.5 * x[:, 0] - 0.5)
    layers = fit_dense(x, quality, (quality < 0.5).astype(float), np.ones(4000), DenseSettings(0, 0.0), seed=0)
    assert layers[0].weight[0] == pytest.approx([1.5, 0, 0], abs=0.02)
    assert layers[0].bias[0] == pytest.approx(-0.5, abs=0.02)


def test_hidden_units_learn_what_no_line_can() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (3000, 2))
    quality = np.where(np.abs(x[:, 0]) < 0.7, 0.9, 0.2)
    losses = {}
    for hidden in (0, 8):
        settings = DenseSettings(hidden, 1e-5)
        layers = fit_dense(x, quality, (quality < 0.5).astype(float), np.ones(3000), settings, seed=1)
        losses[hidden] = np.abs(sigmoid(run_layers(layers, x)[:, 0]) - quality).mean()
    assert losses[8] < 0.1 < losses[0]


def test_weight_decay_keeps_weights_small() -> None:
    x = np.random.default_rng(0).normal(0, 1, (500, 2))
    quality = (x[:, 0] > 0).astype(float)
    size = [
        np.abs(np.array(fit_dense(x, quality, 1 - quality, np.ones(500), DenseSettings(0, l2), 0)[0].weight)).max()
        for l2 in (1e-4, 1e-1)
    ]
    assert size[1] < 1 < size[0]


def test_ood_score_by_hand() -> None:
    # Spread 2 along the first axis, 0.1 along the second: one component, the rest residual.
    good = np.array([[2.0, 0.1], [-2.0, 0.1], [2.0, -0.1], [-2.0, -0.1]])
    model = fit_ood_model(["embedding/0", "embedding/1"], good, limit=3.0)
    assert len(model.basis) == 1
    assert model.variance[0] == pytest.approx(16 / 3)
    assert model.residual_variance == pytest.approx(0.04 / 3)
    found = ood_scores(model, np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 0.4]]))
    assert found == pytest.approx([0.0, np.sqrt(16 / (16 / 3) / 2), np.sqrt(0.16 / (0.04 / 3) / 2)])


def test_folds_keep_blocks_whole_and_refuse_too_few() -> None:
    block = np.repeat(np.arange(7), 3)
    fold = folds_by_block(block, 3, seed=0)
    assert all(len(set(fold[block == b])) == 1 for b in range(7))
    assert set(fold.tolist()) == {0, 1, 2}
    with pytest.raises(InputError, match="too few images"):
        folds_by_block(block, 8, seed=0)


@pytest.mark.parametrize(
    ("stem", "drive"), [("0016E5_07959", "0016E5"), ("city-a_b-0001", "city-a_b"), ("frame12", ""), ("_1", "")]
)
def test_drive_of_a_name(stem: str, drive: str) -> None:
    assert drive_of(stem) == drive


def test_rows_are_kept_and_known_by_their_settings(tmp_path, rows) -> None:
    path, digest = tmp_path / "new" / "rows.npz", settings_digest({"seed": 1, "views": ["fog"]})
    assert digest != settings_digest({"seed": 2, "views": ["fog"]})
    save_rows(path, rows, digest)
    found = load_rows(path, digest)
    assert found is not None
    for field in dataclasses.fields(rows):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(rows, field.name), field.name)
    assert found.codes.dtype == np.int64
    assert load_rows(path, "another") is None
    path.write_bytes(path.read_bytes()[:100])
    assert load_rows(path, digest) is None
    assert load_rows(tmp_path / "none.npz", digest) is None


def test_blocks_of_different_sources_stay_different() -> None:
    joined = concatenated([make_rows(50, 0), make_rows(30, 1)])
    assert sorted(set(joined.block.tolist())) == [0, 1, 2, 3]
    assert len(joined) == 4 * 80
