# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The VGG16 form: it starts as VGG16 itself, makes its logits one level down, and exports as the lite one does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

import torch.nn.functional as F  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from exported_parity import exported_parity  # noqa: E402
from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.network.segnet import (  # noqa: E402
    SegNet,
    SegNetConfig,
)
from trustseg_lab.training.batches import normalise  # noqa: E402
from trustseg_lab.training.start.vgg16 import CONVS_PER_STAGE, VGG_MEAN_BGR, WIDTHS, start_from_vgg16  # noqa: E402

SHAPE = SegNetConfig(
    3, stem=1, widths=tuple(WIDTHS), encoder_convs=tuple(CONVS_PER_STAGE), decoder_convs=(0, 0, 0, 1, 1),
    encoder_residual=False, decoder_narrow_first=True,
)  # fmt: skip
SMALL = SegNetConfig(
    3, stem=1, widths=(4, 6, 8), encoder_convs=(1, 2, 1), decoder_convs=(0, 2, 1), encoder_residual=False
)


def random_vgg16(path: Path) -> dict[str, torch.Tensor]:
    """Random weights under torchvision's names: number of the layer in a list with ReLUs and pools."""
    torch.manual_seed(1)
    tensors, number, inputs = {}, 0, 3
    for width, convs in zip(WIDTHS, CONVS_PER_STAGE, strict=True):
        for _ in range(convs):
            scale = (2 / (9 * inputs)) ** 0.5
            tensors[f"{number}.weight"] = (torch.randn(width, inputs, 3, 3) * scale).half()
            tensors[f"{number}.bias"] = (torch.randn(width) * 0.1).half()
            number, inputs = number + 2, width
        number += 1
    save_file(tensors, str(path))
    return tensors


def vgg16_maps(tensors: dict[str, torch.Tensor], rgb: torch.Tensor) -> list[torch.Tensor]:
    """What VGG16 itself makes of uint8 RGB (N, H, W, 3): the last map of every stage. Padding is the mean colour."""
    x = rgb.flip(-1).permute(0, 3, 1, 2).float() - torch.tensor(VGG_MEAN_BGR).view(1, 3, 1, 1)
    maps, number = [], 0
    for convs in CONVS_PER_STAGE:
        for _ in range(convs):
            x = F.relu(F.conv2d(x, tensors[f"{number}.weight"].float(), tensors[f"{number}.bias"].float(), padding=1))
            number += 2
        maps.append(x)
        x, number = F.max_pool2d(x, 2, 2, ceil_mode=True), number + 1
    return maps


def test_the_encoder_starts_as_vgg16_up_to_one_scale_a_layer(tmp_path: Path) -> None:
    tensors = random_vgg16(tmp_path / "vgg.safetensors")
    network = SegNet(SHAPE)
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8))
    start_from_vgg16(network, tmp_path / "vgg.safetensors", normalise(images))
    seen: list[torch.Tensor] = []
    for block in network.encoder:
        block.register_forward_hook(lambda _m, _i, output: seen.append(output))
    with torch.no_grad():
        network.eval()(normalise(images))
    for ours, theirs in zip(seen, vgg16_maps(tensors, images), strict=True):
        # The border differs: zeros there mean CamVid's mean colour to us, ImageNet's to VGG16.
        inner = (..., slice(2, -2), slice(2, -2)) if ours.shape[-1] > 8 else (...,)
        scale = float((ours[inner] * theirs[inner]).sum() / (theirs[inner] ** 2).sum())
        error = float((ours[inner] - scale * theirs[inner]).abs().mean() / ours[inner].abs().mean())
        assert error < 0.05
        assert 0.2 < float(ours.std()) < 2.0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t: t.pop("28.weight"), "13 convolutions|no weights of VGG16"),
        (lambda t: t.update({"5.weight": torch.zeros(128, 32, 3, 3).half()}), "convolution 3"),
        (lambda t: t.pop("0.bias"), "no weights of VGG16"),
    ],
)
def test_other_weights_are_refused(tmp_path: Path, spoil: object, message: str) -> None:
    tensors = random_vgg16(tmp_path / "vgg.safetensors")
    spoil(tensors)  # type: ignore[operator]
    save_file(tensors, str(tmp_path / "vgg.safetensors"))
    with pytest.raises(InputError, match=message):
        start_from_vgg16(SegNet(SHAPE), tmp_path / "vgg.safetensors", torch.zeros(1, 3, 32, 32))


def test_a_missing_file_and_another_encoder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        start_from_vgg16(SegNet(SHAPE), tmp_path / "none.safetensors", torch.zeros(1, 3, 32, 32))
    random_vgg16(tmp_path / "vgg.safetensors")
    with pytest.raises(InputError, match="cannot start from VGG16"):
        start_from_vgg16(SegNet(SMALL), tmp_path / "vgg.safetensors", torch.zeros(1, 3, 32, 32))


def test_leading_zeros_leave_the_finest_stages_out() -> None:
    assert (SMALL.logits_level, SMALL.output_stride, SMALL.decoded_width) == (1, 2, 4)
    assert (SegNetConfig(3).logits_level, SegNetConfig(3).output_stride, SegNetConfig(3).decoded_width) == (0, 2, 32)
    deeper = replace(SMALL, stem=2, decoder_convs=(0, 0, 1))
    assert (deeper.logits_level, deeper.output_stride, deeper.decoded_width) == (2, 8, 6)
    out = SegNet(SMALL).eval()(torch.zeros(1, 3, 36, 48))
    assert out.logits.shape == (1, 3, 18, 24)
    assert out.decoded.shape == (1, 4, 18, 24)


def test_narrow_first_changes_the_width_in_the_first_unit() -> None:
    widths = [
        [unit.conv.weight.shape[:2] for unit in SegNet(replace(SMALL, decoder_narrow_first=narrow)).decoder[1]]
        for narrow in (True, False)
    ]
    assert widths == [[(4, 6), (4, 4)], [(6, 6), (4, 6)]]


@pytest.mark.slow
def test_its_graph_equals_the_network() -> None:
    torch.manual_seed(0)
    network = SegNet(SMALL)
    parity = exported_parity(network)
    assert parity.mask_agreement == 1.0
    assert parity.confidence_mean_abs < 0.1
