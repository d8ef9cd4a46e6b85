# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Inverted residual units, and the graph of a network whose encoder is made of them."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from exported_parity import exported_parity  # noqa: E402
from trustseg_lab.network.encoder_layouts import LITE0, LITE0_UNITS, LITE0_WIDTHS  # noqa: E402
from trustseg_lab.network.inverted import InvertedUnit, NormedConv, lite0_stages  # noqa: E402
from trustseg_lab.network.segnet import SegNet, SegNetConfig  # noqa: E402

SHAPE = SegNetConfig(
    3, widths=LITE0_WIDTHS, encoder_convs=LITE0_UNITS, decoder_convs=(1, 1, 1, 1, 1), encoder=LITE0, unknown=True
)


def identity(layer: NormedConv, gain: float) -> None:
    """A layer that multiplies each of its channels by `gain`, or spreads and gathers the first ones."""
    torch.nn.init.zeros_(layer.conv.weight)
    middle = layer.conv.kernel_size[0] // 2
    for channel in range(min(layer.conv.out_channels, layer.conv.weight.shape[1] * layer.conv.groups)):
        layer.conv.weight.data[channel, channel if layer.conv.groups == 1 else 0, middle, middle] = gain


def test_a_unit_adds_its_input_where_its_shape_allows_it_and_its_inner_maps_end_at_six() -> None:
    unit = InvertedUnit(2, 2, 3, 1, 2).eval()
    for layer, gain in ((unit.expand, 1.0), (unit.filter, 2.0), (unit.project, 1.0)):
        assert isinstance(layer, NormedConv)
        identity(layer, gain)
    x = torch.tensor([1.0, 4.0, -1.0]).expand(1, 2, 3, 3)
    torch.testing.assert_close(unit(x), torch.tensor([3.0, 10.0, -1.0]).expand(1, 2, 3, 3), rtol=1e-4, atol=1e-4)
    assert not InvertedUnit(2, 3, 3, 1, 2).residual
    assert InvertedUnit(2, 2, 5, 2, 1)(torch.zeros(2, 2, 7, 8)).shape == (2, 2, 4, 4)


def test_each_resolution_halves_the_one_before() -> None:
    x, shapes = torch.zeros(2, 12, 45, 60), []
    for stage in lite0_stages(12):
        x = stage(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(32, 45, 60), (24, 23, 30), (40, 12, 15), (112, 6, 8), (192, 3, 4)]


def test_its_graph_equals_the_network() -> None:
    torch.manual_seed(0)
    network = SegNet(SHAPE)
    parity = exported_parity(network)
    assert parity.mask_agreement == 1.0
    assert parity.confidence_mean_abs < 0.1
