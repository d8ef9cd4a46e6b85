# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A deeper network that starts from a shallower one's weights computes the same, and learns on."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from trustseg_lab.network.segnet import (  # noqa: E402
    SegNet,
    SegNetConfig,
)
from trustseg_lab.training.start.deepen import can_deepen, deepen  # noqa: E402

SHALLOW = SegNetConfig(3, widths=(4, 6, 8), encoder_convs=(1, 1, 2), decoder_convs=(1, 2, 1))


def trained(config: SegNetConfig) -> SegNet:
    torch.manual_seed(4)
    network = SegNet(config)
    for _ in range(3):  # statistics and weights that are not the initial ones
        network(torch.randn(2, 3, 16, 24))
    for weight in network.parameters():
        weight.data += 0.05 * torch.randn_like(weight)
    return network.eval()


def test_added_units_are_the_identity_at_first() -> None:
    deep = replace(SHALLOW, encoder_convs=(2, 1, 3), decoder_convs=(2, 3, 2))
    assert can_deepen(SHALLOW, deep)
    shallow = trained(SHALLOW)
    network = SegNet(deep)
    deepen(shallow.state_dict(), SHALLOW, network)
    image = torch.randn(1, 3, 16, 24)
    assert torch.allclose(network.eval()(image).logits, shallow(image).logits, atol=1e-5)
    network.train()(image).logits.square().mean().backward()
    added = network.encoder[0][1].norm.weight.grad
    assert added is not None
    assert float(added.abs().sum()) > 0


@pytest.mark.parametrize(
    "other",
    [
        replace(SHALLOW, decoder_convs=(1, 1, 1)), replace(SHALLOW, widths=(4, 6, 9)),
        replace(SHALLOW, classes=4), replace(SHALLOW, lateral=None),
    ],
)  # fmt: skip
def test_what_is_not_only_deeper_is_refused(other: SegNetConfig) -> None:
    assert not can_deepen(SHALLOW, other)
