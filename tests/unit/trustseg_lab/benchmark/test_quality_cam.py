# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Grad-CAM of a quality network that is known by heart, and the figures of what it looks at."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmark_views import logits_of, view
from trustseg_lab.benchmark.method import FitRows
from trustseg_lab.benchmark.methods import networks, quality_cam
from trustseg_lab.benchmark.methods.networks import SIZE, mask_and_doubt
from trustseg_lab.benchmark.methods.quality_cam import ENCODER, QualityCam, activation, last_maps
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.studies import quality_features
from trustseg_lab.benchmark.studies.quality_features import QualityFeatures, error_metrics
from trustseg_lab.evaluation.html_charts import scatter_chart

CLASSES = 3


def network(weight: list[float]) -> torch.nn.Sequential:
    """The maps are the input; the logit is the weighted mean of each, and 1."""
    linear = torch.nn.Linear(len(weight), 1)
    with torch.no_grad():
        linear.weight.copy_(torch.tensor([weight]))
        linear.bias.fill_(1.0)
    pool = (torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Dropout(0.2), linear)
    return torch.nn.Sequential(*(torch.nn.Identity() for _ in range(ENCODER)), *pool).eval()


def test_gradients_of_a_mean_are_its_weights() -> None:
    maps = np.zeros((1, 2, 2, 3), np.float32)
    maps[0, 0, 0, 0], maps[0, 1, 1, 2] = 5.0, 4.0
    net = network([3.0, -2.0])
    found = activation(net, last_maps(net, maps))[0]
    expected = np.zeros((2, 3), np.float32)
    expected[0, 0], expected[1, 2] = 3 * 5 / 6, -2 * 4 / 6  # six places share the mean
    assert found == pytest.approx(expected)
    # What speaks for and against adds up to the logit without its bias.
    assert found.sum() == pytest.approx(float(net(torch.from_numpy(maps))[0, 0].detach()) - 1)


def test_a_place_that_speaks_against_the_mask_is_not_to_be_trusted() -> None:
    sample = scene(0)
    channels = quality_cam.seen_by(sample).shape[1]
    doubt = [0.0] * channels
    doubt[CLASSES] = -1.0  # entropy lowers the quality
    told = QualityCam(network=network(doubt)).read(sample).values
    assert told[:, :20].mean() < told[:, 40:].mean()


def scene(index: int) -> Sample:
    """Wrong and unsure at the left, more of it in views of an odd number."""
    truth = np.zeros((60, 80), np.uint8)
    predicted, sure = truth.copy(), np.full(truth.shape, 5.0)
    columns = 20 + 30 * (index % 2)
    predicted[:, :columns], sure[:, :columns] = 1, 0.5
    return view(logits_of(predicted, CLASSES, 1.0) * sure, truth, index=index, block=index // 4)


def test_errors_where_it_speaks_against_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    cam = np.ones(SIZE)
    cam[:, :8] = -1.0  # a tenth of the width, all of it wrong; a quarter is wrong
    monkeypatch.setattr(quality_features, "_cam", lambda *_: cam)
    sample = scene(0)
    sample.describe(mask_and_doubt)
    auroc, wrong, against = error_metrics(None, [sample])
    assert wrong == pytest.approx(0.25)
    assert against == 1.0
    # Of pairs of a wrong and a right pixel 8 of 20 are won and 12 are tied.
    assert auroc == pytest.approx(0.4 + 0.6 / 2)


def test_the_study_tells_of_blocks_that_were_not_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "EPOCHS", 1)
    study, samples = QualityFeatures(), [scene(i) for i in range(40)]
    for index, sample in enumerate(samples):
        study.look(index, sample)
    found = Collected([each.meta for each in samples], [each.outcome for each in samples], CLASSES)
    answer = study.tell(found)
    assert answer.rows[0][:2] == ["clean", 20]
    assert len(answer.charts) == 1
    assert set(answer.document) == {"title", "hint", "heads", "rows"}
    assert len(answer.pictures) == 4
    few = QualityFeatures()
    few.look(0, samples[0])
    assert "two blocks" in few.tell(found).hint


def test_one_network_serves_quality_and_activation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "EPOCHS", 0)
    rows = FitRows([scene(i) for i in range(16)], 0, CLASSES)
    assert QualityCam().fit(rows).network is quality_cam.SEEN.fit(rows).network


def test_a_scatter_puts_points_where_they_belong() -> None:
    svg = scatter_chart(np.array([0.0, 2.0]), np.array([5.0, 1.0]), np.array([0.0, 1.0]), "x", "<y>")
    assert svg.count("<circle") == 2
    assert 'cx="60.0" cy="12.0"' in svg  # least x, greatest y: upper left
    assert 'cx="468.0" cy="300.0"' in svg
    assert "&lt;y&gt;" in svg
