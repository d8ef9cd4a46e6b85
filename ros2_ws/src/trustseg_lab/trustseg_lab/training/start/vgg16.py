# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Start an encoder from VGG16's ImageNet weights, so that it computes at first what VGG16 computes.

The weights are made for BGR images on a scale of 0 to 255 with a mean taken out, and for layers without batch norm. The
colours' order and scale go into the first convolution. Each batch norm gets the statistics of its convolution on
training images and the scale and offset that undo them; every layer is divided by its own deviation, which a rectified
network does not notice, so that what the decoder sees is of the order of one.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from trustseg.errors import InputError
from trustseg_lab.network.segnet import ConvUnit, SegNet
from trustseg_lab.training.batches import MEAN, STD

VGG_MEAN_BGR = (103.939, 116.779, 123.68)
CONVS_PER_STAGE = [2, 2, 3, 3, 3]
WIDTHS = [64, 128, 256, 512, 512]


def read_vgg16(path: Path) -> list[tuple[Tensor, Tensor]]:
    """float32 (weight, bias) of VGG16's thirteen convolutions, in order, from torchvision's key names."""
    if not path.is_file():
        raise InputError(f"no such file: {path}", fix="give a safetensors file of VGG16's convolutions")
    try:
        tensors = load_file(str(path))
        numbers = sorted({int(name.split(".")[-2]) for name in tensors if name.endswith("weight")})[:13]
        prefix = "features." if f"features.{numbers[0]}.weight" in tensors else ""
        layers = [
            (tensors[f"{prefix}{n}.weight"].float(), tensors[f"{prefix}{n}.bias"].float()) for n in numbers
        ]  # fmt: skip
    except Exception as error:
        raise InputError(f"{path} holds no weights of VGG16", got=str(error).splitlines()[0]) from None
    widths = [3] + [width for width, convs in zip(WIDTHS, CONVS_PER_STAGE, strict=True) for _ in range(convs)]
    for number, ((weight, bias), (inputs, outputs)) in enumerate(zip(layers, pairwise(widths), strict=False)):
        if weight.shape != (outputs, inputs, 3, 3) or bias.shape != (outputs,):
            raise InputError(
                f"{path}: convolution {number + 1}", expected=str((outputs, inputs, 3, 3)), got=str(tuple(weight.shape))
            )
    if len(layers) != 13:
        raise InputError(f"{path} holds no VGG16", expected="13 convolutions", got=str(len(layers)))
    return layers


def for_our_input(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The first convolution for normalised RGB instead of BGR of 0 to 255; zero padding then means the mean colour."""
    rgb = weight.flip(1)
    scale = 255.0 * torch.tensor(STD).view(1, 3, 1, 1)
    offset = 255.0 * torch.tensor(MEAN) - torch.tensor(VGG_MEAN_BGR).flip(0)
    return rgb * scale, bias + (rgb.sum((2, 3)) * offset).sum(1)


@torch.no_grad()
def start_from_vgg16(network: SegNet, path: Path, images: Tensor) -> None:
    """Load VGG16 into the encoder of `network`, in place; `images` float32 (N, 3, H, W), normalised, of the train set.

    Raises InputError when the file or the encoder's shape is not VGG16's.
    """
    config = network.config
    if list(config.widths) != WIDTHS or list(config.encoder_convs) != CONVS_PER_STAGE or config.stem != 1:
        raise InputError(
            "this encoder cannot start from VGG16",
            expected=f"stem 1, widths {WIDTHS}, encoder_convs {CONVS_PER_STAGE}",
            got=f"stem {config.stem}, widths {list(config.widths)}, encoder_convs {list(config.encoder_convs)}",
        )  # fmt: skip
    layers = read_vgg16(path)
    layers[0] = for_our_input(*layers[0])
    x, scale, number = images, 1.0, 0
    for stage, block in enumerate(network.encoder):
        for unit in (each for each in block.modules() if isinstance(each, ConvUnit)):
            weight, bias = layers[number]
            response = F.conv2d(x, weight, padding=1)  # VGG16's is scale * response + bias
            mean, variance = response.mean((0, 2, 3)), response.var((0, 2, 3))
            deviation = float((scale * response + bias.view(1, -1, 1, 1)).std())
            unit.conv.weight.copy_(weight)
            norm = unit.norm
            norm.running_mean.copy_(mean)  # type: ignore[union-attr]
            norm.running_var.copy_(variance)  # type: ignore[union-attr]
            norm.weight.copy_((variance + norm.eps).sqrt() * scale / deviation)
            norm.bias.copy_((scale * mean + bias) / deviation)
            x = F.relu((scale * response + bias.view(1, -1, 1, 1)) / deviation)
            scale, number = deviation, number + 1
        if stage < len(network.encoder) - 1:
            x = F.max_pool2d(x, 2, 2, ceil_mode=True)
