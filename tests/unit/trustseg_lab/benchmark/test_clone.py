# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A clone of a tiny network: its map at drawn pixels, what is taught, and that the network itself stays as it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchmark_views import view
from trustseg_lab.benchmark.method import FitRows
from trustseg_lab.benchmark.methods import clone
from trustseg_lab.benchmark.methods.clone import METHODS, Clone, confidence, in_window, window_of
from trustseg_lab.benchmark.methods.pixel_heads import PixelHead
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.network.segnet import SegNet, SegNetConfig

CLASSES, HEIGHT, WIDTH = 3, 64, 96


@pytest.fixture(scope="module")
def network() -> SegNet:
    torch.manual_seed(0)
    return SegNet(SegNetConfig(CLASSES, 2, (8, 8), (1, 1), (1, 1))).eval()


def street(network: SegNet, index: int) -> Sample:
    """Noise on a wall; the mask is wrong where the image is bright, and says nothing of it."""
    rng = np.random.default_rng(index)
    image = rng.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    truth = np.zeros((HEIGHT // 2, WIDTH // 2), np.uint8)
    x = int(rng.integers(0, 30))
    image[:, 2 * x : 2 * x + 30] += 190
    truth[:, x : x + 15] = 1
    logits = np.zeros((CLASSES, *truth.shape), np.float32)
    logits[0] = 1.0
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        decoded = network(tensor).decoded[0].numpy()
    found = view(logits, truth, image=image, decoded=decoded, index=index, block=index // 4)
    torch_side: Any = SimpleNamespace(network=network, tensor=lambda _: tensor)
    found.network = torch_side
    return found


def test_places_in_a_window_by_hand() -> None:
    # A lattice of 4 x 6 over a map of 2 x 3: places 0, 1, 6, 7 are the first cell of the map.
    where = np.array([0, 7, 8, 16, 23])
    inside, y, x = in_window(where, (4, 6), (2, 3), (0, 1), (2, 2))
    assert inside.tolist() == [2, 3, 4]  # cells (0, 1), (1, 2), (1, 2)
    assert y.tolist() == [0, 1, 1]
    assert x.tolist() == [0, 1, 1]


def test_a_window_of_the_whole_view_tells_the_map(network: SegNet) -> None:
    sample = street(network, 0)
    where = np.array([0, 48 * 3 + 7, 32 * 48 - 1])
    found = window_of(network, sample, where, np.random.default_rng(0))
    flat = sample.decoded.reshape(-1, sample.decoded.shape[2])
    assert found.rows.tolist() == [0, 1, 2]
    assert found.decoded.detach().numpy() == pytest.approx(flat[where], abs=2e-2)  # the record is of half precision


def test_without_teaching_the_clone_says_what_the_frozen_head_says(
    network: SegNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clone, "STEPS", 0)
    rows = FitRows([street(network, i) for i in range(6)], 0, CLASSES)
    frozen = PixelHead("head_tcp_mse", "tcp", "mse").fit(rows)
    sample = street(network, 9)
    told = confidence(Clone(network, frozen, frozen), sample)
    assert told == pytest.approx(frozen.read(sample).values, abs=2e-2)


def test_the_clone_learns_and_the_network_does_not(network: SegNet) -> None:
    before = [each.clone() for each in network.parameters()]
    rows = FitRows([street(network, i) for i in range(12)], 0, CLASSES)
    cloned, distilled = (each.fit(rows) for each in METHODS)
    assert cloned.clone is distilled.clone  # type: ignore[attr-defined]
    assert all(bool((a == b).all()) for a, b in zip(before, network.parameters(), strict=True))
    moved = [bool((a != b).any()) for a, b in zip(before, cloned.clone.network.parameters(), strict=True)]  # type: ignore[attr-defined]
    assert any(moved)
    sample = street(network, 20)
    for method in (cloned, distilled):
        told = method.read(sample).values
        assert told[sample.right].mean() > told[~sample.right].mean() + 0.2
