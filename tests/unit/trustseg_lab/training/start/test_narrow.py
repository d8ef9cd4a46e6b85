# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A narrower network that starts from a wider one: what carries nothing can be left out at no loss."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from tiny_training import CLASSES  # noqa: E402
from trustseg_lab.network.segnet import RARE, SegNet, SegNetConfig  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training.start.narrow import can_narrow, narrow  # noqa: E402
from trustseg_lab.training.start.start_weights import start_from_checkpoint  # noqa: E402

WIDE = SegNetConfig(3, widths=(6, 8, 10), encoder_convs=(1, 1, 2), decoder_convs=(1, 2, 2), unknown=True)
SLIM = replace(WIDE, widths=(4, 6, 7))


def with_dead_channels() -> SegNet:
    """A wide network in which the channels beyond SLIM's carry nothing: their norms' weights and biases are 0."""
    torch.manual_seed(3)
    network = SegNet(WIDE)
    for _ in range(3):
        network(torch.randn(2, 3, 16, 24))
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    levels = [(name, level) for level in range(3) for name in ("encoder", "decoder")]
    for name, level in levels:
        for unit in getattr(network, name)[level]:
            outputs = unit.norm.weight.shape[0]
            kept = SLIM.widths[WIDE.widths.index(outputs)]
            for values in (unit.norm.weight, unit.norm.bias):
                values.data[kept:] = 0
    return network.eval()


def test_what_carries_nothing_is_left_out_at_no_loss() -> None:
    assert can_narrow(WIDE, SLIM)
    wide, slim = with_dead_channels(), SegNet(SLIM)
    narrow(wide.state_dict(), WIDE, slim)
    image = torch.randn(1, 3, 16, 24)
    expected, found = wide(image), slim.eval()(image)
    assert torch.allclose(found.logits, expected.logits, atol=1e-5)
    assert found.unknown is not None
    assert expected.unknown is not None
    assert torch.allclose(found.unknown, expected.unknown, atol=1e-5)


def test_only_what_is_nowhere_wider_or_deeper() -> None:
    assert not can_narrow(WIDE, WIDE)
    assert not can_narrow(WIDE, replace(SLIM, widths=(4, 6, 12)))
    assert not can_narrow(WIDE, replace(SLIM, decoder_convs=(2, 2, 2)))
    assert not can_narrow(WIDE, replace(SLIM, classes=4))
    assert can_narrow(WIDE, replace(WIDE, encoder_convs=(1, 1, 1)))


def test_narrower_network_with_a_plane_that_is_new(tmp_path: Path) -> None:
    before = replace(WIDE, unknown=False)
    path = tmp_path / "weights.safetensors"
    checkpoint.save_weights(path, SegNet(before).state_dict(), checkpoint.describe(before, CLASSES))
    network = SegNet(replace(SLIM, decoder_convs=(1, 1, 2)))
    start_from_checkpoint(network, path, CLASSES)
    plane = network.eval()(torch.randn(1, 3, 16, 24)).unknown
    assert plane is not None
    assert torch.equal(plane, torch.full_like(plane, RARE))
