# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Forms of the network beside the plain one: grouped and depthwise units, a guided last enlargement, phases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

import torch.nn.functional as F  # noqa: E402

from trustseg_lab.network.confidence import ConfidenceHead  # noqa: E402
from trustseg_lab.network.enlarge import enlarge, in_order, phase_weights  # noqa: E402
from trustseg_lab.network.graph import DeployGraph  # noqa: E402
from trustseg_lab.network.segnet import ConvUnit, SegNet, SegNetConfig, multiply_accumulates  # noqa: E402
from trustseg_lab.training.config import ModelSection  # noqa: E402
from trustseg_lab.training.export.checkpoint_to_graph import export_onnx, measure_parity  # noqa: E402

PLAIN = SegNetConfig(3, stem=2, widths=(4, 6, 8), encoder_convs=(1, 2, 1), decoder_convs=(1, 2, 1))
EXPORTED = "depthwise and guided"
FORMS = {
    "depthwise": replace(PLAIN, encoder_groups=(1, 0, 0), decoder_groups=(0, 0, 0)),
    "two groups": replace(PLAIN, encoder_groups=(1, 2, 2), decoder_groups=(2, 2, 2)),
    "grouped stem": replace(PLAIN, encoder_groups=(2, 1, 1)),
    "guided": replace(PLAIN, decoder_convs=(0, 2, 1), guide=5),
    "guided to full size": replace(PLAIN, guide=5),
    # An export takes seconds: one form, and no deeper than it must be, has the operators of all others.
    EXPORTED: SegNetConfig(
        3, stem=2, widths=(4, 6), encoder_convs=(1, 2), decoder_convs=(0, 2), encoder_groups=(1, 0),
        decoder_groups=(0, 0), guide=5,
    ),
}  # fmt: skip


@pytest.mark.parametrize("stride", [1, 2, 3, 4])
def test_phases_in_order_are_the_bilinear_enlargement(stride: int) -> None:
    maps = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(1))
    expected = F.interpolate(maps, scale_factor=float(stride), mode="bilinear", align_corners=False)
    assert torch.allclose(in_order(enlarge(maps, stride), stride), expected, atol=1e-5)


def test_weights_of_twofold_phases_by_hand() -> None:
    upper_left = phase_weights(2)[0]
    # The pixel's centre lies a quarter of a cell up and left: 1/4 of the neighbour, 3/4 of its own, on each axis.
    assert upper_left.tolist() == [[0.0625, 0.1875, 0.0], [0.1875, 0.5625, 0.0], [0.0, 0.0, 0.0]]
    assert phase_weights(4).sum((1, 2)).tolist() == pytest.approx([1.0] * 16)


def test_units_of_groups_cost_what_they_should() -> None:
    def weights(groups: int) -> int:
        return sum(each.weight.numel() for each in ConvUnit(8, 4, groups=groups).modules() if hasattr(each, "groups"))

    assert weights(1) == 8 * 4 * 9
    assert weights(0) == 8 * 9 + 8 * 4  # a 3x3 filter a channel, then the mixing
    assert weights(2) == 8 * 4 * 9 + 8 * 4  # 8 channels in two groups of 4


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.slow
def test_the_graph_of_every_form_equals_the_network(name: str) -> None:
    torch.manual_seed(5)
    config = FORMS[name]
    network = SegNet(config)
    for _ in range(3):  # let the batch norms see something, so that folding them matters
        network(torch.randn(4, 3, 32, 48))
    network.eval()
    torch.nn.init.normal_(network.classifier.weight)
    head = ConfidenceHead(config.decoded_width).eval()
    torch.nn.init.normal_(head.last.weight)
    size = (32, 48)
    graph = DeployGraph(network, head, size, (0.4,) * 3, (0.3,) * 3).eval()
    x = torch.randn(1, 3, *size)
    with torch.no_grad():
        assert torch.allclose(graph.network(x).logits, network(x).logits, atol=1e-4)
    stride = config.output_stride
    assert network(x).logits.shape == (1, 3, size[0] // stride, size[1] // stride)
    if name != EXPORTED:
        return
    rng = np.random.default_rng(0)
    parity = measure_parity(graph, export_onnx(graph, size), [rng.integers(0, 256, (*size, 3), dtype=np.uint8)])
    assert parity.mask_agreement == 1.0
    assert parity.confidence_mean_abs < 0.05
    assert parity.features_rel < 1e-3


def test_a_guide_halves_the_output_stride() -> None:
    assert FORMS["guided"].output_stride == 2
    assert FORMS["guided to full size"].output_stride == 1
    assert FORMS["guided"].decoded_width == 5


def test_depthwise_is_cheaper() -> None:
    assert multiply_accumulates(SegNet(FORMS["depthwise"]), 32, 48) < 0.7 * multiply_accumulates(SegNet(PLAIN), 32, 48)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"widths": [8, 16]}, "encoder_convs has 5 numbers, widths has 2"),
        ({"decoder_groups": [1, 1]}, "decoder_groups has 2 numbers, widths has 5"),
        ({"decoder_groups": [3, 1, 1, 1, 1]}, r"decoder_groups\[0\] = 3 does not divide 32 and 32"),
        ({"encoder_groups": [1, -1, 1, 1, 1]}, r"encoder_groups\[1\] = -1"),
        ({"stem": 1, "guide": 8}, "nothing to enlarge"),
    ],
)
def test_a_shape_that_cannot_be_is_refused_by_name(section: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        ModelSection.model_validate(section)
