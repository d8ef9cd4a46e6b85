# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Studies that teach a small network: which frames they take, and what they judge, by hand; the teaching in short."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmark_views import logits_of, view
from trustseg_lab.benchmark.few_labels.learning import SIZE
from trustseg_lab.benchmark.rows.labelled_frames import VOID, FrameList, Frames
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.studies import head_splits, next_frames
from trustseg_lab.benchmark.studies.head_splits import HeadSplits, judged
from trustseg_lab.benchmark.studies.next_frames import (
    NextFrames,
    Told,
    by_chance,
    by_quality,
    by_quality_and_spread,
    tell_of,
)
from trustseg_lab.metrics.images.image_quality import image_quality

CLASSES = 3


def street(index: int, *, kind: str = "clean", fit: bool = True) -> Sample:
    """Sky over road, the horizon where the index says."""
    rng = np.random.default_rng(index)
    truth = np.zeros((48, 64), np.uint8)
    truth[20 + index % 8 :] = 1
    truth[:, :3] = VOID
    image = np.array([[200, 210, 230], [90, 90, 95]], np.uint8)[np.minimum(truth, 1)]
    image = np.clip(image + rng.normal(0, 5, image.shape), 0, 255).astype(np.uint8)
    logits = logits_of(np.minimum(truth, 1), CLASSES)
    return view(logits, truth, image=image, index=index, block=index // 4, kind=kind, fit=fit)


def test_frames_are_of_clean_views_at_the_small_size() -> None:
    frames = FrameList()
    for index in range(18):
        frames.add(street(index))
    frames.add(street(18, kind="fog"))
    assert frames.parted() is None  # 18 frames less a third of the blocks are too few
    for index in range(20, 26):
        frames.add(street(index, fit=False))
    parted = frames.parted()
    assert parted is not None
    pool, others = parted
    assert (len(pool), len(others)) == (18, 6)
    assert pool.images.shape == (18, *SIZE, 3)
    # 96 rows of 48: row 40 is the first of the road; columns below 6 are void.
    assert pool.truth[0, 39:41, 10].tolist() == [0, 1]
    assert (pool.truth[:, :, :6] == VOID).all()
    first, second = others.halves
    assert first.block.tolist() == [5, 5, 5, 5]
    assert second.block.tolist() == [6, 6]


def test_without_a_set_every_third_block_is_judged() -> None:
    frames = FrameList()
    for index in range(28):
        frames.add(street(index))
    parted = frames.parted()
    assert parted is not None
    assert sorted(set(parted[1].block.tolist())) == [1, 4]
    assert sorted(set(parted[0].block.tolist())) == [0, 2, 3, 5, 6]


def test_orders_by_hand() -> None:
    predicted = np.array([0.9, 0.1, 0.5, 0.2, 0.3, 0.8])
    embedding = np.array([[0.0], [9.0], [1.0], [8.9], [5.0], [2.0]])
    told, rng = Told(0.0, predicted, predicted, embedding), np.random.default_rng(0)
    assert by_quality(told, np.array([1]), 2, rng).tolist() == [3, 4]
    # Of 1, 3, 4, 2 the first is farthest from frame 0; then 4 is 4 from it and 5 from 0, 3 is beside it.
    assert by_quality_and_spread(told, np.array([0]), 2, rng).tolist() == [1, 4]
    drawn = by_chance(told, np.array([0, 1, 2]), 3, rng)
    assert sorted(drawn.tolist()) == [3, 4, 5]


def network(shift: float) -> Any:
    """Logits of class 1 are the image's brightness less `shift`, of class 0 nothing; the map is the image."""

    def run(x: torch.Tensor) -> SimpleNamespace:
        light = x.mean(1, keepdim=True)[:, :, ::2, ::2]
        logits = torch.cat([torch.zeros_like(light), light - shift, torch.full_like(light, -5.0)], 1)
        return SimpleNamespace(logits=logits, decoded=light)

    return run


def bright(rows: int) -> Frames:
    """One frame whose first rows are bright and of class 1, but eight columns of them are called 0."""
    image = np.zeros((1, *SIZE, 3), np.uint8)
    truth = np.zeros((1, *SIZE), np.uint8)
    image[:, :rows], truth[:, :rows] = 255, 1
    truth[:, :rows, :8] = 0
    return Frames(image, truth, np.zeros(1, np.int64))


def test_what_a_network_says_of_frames_by_hand() -> None:
    frames = bright(48)
    told = tell_of(network(0.0), frames, CLASSES)
    labels = np.zeros(SIZE, np.uint8)
    labels[:48] = 1
    counts = np.zeros((CLASSES, CLASSES + 1), np.int64)
    np.add.at(counts, (frames.truth[0], labels), 1)
    # The halved map is enlarged: the mask is right but for the eight columns, and half a row between.
    assert told.quality[0] == pytest.approx(image_quality(counts), abs=0.02)
    assert told.miou == pytest.approx(np.mean([6144 / (6144 + 384), 5760 / 6144]), abs=0.02)
    assert 0.5 < told.predicted[0] < 1.0


def test_figures_of_a_head_agree_with_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_splits, "EVERY", 1)
    frames = bright(48)

    def confidence(out: SimpleNamespace) -> torch.Tensor:
        columns = torch.arange(SIZE[1] // 2, dtype=torch.float32) % 7
        return columns.expand(len(out.logits), SIZE[0] // 2, -1)

    auroc, _, aupr = judged(network(0.0), frames, confidence)
    wrong = np.zeros((48, 64), bool)
    wrong[:24, :4] = True
    score = np.broadcast_to(np.arange(64) % 7, wrong.shape).ravel()
    assert auroc == pytest.approx(roc_auc_score(~wrong.ravel(), score))
    assert aupr == pytest.approx(average_precision_score(wrong.ravel(), -score), abs=0.01)


@pytest.mark.slow
def test_both_studies_teach_and_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (next_frames, head_splits):
        monkeypatch.setattr(module, "SEEDS", 1)
    monkeypatch.setattr(next_frames, "STEPS", 1)
    next_study, head_study = NextFrames(), HeadSplits()
    samples = [*(street(i) for i in range(16)), *(street(i, fit=False) for i in range(16, 24))]
    for index, sample in enumerate(samples):
        next_study.look(index, sample)
        head_study.look(index, sample)
    found = Collected([each.meta for each in samples], [each.outcome for each in samples], CLASSES)
    rows = next_study.tell(found).rows
    assert [row[:3] for row in rows] == [[name, n, 16] for name in next_frames.ORDERS for n in (2, 4, 8)]
    assert len({row[3] for row in rows[::3]}) == 1  # the first frames are the same
    assert all(row[5] == 0.0 for row in rows[:3])
    rows = head_study.tell(found).rows
    assert [row[:2] for row in rows] == [["MCP", None], ["train", 14], ["15 % kept from training", 2], ["val", 4]]
    assert all(0 <= row[3] <= 1 for row in rows)
    assert "Too few" in HeadSplits().tell(found).hint
