"""SegNet: an encoder of convolutions and 2x2 max-pools whose indices place the decoder's values (Badrinarayanan 2017).

The lite form keeps the idea and drops what costs most on an embedded computer: a space-to-depth stem lets the first
stage work at half resolution, and the logits are made there too and upsampled twofold. All widths are configuration.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trustseg.network import pooling


@dataclass(frozen=True)
class SegNetConfig:
    """Shape of the network; part of every checkpoint.

    Attributes:
        classes: number of classes C.
        stem: space-to-depth factor of the input (1 = none).
        widths: channels of each encoder stage, from the finest to the deepest.
        encoder_convs: 3x3 convolutions in each encoder stage.
        decoder_convs: 3x3 convolutions in each decoder stage, given from the finest to the deepest. Unpooling leaves
            three of four places empty: with one convolution a stage the finest maps stay ragged.
        dropout: channel dropout after the deepest encoder stages while training.
        lateral: initial scale of the encoder maps that are added, channel by channel, to the unpooled ones (a learned
            vector a level); None leaves them out, as the published SegNet does.
    """

    classes: int
    stem: int = 2
    widths: tuple[int, ...] = (32, 64, 96, 128, 160)
    encoder_convs: tuple[int, ...] = (1, 1, 3, 3, 2)
    decoder_convs: tuple[int, ...] = (2, 2, 2, 2, 2)
    dropout: float = 0.1
    lateral: float | None = 1.0


class ConvUnit(nn.Module):
    """3x3 convolution, batch norm, ReLU; adds its input where the widths allow it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.residual = inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.conv(x))
        return F.relu(x + y if self.residual else y)


def stage(inputs: int, outputs: int, convs: int, *, change_last: bool = False) -> nn.Sequential:
    """`convs` units; the change of width happens in the first one, or in the last one in a decoder."""
    widths = [inputs] * (convs if change_last else 1) + [outputs] * (1 if change_last else convs)
    return nn.Sequential(*[ConvUnit(a, b) for a, b in itertools.pairwise(widths)])


@dataclass
class SegNetOutput:
    """Half-resolution maps of one pass (at 1/stem of the input).

    Attributes:
        logits: float (N, C, H/stem, W/stem).
        decoded: float (N, widths[0], H/stem, W/stem), the last decoder map: input of the confidence head.
        deepest: float (N, widths[-1], h, w), the deepest encoder map: input of the strangeness model.
    """

    logits: Tensor
    decoded: Tensor
    deepest: Tensor


class SegNet(nn.Module):
    """Encoder-decoder with pooling indices. Input float (N, 3, H, W), normalised RGB; H and W divisible by `stem`."""

    def __init__(self, config: SegNetConfig) -> None:
        super().__init__()
        self.config = config
        self.portable = False  # the graph wrapper turns this on for export
        inputs = [3 * config.stem**2, *config.widths[:-1]]
        self.encoder = nn.ModuleList(
            stage(a, b, n) for a, b, n in zip(inputs, config.widths, config.encoder_convs, strict=True)
        )
        # The decoder stage of a level ends with the width that the level above unpools.
        outputs = [config.widths[0], *config.widths[:-1]]
        self.decoder = nn.ModuleList(
            stage(a, b, n, change_last=True)
            for a, b, n in zip(config.widths, outputs, config.decoder_convs, strict=True)
        )
        # Indices say where a maximum was, not what it was: without the encoder's own values thin things (poles, signs)
        # are hardly learned. Adding them costs no convolution.
        scales = [] if config.lateral is None else [torch.full((1, w, 1, 1), config.lateral) for w in outputs[1:]]
        self.lateral = nn.ParameterList([nn.Parameter(scale) for scale in scales])
        self.dropout = nn.Dropout2d(config.dropout)
        self.classifier = nn.Conv2d(config.widths[0], config.classes, 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.classifier.weight, std=0.01)

    def forward(self, x: Tensor) -> SegNetOutput:
        pool = pooling.pool_portable if self.portable else pooling.pool_native
        unpool = pooling.unpool_portable if self.portable else pooling.unpool_native
        if self.config.stem > 1:
            x = F.pixel_unshuffle(x, self.config.stem)
        places: list[tuple[Any, Tensor]] = []  # indices or masks, and the map that was pooled
        last = len(self.encoder) - 1
        for level, block in enumerate(self.encoder):
            x = block(x)
            if level >= last - 1:
                x = self.dropout(x)
            if level < last:
                before = x
                x, index = pool(x)
                places.append((index, before))
        deepest = x
        for level in range(last, -1, -1):
            x = self.decoder[level](x)
            if level:
                index, before = places[level - 1]
                x = unpool(x, index, (before.shape[-2], before.shape[-1]))
                if self.config.lateral is not None:
                    x = x + self.lateral[level - 1] * before
        return SegNetOutput(self.classifier(x), x, deepest)


def upsample(logits: Tensor, stem: int) -> Tensor:
    """Bilinear upsampling of (N, C, h, w) by `stem` to the network's input size."""
    if stem == 1:
        return logits
    return F.interpolate(logits, scale_factor=float(stem), mode="bilinear", align_corners=False)


def multiply_accumulates(model: SegNet, height: int, width: int) -> int:
    """Multiply-accumulate operations of the convolutions for one image of (height, width)."""
    total = 0

    def count(module: nn.Module, _inputs: object, output: Tensor) -> None:
        nonlocal total
        if isinstance(module, nn.Conv2d):
            per_output = module.weight[0].numel()
            total += per_output * output.numel() // output.shape[0]

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.Conv2d)]
    was_training = model.training
    model.eval()
    with torch.no_grad():
        model(torch.zeros(1, 3, height, width))
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return total
