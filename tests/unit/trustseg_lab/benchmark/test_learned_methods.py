# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Methods that learn, against scikit-learn on the same rows, and what their rows are, by hand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import roc_auc_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmark_views import CLASSES, logits_of, ranked, street, view
from trustseg_lab.benchmark.harness import one_thread
from trustseg_lab.benchmark.method import FitRows, Method
from trustseg_lab.benchmark.methods import last_layer, networks
from trustseg_lab.benchmark.methods.feature_space import Gated, magnitude_direction
from trustseg_lab.benchmark.methods.image_models import ALPHAS
from trustseg_lab.benchmark.methods.pixel_heads import Combined, combined_maps, combined_rows
from trustseg_lab.benchmark.methods.several_passes import summed_ranks
from trustseg_lab.benchmark.registry import methods
from trustseg_lab.benchmark.rows.image_descriptors import (
    embedding,
    mask_glcm,
    pooled,
    region_doubts,
    texture_metrics,
)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As in a run: several threads only wait for each other on a machine that has other work."""
    with one_thread():
        yield


@pytest.fixture(scope="module")
def rows() -> FitRows:
    return FitRows([street(i, trouble=0.0 if i % 2 else 0.2 + 0.7 * (i % 5) / 4) for i in range(40)], 0, CLASSES)


def read(name: str, rows: FitRows, sample: Any) -> float:
    return float(methods()[name].fit(rows).read(sample).values)


def test_what_is_known_of_regions_by_hand() -> None:
    truth = np.zeros((6, 6), np.uint8)
    truth[:, 3:] = 1
    codes = np.where(truth == 1, 255, 51).astype(np.uint8)
    told = region_doubts(view(logits_of(truth), truth, codes=codes)).reshape(4, CLASSES + 9 + 2)[3]
    # Of the fused confidence: by class (1 for the one that is not there), by cells of two columns each.
    assert told[:CLASSES].tolist() == pytest.approx([0.2, 1.0, 1.0])
    assert told[CLASSES : CLASSES + 9].tolist() == pytest.approx([0.2, 0.6, 1.0] * 3)


def test_texture_of_a_class_by_hand() -> None:
    image = np.zeros((2, 4, 3), np.uint8)
    image[:, 1::2] = 255  # stripes: levels 0 and 7 side by side
    mask = np.zeros((2, 4), np.uint8)
    mean, deviation, skew, contrast, homogeneity, energy = texture_metrics(
        view(logits_of(mask), mask, image=image)
    ).reshape(CLASSES, 6)[0]
    assert (mean, deviation, skew) == pytest.approx((0.5, 0.5, 0.0), abs=1e-6)
    # Of six pairs four are (0, 7) and two (7, 0).
    assert (contrast, homogeneity, energy) == pytest.approx((49, 1 / 8, (4 / 6) ** 2 + (2 / 6) ** 2))


def test_ridge_and_logistic_are_those_of_scikit_learn(rows: FitRows) -> None:
    sample = street(77, trouble=0.4)
    ridge = make_pipeline(StandardScaler(), RidgeCV(ALPHAS)).fit(rows.table(region_doubts), rows.quality)
    expected = np.clip(ridge.predict(region_doubts(sample)[None].astype(float))[0], 0, 1)
    assert read("region_ridge", rows, sample) == pytest.approx(expected, abs=1e-6)
    good = np.array([each.dice for each in rows.outcomes]) > 0.67
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500)).fit(rows.table(pooled), good)
    expected = model.predict_proba(pooled(sample)[None].astype(float))[0, 1]
    assert read("dice_over_0.67", rows, sample) == pytest.approx(expected, abs=1e-6)


def test_outliers_are_those_of_scikit_learn(rows: FitRows) -> None:
    sample = street(78, trouble=0.4)
    usual = rows.table(embedding)[rows.clean & (rows.quality >= 0.5)]
    scaled = StandardScaler().fit(usual)
    reduce = make_pipeline(scaled, PCA(6, random_state=0).fit(scaled.transform(usual)))
    x = reduce.transform(usual)
    mixture = GaussianMixture(3, covariance_type="diag", reg_covar=1e-3, random_state=0).fit(x)
    expected = mixture.score_samples(reduce.transform(embedding(sample)[None]))[0]
    assert read("embedding_mixture", rows, sample) == pytest.approx(expected, rel=1e-3)
    for name in ("embedding_mixture", "ood_refit", "mask_mixture", "shape_outlier"):
        fitted = methods()[name].fit(rows)
        usual_score, strange = (float(fitted.read(street(200, trouble=each)).values) for each in (0.0, 0.9))
        assert strange < usual_score, name


def test_the_gate_lowers_the_whole_view(rows: FitRows) -> None:
    sample = street(79, trouble=0.3)
    sample.classifier = np.eye(CLASSES, dtype=np.float32)
    fitted = Gated().fit(rows)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500))
    model.fit(rows.table(mask_glcm), rows.failed)
    gate = 1 - model.predict_proba(mask_glcm(sample)[None].astype(float))[0, 1]
    assert fitted.read(sample).values == pytest.approx(magnitude_direction(sample) * gate, abs=1e-5)


def test_the_combination_is_a_logistic_regression(rows: FitRows) -> None:
    sample = street(80, trouble=0.3)

    def logit(p: np.ndarray) -> np.ndarray:
        held = np.clip(p, 1e-6, 1 - 1e-6)
        return np.asarray(np.log(held / (1 - held)))

    table = rows.stacked(combined_rows)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(logit(table[:, :-1]), table[:, -1])
    expected = model.predict_proba(logit(combined_maps(sample).reshape(-1, 7)))[:, 1]
    found = Combined().fit(rows)
    assert found.read(sample).values.ravel() == pytest.approx(expected, abs=1e-4)
    assert ranked(found, sample) > 0.8


def test_ranks_of_four_doubts_are_added() -> None:
    labels = np.zeros((1, 3), np.uint8)
    # Equal passes: only the entropies differ, and agreement, spread and KL tie.
    sure = np.array([[[0.98, 0.6, 0.8]], [[0.01, 0.2, 0.1]], [[0.01, 0.2, 0.1]]], np.float32)
    told = summed_ranks(view(logits_of(labels), labels, masks=[sure, sure]), "tta")
    # Ranks 1, 0 and 1/2 of one measure of four.
    assert told[0].tolist() == pytest.approx([0.25, 0.0, 0.125])


def test_a_layer_for_likely_errors_learns_from_them(rows: FitRows, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are drawn in proportion to the doubt: .5 of one pixel in ten against .001 of the others."""
    drawn: list[np.ndarray] = []
    monkeypatch.setattr(last_layer, "fit_layer", lambda features, *_: drawn.append(features))
    logits = np.zeros((1000, CLASSES), np.float32)
    logits[:, 0], logits[:100, :2] = 20.0, 20.0
    features = np.concatenate([np.arange(1000)[:, None], np.zeros((1000, last_layer.SIGNALS))], axis=1)
    split = features.astype(np.float32), logits, np.zeros(1000, np.int64)
    monkeypatch.setattr(last_layer, "split_rows", lambda *_: split)
    detail: Any = methods()["detail_mask"]
    detail._learn(rows)
    share = float((drawn[0][:, 0] < 100).mean())
    assert share == pytest.approx(100 * 0.501 / (100 * 0.501 + 900 * 0.001), abs=0.02)


@pytest.mark.parametrize("name", ["layer_ce_mask", "layer_dice_mask", "devis_mask"])
def test_a_last_layer_that_is_learned_anew_segments(name: str, rows: FitRows) -> None:
    """The map that it reads are the logits of a street: its mask is as good as the network's."""
    sample = street(81, trouble=0.1)
    mask = methods()[name].fit(rows).read(sample).values
    assert float((mask == sample.truth.labels).mean()) > float(sample.right.mean()) - 0.03


@pytest.mark.parametrize("name", ["quality_cnn", "quality_cnn_image", "balanced_cnn", "degraded_cnn"])
def test_a_small_network_tells_good_masks_from_bad(name: str, rows: FitRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "EPOCHS", 8)
    fitted: Method = methods()[name].fit(rows)
    told = [float(fitted.read(street(200 + i, trouble=0.85 * (i % 2))).values) for i in range(8)]
    assert roc_auc_score([1, 0] * 4, told) > 0.9, told


def test_a_small_network_draws_the_errors(rows: FitRows, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "EPOCHS", 8)
    assert ranked(methods()["error_map_net"].fit(rows), street(101, trouble=0.3)) > 0.75


def test_what_a_small_network_sees_by_hand() -> None:
    table = np.zeros((1, 60, 80, 7))
    table[0, :, 40:, 0], table[0, ..., 1], table[0, ..., 3] = 2, 0.25, 0.5
    seen = networks.inputs(table, CLASSES, doubt=True, image=True)
    assert seen.shape == (1, CLASSES + 5, 60, 80)
    assert [seen[0, each].mean() for each in range(CLASSES)] == [0.5, 0.0, 0.5]  # one plane a class
    assert (seen[0, CLASSES].mean(), seen[0, CLASSES + 2].mean()) == (0.25, 0.5)
