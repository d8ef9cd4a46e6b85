# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""SESV on views made by hand: its changes, what they are worth, and that the verifier accepts the better ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from benchmark_views import logits_of, view
from trustseg.bundle.card import VOID_LABEL
from trustseg_lab.benchmark.method import FitRows, Unfit
from trustseg_lab.benchmark.methods import emendation, networks
from trustseg_lab.benchmark.methods.emendation import Emender, Proposal, change_metrics, changes, gains
from trustseg_lab.benchmark.methods.networks import mask_and_doubt
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import OWN_MASK, Collected, MaskTally
from trustseg_lab.benchmark.studies.masks import Verification

CLASSES = 3


def test_changes_are_parts_of_one_new_class_and_small_ones_are_left_alone() -> None:
    labels = np.zeros((6, 12), np.uint8)
    again = labels.copy()
    again[0:2, 0:4] = 1  # eight pixels
    again[2:4, 0:4] = 2  # eight more, beside them, of another class
    again[5, 9:12] = 1  # three
    found = changes(labels, again)
    assert found.class_of.tolist() == [1, 2]
    assert found.sizes().tolist() == [8, 8]
    assert (found.ids[5] == -1).all()
    assert changes(labels, labels).count == 0


def test_gains_by_hand() -> None:
    labels = np.zeros((4, 8), np.uint8)
    again = labels.copy()
    again[:, :4] = 1
    truth = labels.copy()
    truth[:3, :4] = 1  # twelve pixels are mended, the last four are spoiled
    known = np.ones(truth.shape, bool)
    found = changes(labels, again)
    assert gains(found, labels, truth, known).tolist() == [pytest.approx((12 - 4) / 16)]
    known[:3] = False  # only the spoiled ones are labelled
    assert gains(found, labels, truth, known).tolist() == [-1.0]
    assert np.isnan(gains(found, labels, truth, np.zeros_like(known))).all()


def test_figures_of_a_change_by_hand() -> None:
    labels = np.zeros((4, 8), np.uint8)
    logits = logits_of(labels, CLASSES, 1.0)
    again = logits.copy()
    again[1, :, :4] += 3.0
    errors = np.zeros((4, 8), np.float32)
    errors[:, :4] = 0.25
    sample = view(logits, labels)
    proposal = Proposal(again, errors)
    row = change_metrics(changes(labels, proposal.labels), proposal, sample)[0]
    e = np.exp(1.0)
    old, new = np.array([e, 1, 1]) / (e + 2), np.exp([1.0, 3.0, 0.0]) / np.exp([1.0, 3.0, 0.0]).sum()
    expected = [np.log(16), 0.25, sample.signals.entropy[0, 0], sample.fused[0, 0], old[0], old[1], new[1], new[0]]
    assert row == pytest.approx(expected, abs=2e-3)


def street(index: int) -> Sample:
    """Sky over road; the mask calls a patch of the road sky, and is unsure there."""
    truth = np.zeros((60, 80), np.uint8)
    truth[30:] = 1
    predicted, sure = truth.copy(), np.full(truth.shape, 4.0)
    y, x = 32 + index % 10, 2 + index % 20
    predicted[y : y + 12, x : x + 14] = 0
    sure[y : y + 12, x : x + 14] = 0.6
    return view(logits_of(predicted, CLASSES, 1.0) * sure, truth, index=index, block=index // 4)


class Even(torch.nn.Module):
    """An error map that says nothing."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(x[:, :1])


class Road(torch.nn.Module):
    """A second segmentation that sees road below, and in a part of the sky."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added = torch.zeros(len(x), CLASSES, *x.shape[2:])
        added[:, 1, 30:] = 8.0
        added[:, 1, 5:15, 50:70] = 8.0
        return added


def test_the_verifier_takes_what_mends_and_refuses_what_spoils(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emendation, "learn_errors", lambda *_: Even())
    monkeypatch.setattr(emendation, "_learn_again", lambda *_: Road())
    rows = FitRows([street(i) for i in range(16)], 0, CLASSES)
    every, verified = (each.fit(rows) for each in emendation.METHODS)
    sample = street(18)
    mended = sample.labels.copy()
    mended[30:] = 1
    both = mended.copy()
    both[5:15, 50:70] = 1
    assert (every.read(sample).values == both).all()
    assert (verified.read(sample).values == mended).all()


@pytest.mark.slow
def test_a_second_segmentation_learns_what_to_add(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "EPOCHS", 4)
    rows = FitRows([street(i) for i in range(8)], 0, CLASSES)
    which = np.arange(8)
    found = emendation._learn_again(rows.table(mask_and_doubt), rows, which, Even())
    told = Emender(Even(), found).propose(street(3)).logits
    added = (told - street(3).logits).mean(axis=(1, 2))
    # Nothing is of class 2, and what is sky by mistake is road.
    assert added[1] > added[2]


def test_a_verifier_needs_blocks_of_its_own() -> None:
    rows = FitRows([street(0) for _ in range(20)], 0, CLASSES)
    with pytest.raises(Unfit, match="one block"):
        emendation.METHODS[0].fit(rows)


def test_a_mask_is_judged_where_the_network_saw_something_without_any_void_in_the_labels() -> None:
    truth = np.zeros((10, 10), np.uint8)
    truth[:, :2] = VOID_LABEL  # of the camera's image, but not of what the network was shown
    labels = np.zeros((10, 10), np.uint8)
    labels[:5] = 1
    shown = view(logits_of(labels, CLASSES), truth)
    sample = replace(shown, meta=replace(shown.meta, void=None))
    tally = MaskTally(CLASSES)
    tally.add(sample, labels)
    assert tally.confusion.labelled == 80
    assert tally.confusion.accuracy() == pytest.approx(0.5)
    assert sample.meta.left_out == VOID_LABEL
    assert replace(sample.meta, void=11).left_out == 11


def test_shares_of_accepted_changes_by_hand() -> None:
    truth = np.zeros((10, 10), np.uint8)
    labels = truth.copy()
    labels[:, :4] = 1  # forty pixels are wrong
    sample = view(logits_of(labels, CLASSES), truth)
    second = labels.copy()
    second[:, :2] = 0  # twenty are mended
    second[:, 8:] = 2  # twenty are spoiled
    verified = labels.copy()
    verified[:, :2] = 0
    verified[:5, 8:] = 2  # ten of them are accepted
    found = Collected([sample.meta], [sample.outcome], CLASSES)
    for name, mask in ((OWN_MASK, labels), ("resegmented_mask", second), ("sesv_mask", verified)):
        found.masks[(name, "clean")] = MaskTally(CLASSES)
        found.masks[(name, "clean")].add(sample, mask)
    row = Verification().tell(found).rows[0]
    assert row[:5] == ["clean", pytest.approx(0.4), pytest.approx(0.75), pytest.approx(1.0), pytest.approx(0.5)]
