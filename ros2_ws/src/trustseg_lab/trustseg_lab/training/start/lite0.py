# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start an encoder from EfficientNet-Lite0's ImageNet weights, so that it computes at first what that network computes.

The stem's 3x3 pixels become part of a convolution over cells of 2x2 pixels whose other weights start at zero, for our
normalisation of the image. Published weights were made for padding at the lower right edge alone where the map halves;
here it is on all sides, which moves what a unit sees by one pixel.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from trustseg.errors import InputError
from trustseg_lab.network.encoder_layouts import LITE0
from trustseg_lab.network.inverted import NormedConv
from trustseg_lab.network.segnet import SegNet
from trustseg_lab.training.batches import MEAN, STD

HALF = 0.5  # mean and deviation of the images that the published weights were made for, each colour 0..1
NORM_EPSILON = 1e-3  # of the published batch norms
PER_LAYER = 5  # tensors: weight; scale, offset, mean and variance of its batch norm


def read_lite0(path: Path) -> list[Tensor]:
    """Float32 tensors of a published file in order, counters left out; InputError where it holds no such network."""
    if not path.is_file():
        raise InputError(f"no such file: {path}", fix="give the file of EfficientNet-Lite0's weights (.pth)")
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        return [value.float() for name, value in stored.items() if "num_batches" not in name]
    except Exception as error:
        raise InputError(f"{path} holds no weights", got=str(error).splitlines()[0]) from None


@torch.no_grad()
def start_from_lite0(network: SegNet, path: Path) -> None:
    """Load EfficientNet-Lite0 into the encoder of `network`, in place.

    Raises:
        InputError: the file or the encoder is not EfficientNet-Lite0's.
    """
    if network.config.encoder != LITE0 or network.config.stem != 2:
        raise InputError(
            "this encoder cannot start from EfficientNet-Lite0", expected=f"encoder: {LITE0}, stem: 2",
            got=f"encoder: {network.config.encoder}, stem: {network.config.stem}",
        )  # fmt: skip
    tensors = read_lite0(path)
    layers = [each for each in network.encoder.modules() if isinstance(each, NormedConv)]
    if len(tensors) < PER_LAYER * len(layers):
        raise InputError(
            f"{path} holds no EfficientNet-Lite0", expected=f"{PER_LAYER * len(layers)} tensors or more",
            got=str(len(tensors)),
        )  # fmt: skip
    for number, layer in enumerate(layers):
        weight, scale, offset, mean, variance = tensors[PER_LAYER * number : PER_LAYER * (number + 1)]
        if number == 0:
            weight, mean = for_our_input(weight, mean, path)
        if weight.shape != layer.conv.weight.shape or scale.shape != layer.norm.weight.shape:
            raise InputError(
                f"{path}: convolution {number + 1}", expected=str(tuple(layer.conv.weight.shape)),
                got=str(tuple(weight.shape)),
            )  # fmt: skip
        layer.conv.weight.copy_(weight)
        layer.norm.weight.copy_(scale)
        layer.norm.bias.copy_(offset)
        layer.norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        layer.norm.running_var.copy_(variance + NORM_EPSILON - layer.norm.eps)  # type: ignore[union-attr]


def for_our_input(weight: Tensor, mean: Tensor, path: Path) -> tuple[Tensor, Tensor]:
    """The stem (outputs, 3, 3, 3), of a stride of 2, over cells of 2x2 pixels of our normalised image: weight
    (outputs, 12, 3, 3), channels as `pixel_unshuffle` counts them, and its batch norm's mean."""
    if weight.dim() != 4 or weight.shape[1:] != (3, 3, 3):
        raise InputError(f"{path}: stem", expected="(outputs, 3, 3, 3)", got=str(tuple(weight.shape)))
    scaled = weight * (torch.tensor(STD) / HALF).view(1, 3, 1, 1)
    offset = (torch.tensor(MEAN) - HALF) / HALF
    pixels = torch.zeros(len(weight), 3, 6, 6)
    pixels[:, :, 1:4, 1:4] = scaled
    cells = pixels.reshape(-1, 3, 3, 2, 3, 2).permute(0, 1, 3, 5, 2, 4).reshape(-1, 12, 3, 3)
    return cells, mean - (weight.sum((2, 3)) * offset).sum(1)
