# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Baselines on maps small enough for hand arithmetic, and thresholds on images of few levels."""

from __future__ import annotations

from collections.abc import Callable
from math import log
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from trustseg.camera.geometry import Geometry
from trustseg.camera.input_geometry import GEOMETRIES, InputGeometry
from trustseg.errors import InputError
from trustseg_lab.data.labelled_images import LabelledPaths
from trustseg_lab.evaluation.baselines import trust_score
from trustseg_lab.evaluation.baselines.choose import BASELINES, parse_baselines
from trustseg_lab.evaluation.baselines.ensemble import mean_dice, softmax
from trustseg_lab.evaluation.baselines.scorer import ScoredView
from trustseg_lab.evaluation.baselines.several_passes import PassSums
from trustseg_lab.evaluation.baselines.temperature import (
    LogitSample,
    fit_temperature,
    log_loss,
    sample_logits,
    scaled_mcp,
)
from trustseg_lab.evaluation.baselines.trust_score import fit_trust_score, trust_map
from trustseg_lab.metrics.dynamic_thresholds import (
    ThresholdTallies,
    ThresholdTally,
    fixed,
    levels_of,
    mean_sigma,
    otsu,
    quantile,
)
from trustseg_lab.metrics.score_histogram import ScoreHistogram


def test_temperature_of_an_overconfident_network_is_found_again() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4, 20_000)).astype(np.float32)
    truth = np.array([rng.choice(4, p=p) for p in softmax(logits).T], np.uint8)
    fit = fit_temperature(LogitSample(2.5 * logits, truth, 3))
    assert fit.temperature == pytest.approx(2.5, rel=0.05)
    assert fit.nll_after < fit.nll_before
    assert (fit.images, fit.pixels) == (3, 20_000)


NETWORK = (48, 64)
Fit = Callable[[list[LabelledPaths], InputGeometry, list[np.ndarray]], None]


def by_logits(pairs: list[LabelledPaths], geometry: InputGeometry, taken: list[np.ndarray]) -> None:
    def infer(image: np.ndarray) -> Any:
        taken.append(image)
        return SimpleNamespace(logits=np.stack([image[..., 0], image[..., 0] + 1.0]).astype(np.float32))

    found = sample_logits(SimpleNamespace(infer=infer), pairs, NETWORK, "bgr", None, geometry)  # type: ignore[arg-type]
    assert np.mean(found.logits[0] == 10 * found.truth) > 0.98  # each place has the truth of what it shows


def by_training_pixels(pairs: list[LabelledPaths], geometry: InputGeometry, taken: list[np.ndarray]) -> None:
    found = fit_trust_score(
        SimpleNamespace(tensor=taken.append), pairs, NETWORK, "bgr", 2, None, 0, "wide", geometry,  # type: ignore[arg-type]
    )  # fmt: skip
    assert found.settings["pixels_of_class"] == [500, 500]


@pytest.mark.parametrize("mode", GEOMETRIES)
@pytest.mark.parametrize("fit", [by_logits, by_training_pixels])
def test_fitted_baselines_see_what_is_judged(
    fit: Fit, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A camera of 3:1 whose labels have no id for void; nothing is fitted on its mirror image."""

    def decoded(network: Any, image: np.ndarray) -> np.ndarray:
        network.tensor(image)
        return image[..., :1].astype(np.float32)

    monkeypatch.setattr(trust_score, "decoded_map", decoded)
    labels = np.zeros((60, 180), np.uint8)
    labels[:, 90:] = 1
    image = np.repeat(10 * labels[..., None], 3, axis=2)
    cv2.imwrite(str(tmp_path / "image.png"), image)
    cv2.imwrite(str(tmp_path / "labels.png"), labels)
    taken: list[np.ndarray] = []
    fit([LabelledPaths(tmp_path / "image.png", tmp_path / "labels.png")], InputGeometry(mode), taken)
    assert len(taken) == 1
    assert np.array_equal(taken[0], Geometry(InputGeometry(mode), (60, 180), NETWORK).to_network(image))


def test_log_loss_and_mcp_by_hand() -> None:
    # Logits (ln 3, 0): probabilities 3/4 and 1/4; at T = 2 sqrt(3) / (sqrt(3) + 1).
    sample = LogitSample(np.array([[log(3)], [0]], np.float32), np.array([0], np.uint8), 1)
    assert log_loss(sample, 1.0) == pytest.approx(-log(3 / 4), abs=1e-6)
    assert log_loss(sample, 2.0) == pytest.approx(-log(3**0.5 / (3**0.5 + 1)), abs=1e-6)
    assert scaled_mcp(sample.logits[..., None], 2.0)[0, 0] == pytest.approx(3**0.5 / (3**0.5 + 1))
    assert np.isnan(scaled_mcp(np.full((2, 1, 1), np.nan, np.float32), 2.0)).all()
    with pytest.raises(InputError, match="no labelled pixel"):
        fit_temperature(LogitSample(np.zeros((2, 0), np.float32), np.zeros(0, np.uint8), 1))


def test_scores_of_several_passes_by_hand() -> None:
    """Pixel 0: both passes agree on (1, 0). Pixel 1: (1, 0) and (0, 1), the mean says nothing and they tell apart."""
    first = np.array([[[1.0, 1.0]], [[0.0, 0.0]]], np.float32)
    second = np.array([[[1.0, 0.0]], [[0.0, 1.0]]], np.float32)
    sums = PassSums(np.array([[0, 1]], np.uint8))
    sums.add(first)
    sums.add(second)
    maps = sums.maps("x")
    assert maps["x"].tolist() == [[1.0, pytest.approx(0.0, abs=1e-6)]]
    assert maps["x_probability"].tolist() == [[1.0, 0.5]]
    assert maps["x_mutual_information"].tolist() == [[1.0, pytest.approx(0.0, abs=1e-6)]]
    assert maps["x_agreement"].tolist() == [[1.0, 0.5]]


def test_passes_that_all_doubt_have_no_information_between_them() -> None:
    sums = PassSums(np.zeros((1, 1), np.uint8))
    for _ in range(3):
        sums.add(np.full((2, 1, 1), 0.5, np.float32))
    maps = sums.maps("x")
    assert maps["x"][0, 0] == pytest.approx(0.0, abs=1e-6)
    assert maps["x_mutual_information"][0, 0] == pytest.approx(1.0, abs=1e-6)


def test_trust_score_by_hand() -> None:
    """Distances (1, 3) to two classes: of class 0 the ratio is 3, told as 3/4; of class 1 it is 1/3, told as 1/4."""
    distance = np.array([[[1.0]], [[3.0]], [[np.inf]]], np.float32)
    labels = np.array([[0, 1], [2, 0]], np.uint8)
    assert trust_map(distance, labels).tolist() == [[0.75, 0.25], [0.0, 0.75]]  # class 2 was never seen: no trust
    assert trust_map(np.zeros((2, 1, 1), np.float32), labels[:1])[0, 0] == 0.5  # on a pixel of both classes
    alone = np.array([[[2.0]], [[np.inf]]], np.float32)
    assert trust_map(alone, np.zeros((1, 1), np.uint8))[0, 0] == 1.0  # nothing else is near


def test_dice_by_hand() -> None:
    a, b = np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 1, 1, 1]], np.uint8)
    # Class 0: 2 x 1 / (2 + 1); class 1: 2 x 2 / (2 + 3); class 2 is in neither.
    assert mean_dice(a, b, 3) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert mean_dice(a, a, 3) == 1.0


CONFIDENCE = np.array([0.1, 0.2, 0.8, 0.9])
SIZE = np.array([10.0, 10.0, 40.0, 40.0])


def test_thresholds_by_hand() -> None:
    assert fixed(CONFIDENCE, SIZE).tolist() == [True, True, False, False]
    assert otsu(CONFIDENCE, SIZE).tolist() == [True, True, False, False]
    # Mean 0.71, deviation 0.284: below 0.426.
    assert mean_sigma(CONFIDENCE, SIZE).tolist() == [True, True, False, False]
    assert quantile(CONFIDENCE, SIZE).tolist() == [True, False, False, False]  # a tenth of the pixels


@pytest.mark.parametrize("threshold", [otsu, mean_sigma, quantile])
def test_a_thresholds_of_its_own_flags_nothing_in_an_image_of_one_level(threshold) -> None:  # type: ignore[no-untyped-def]
    assert not threshold(np.array([0.3]), np.array([7.0])).any()


def test_precision_and_recall_of_two_images_by_hand() -> None:
    tally = ThresholdTally()
    tally.add(np.array([[6, 2], [4, 8]]), np.array([True, False]))  # flags 10, finds 6 of 8
    tally.add(np.array([[0, 0], [0, 20]]), np.array([True, False]))  # nothing wrong, nothing flagged
    found = tally.figures()
    assert (found["precision"], found["recall"]) == (pytest.approx(6 / 10), pytest.approx(6 / 8))
    assert (found["precision_of_images"], found["recall_of_images"]) == (pytest.approx(0.6), pytest.approx(0.75))
    assert found["flagged_share"] == pytest.approx(10 / 40)
    assert np.isnan(list(ThresholdTally().figures().values())).all()


@pytest.mark.parametrize("right", [(1, 1, 1, 1), (1, 1, 1, 0), (0, 0, 0, 0)])
@pytest.mark.parametrize("kind", ["constant", "perfect", "inverted", "nan"])
def test_edge_table_of_the_fixed_threshold(right: tuple[int, ...], kind: str) -> None:
    """Right pixels have 0.9 and wrong ones 0.1, or the other way round; a constant 0.6 flags nothing."""
    low = {"constant": (), "perfect": (0,), "inverted": (1,), "nan": ()}[kind]
    scores = np.full(4, 0.6) if kind == "constant" else np.where(np.isin(right, low), 0.1, 0.9)
    histogram, tallies = ScoreHistogram(), ThresholdTallies()
    histogram.update(np.full(4, np.nan) if kind == "nan" else scores, np.array(right, bool))
    tallies.add(("all",), "x", *levels_of(histogram))
    if kind == "nan":
        assert tallies.document() == {}
        return
    found = tallies.document()["all"]["x"]["fixed"]
    wrong, flagged = 4 - sum(right), sum(each in low for each in right)
    hit = wrong if kind == "perfect" else 0
    assert found["flagged_share"] == flagged / 4
    assert found["precision"] == (pytest.approx(hit / flagged) if flagged else pytest.approx(np.nan, nan_ok=True))
    assert found["recall"] == (pytest.approx(hit / wrong) if wrong else pytest.approx(np.nan, nan_ok=True))


def test_names_of_baselines() -> None:
    assert parse_baselines("all") == BASELINES
    assert parse_baselines("") == ()
    assert parse_baselines("trust_score, mcp") == ("mcp", "trust_score")
    with pytest.raises(InputError, match="no such baseline"):
        parse_baselines("magic")


def test_trust_score_takes_the_nearest_training_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(8, 10, 4)).astype(np.float32)
    samples = [rng.normal(size=(20, 4)).astype(np.float32), None, rng.normal(size=(15, 4)).astype(np.float32)]
    labels = rng.integers(0, 3, (16, 20)).astype(np.uint8)
    monkeypatch.setattr(trust_score, "decoded_map", lambda network, image: features)
    scorer = trust_score.TrustScore(None, samples, {})  # type: ignore[arg-type]
    view = ScoredView(np.zeros((16, 20, 3), np.uint8), np.zeros((3, 16, 20), np.float32), labels)
    coarse = features[::2, ::2]
    nearest = [
        np.full((4, 5), np.inf) if each is None else np.linalg.norm(coarse[:, :, None] - each, axis=-1).min(axis=-1)
        for each in samples
    ]
    expected = trust_map(np.stack(nearest).astype(np.float32), labels)
    assert scorer(view).maps["trust_score"] == pytest.approx(expected, abs=1e-6)
