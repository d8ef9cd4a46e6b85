# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Passes beside the single one, on networks that are known by heart: augmentation, dropped weights, ODIN's step."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from benchmark_views import view
from trustseg_lab.benchmark.passes import runner
from trustseg_lab.benchmark.passes.augmentations import AUGMENTATIONS
from trustseg_lab.benchmark.passes.runner import DROP_RATES, BundlePasses, PassSettings

HOW = {each.name: each for each in AUGMENTATIONS}


def passes_of(network: torch.nn.Module, tensor: torch.Tensor, count: int = 3) -> BundlePasses:
    """Passes of a network alone, which takes `tensor` whatever the image."""
    alone: Any = None
    made: Any = SimpleNamespace(network=network, tensor=lambda image: tensor)
    return BundlePasses(alone, "fp32", alone, PassSettings(step=1, dropout=count), alone, None, torch=made)


def test_geometry_is_undone_in_the_maps() -> None:
    rows, columns = np.mgrid[0:40, 0:60]
    image = np.stack([2 * rows, columns, rows + columns], axis=-1).astype(np.uint8)
    for name, tolerance in (("flip", 0.0), ("zoom", 1.5)):
        back = HOW[name].back(HOW[name].apply(image).astype(np.float32).transpose(2, 0, 1))
        apart = np.abs(back.transpose(1, 2, 0) - image)[5:-5, 5:-5]
        assert apart.max() <= tolerance, name
    assert np.abs(HOW["zoom"].apply(image).astype(int) - image).max() > 3  # it was another picture


def test_light_by_hand() -> None:
    image = np.full((2, 5, 3), 128, np.uint8)
    assert HOW["gamma_dark"].apply(image)[0, 0, 0] == round(255 * (128 / 255) ** 1.35)
    assert HOW["gamma_bright"].apply(image)[0, 0, 0] == round(255 * (128 / 255) ** 0.75)
    assert HOW["uneven_light"].apply(image)[0, :, 0].tolist() == [96, 112, 128, 144, 160]
    noise = HOW["noise"].apply(np.full((100, 100, 3), 128, np.uint8)).astype(float) - 128
    assert noise.std() == pytest.approx(6.0, rel=0.02)
    maps = np.random.default_rng(0).random((3, 2, 5)).astype(np.float32)
    for name in ("gamma_dark", "gamma_bright", "uneven_light", "noise"):
        assert np.array_equal(HOW[name].back(maps), maps)


def test_weights_are_dropped_by_chance_and_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    network = torch.nn.Sequential(torch.nn.Conv2d(100, 100, 1))
    weight = network[0].weight
    before = weight.detach().clone()
    seen: list[torch.Tensor] = []

    def forward(self: BundlePasses, tensor: torch.Tensor) -> np.ndarray:
        seen.append(weight.detach().clone())
        return np.zeros((1, 1, 1), np.float32)

    monkeypatch.setattr(BundlePasses, "_forward", forward)
    passes_of(network, torch.zeros(1))._drop_weights(np.zeros((1, 1, 3), np.uint8))
    for rate, each in zip(DROP_RATES, seen, strict=True):
        gone = each == 0
        assert float(gone.float().mean()) == pytest.approx(rate, abs=0.01)
        # What stays is larger by as much as is gone: the mean output is the same.
        assert torch.allclose(each[~gone], before[~gone] / (1 - rate))
    assert torch.equal(weight, before)


class Slope(torch.nn.Module):
    """Logits x and -x of the one channel x."""

    config = SimpleNamespace(output_stride=1)

    def forward(self, x: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=torch.cat([x, -x], dim=1))


def test_odin_steps_towards_what_the_network_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "ODIN_STEP", 0.5)
    tensor = torch.tensor([[[[0.5, -1.0]]]])
    single = view(np.array([[[0.5, -1.0]], [[-0.5, 1.0]]]), np.zeros((1, 2), np.uint8)).engine
    found = passes_of(Slope(), tensor)._odin(np.zeros((1, 2, 3), np.uint8), single, 0.0)
    # Either way the step makes |x| larger by .5: softmax at T of 2 (|x| + .5) / T, told as T (2 p - 1) / 2.
    moved = np.array([1.0, 1.5])
    excess = 1000 * np.tanh(moved / 1000) / 2
    assert found.doubts["odin"][0].tolist() == pytest.approx((1 / (1 + excess)).tolist(), abs=1e-3)
