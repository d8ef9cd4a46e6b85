# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Labels that two networks give each other, discriminators, self-training: by hand, and one short teaching."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchmark_views import VOID, logits_of, view
from tiny_training import CLASSES
from trustseg_lab.benchmark.few_labels import learning
from trustseg_lab.benchmark.few_labels import stored_networks as stored
from trustseg_lab.benchmark.few_labels.adversarial import (
    FOOLING,
    IMAGES,
    PIXELS,
    in_other_light,
    told_apart,
    without_labels_loss,
)
from trustseg_lab.benchmark.few_labels.learning import Recipe, at_logits, few, ramp, without_labels
from trustseg_lab.benchmark.few_labels.pseudo_labels import ClassMeans, label_for_each_other
from trustseg_lab.benchmark.few_labels.recipe import main, teach
from trustseg_lab.benchmark.few_labels.self_training import surest
from trustseg_lab.benchmark.studies.few_labels import FewLabels, SelfTraining
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.training.data import IGNORE, LabelledSet

NAMED = ClassList.model_validate(
    {"void": VOID, "classes": [{"id": i, "name": f"class{i}", "color": [i, i, i]} for i in range(3)]}
)


def logit(*probabilities: list[float]) -> torch.Tensor:
    """Logits (1, C, 1, places) of probabilities by place."""
    return torch.tensor(probabilities).T.log()[None, :, None]


def test_the_surer_network_labels_where_its_features_agree() -> None:
    a, b = logit([0.9, 0.1], [0.6, 0.4], [0.6, 0.4]), logit([0.2, 0.8], [0.1, 0.9], [0.5, 0.5])
    assert label_for_each_other((a, b), None)[0, 0].tolist() == [0, 1, 0]
    near = torch.tensor([[[0, 0, 1]]]), torch.tensor([[[1, 1, 0]]])
    # The first place: network a names class 0 and its features say so; the last: they say class 1.
    assert label_for_each_other((a, b), near)[0, 0].tolist() == [0, 1, IGNORE]


def test_class_means_by_hand() -> None:
    means = ClassMeans(torch.full((3, 2), torch.nan))
    features = torch.tensor([[2.0, 4.0, 0.0], [0.0, 0.0, 3.0]]).reshape(1, 2, 1, 3)
    assert means.nearest(features).tolist() == [[[-1, -1, -1]]]  # nothing was seen yet
    means.update(features, torch.tensor([[[0, 0, 2]]]))
    assert means.values[0].tolist() == [3.0, 0.0]
    assert bool(means.values[1].isnan().all())
    means.update(features, torch.tensor([[[IGNORE, 0, IGNORE]]]))
    assert means.values[0].tolist() == pytest.approx([0.9 * 3.0 + 0.1 * 4.0, 0.0])
    assert means.nearest(features).tolist() == [[[0, 0, 2]]]  # never the class that was not seen


def test_losses_of_discriminators_by_hand() -> None:
    high, low = torch.tensor([2.0]), torch.tensor([-1.0])
    softplus = lambda value: math.log(1 + math.exp(value))  # noqa: E731
    assert float(told_apart(high, low)) == pytest.approx((softplus(-2) + softplus(-1)) / 2)
    student, teacher = torch.full((1, 2, 1, 1), 0.5), torch.tensor([0.9, 0.1]).reshape(1, 2, 1, 1)
    pixels = PIXELS * 0.4**2
    assert float(without_labels_loss(student, teacher, None)) == pytest.approx(pixels)
    sigmoid = lambda value: 1 / (1 + math.exp(-value))  # noqa: E731
    images = FOOLING * softplus(-2) + IMAGES * (sigmoid(2) - sigmoid(-1)) ** 2
    assert float(without_labels_loss(student, teacher, (high, low))) == pytest.approx(pixels + images, rel=1e-5)


def test_the_surest_share_of_each_class() -> None:
    labels = np.array([[[0, 0, 0, 0, 1, 1, IGNORE]]], np.uint8)
    sure = np.array([[[0.1, 0.2, 0.3, 0.4, 0.9, 0.8, 1.0]]], np.float32)
    assert surest(labels, sure, 0.5)[0, 0].tolist() == [IGNORE, IGNORE, 0, 0, 1, IGNORE, IGNORE]


def test_draws_and_weights_by_hand() -> None:
    assert [ramp(step, 100) for step in (0, 20, 40, 90)] == [0.0, 0.5, 1.0, 1.0]
    labels = np.arange(16, dtype=np.uint8).reshape(1, 4, 4)
    assert at_logits(torch.from_numpy(labels)).tolist() == [[[5, 7], [13, 15]]]
    data = painted(21)
    kept = few(data, 10)
    assert kept.stems == ("00", "10", "20")
    assert (without_labels(data).labels == IGNORE).all()
    images = torch.from_numpy(data.images[:1])
    light = in_other_light(images, np.random.default_rng(0))
    assert light.shape == images.shape
    assert not torch.equal(light, images)


def painted(count: int) -> LabelledSet:
    """Two halves and a spot, each in its colour, 64x96."""
    rng = np.random.default_rng(0)
    labels = np.zeros((count, 64, 96), np.uint8)
    for each in labels:
        each[:, int(rng.integers(30, 66)) :] = 1
        y, x = int(rng.integers(6, 40)), int(rng.integers(8, 66))
        each[y : y + 18, x : x + 18] = 2
    colours = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]])
    images = np.clip(colours[labels] + rng.normal(0, 12, (count, 64, 96, 3)), 0, 255).astype(np.uint8)
    return LabelledSet(images, labels, tuple(f"{i:02}" for i in range(count)))


def judged(study: Any, data: LabelledSet, places: int = 3) -> tuple[list[list[Any]], dict[str, str]]:
    """Rows of a study of some views, and what it left out."""
    for index in range(places):
        sample = view(logits_of(data.labels[index]), data.labels[index], image=data.images[index], index=index)
        study.look(index, sample)
    found: Any = SimpleNamespace(left_out={}, groups=lambda: ["clean"])
    return study.tell(found).rows, found.left_out


@pytest.mark.slow
def test_a_short_teaching_writes_networks_that_the_studies_judge(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learning, "SIZE", (64, 96))  # of what the networks see
    data, said = painted(20), []
    teach(data, data, NAMED, Recipe(steps=16, batch=3, rate=1e-2), tmp_path, lambda what, done, of: said.append(what))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2e6
    study = FewLabels()
    study.folder = tmp_path
    rows, left = judged(study, data)
    assert left == {}
    assert [row[1] for row in rows] == list(stored.WITH_FEW_LABELS.values())
    assert rows[0][3] == 0.0  # the gain over itself
    assert rows[-1][2] > 0.5  # three colours are soon learned
    assert 0 < rows[2][5] < 1  # some labels were reliable, and some were not
    other = SelfTraining()
    other.folder = tmp_path
    rows, _ = judged(other, data)
    assert len(rows) == 3
    assert rows[1][5] > rows[1][4] * 0.9  # of the chosen labels more are right than of all
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    teach(data, data, NAMED, Recipe(steps=40), tmp_path, lambda what, done, of: None)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before  # nothing is taught twice


def test_what_is_missing_is_said(tmp_path: Any) -> None:
    study = FewLabels()
    study.folder = tmp_path
    rows, left = judged(study, painted(1), 1)
    assert rows == []
    assert "few.safetensors" in left["few_labels"]
    assert "recipe" in left["few_labels"]


def test_other_classes_are_said(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    small = SimpleNamespace(classes=[each.name for each in CLASSES.classes])
    monkeypatch.setattr("trustseg_lab.benchmark.studies.few_labels.network", lambda path: small)
    monkeypatch.setattr("trustseg_lab.benchmark.studies.few_labels.path_of", lambda name, folder: tmp_path / name)
    rows, left = judged(SelfTraining(), painted(1), 1)
    assert rows == []
    assert "other classes" in left["self_training"]


def test_the_recipe_says_what_is_wrong(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--labelled", "nowhere", "--place", "a:b", "--out", str(tmp_path / "out")]) == 2
    assert "IMAGES:LABELS" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
