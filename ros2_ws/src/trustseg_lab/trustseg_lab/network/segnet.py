# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""SegNet: an encoder of convolutions and 2x2 max-pools whose indices place the decoder's values (Badrinarayanan 2017).

The lite form keeps the idea and drops what costs most on an embedded computer: a space-to-depth stem lets the first
stage work at half resolution, and the logits are made there too and upsampled twofold. The VGG16 form keeps the
published encoder, whose weights can come from ImageNet, and slims the decoder; so can those of the form with
EfficientNet-Lite0's encoder (`trustseg_lab.network.inverted`). All other widths are configuration.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from trustseg_lab.network import pooling
from trustseg_lab.network.encoder_layouts import LITE0, LITE0_UNITS, LITE0_WIDTHS, PLAIN
from trustseg_lab.network.inverted import lite0_stages

RARE = -3.0  # logit of an unknown object before anything is learned: one place of twenty


@dataclass(frozen=True)
class SegNetConfig:
    """Shape of the network; part of every checkpoint.

    Attributes:
        classes: number of classes C.
        stem: space-to-depth factor of the input (1 = none).
        widths: channels of each encoder stage, from the finest to the deepest.
        encoder_convs: 3x3 convolutions in each encoder stage.
        decoder_convs: 3x3 convolutions in each decoder stage, given from the finest to the deepest. Unpooling leaves
            three of four places empty: with one convolution a stage the finest maps stay ragged. Zeros at the front
            leave the finest stages out: the logits are made at the level before.
        dropout: channel dropout after the deepest encoder stages while training.
        lateral: initial scale of the encoder maps that are added, channel by channel, to the unpooled ones (a learned
            vector a level); None leaves them out, as the published SegNet does.
        encoder_residual: whether encoder units of equal widths add their input; VGG16's do not.
        decoder_narrow_first: whether a decoder stage changes its width in its first unit (a wide stage costs less) or
            in its last one.
        encoder_groups: groups of the 3x3 convolutions of each encoder stage: 1 is a plain one; g one of g groups that a
            1x1 convolution mixes; 0 as many groups as channels (depthwise). Empty: 1 everywhere.
        decoder_groups: the same of each decoder stage, from the finest to the deepest.
        guide: channels of a map of the image itself, at twice the resolution of the decoder's last map, in whose light
            that map is enlarged before the logits are made; 0 makes them where the decoder ends.
        unknown: whether a plane beside the classes says how much each place looks like no class at all.
        encoder: PLAIN (3x3 convolutions and max-pools) or LITE0: EfficientNet-Lite0's units, which halve the map by a
            stride; widths and encoder_convs (units) are then that network's.
    """

    classes: int
    stem: int = 2
    widths: tuple[int, ...] = (32, 64, 96, 128, 160)
    encoder_convs: tuple[int, ...] = (1, 1, 3, 3, 2)
    decoder_convs: tuple[int, ...] = (2, 2, 2, 2, 2)
    dropout: float = 0.1
    lateral: float | None = 1.0
    encoder_residual: bool = True
    decoder_narrow_first: bool = False
    encoder_groups: tuple[int, ...] = ()
    decoder_groups: tuple[int, ...] = ()
    guide: int = 0
    unknown: bool = False
    encoder: str = PLAIN

    def __post_init__(self) -> None:
        shape = (tuple(self.widths), tuple(self.encoder_convs))
        if self.encoder not in (PLAIN, LITE0):
            raise ValueError(f"encoder is {self.encoder!r}, not {PLAIN} or {LITE0}")
        if self.encoder == LITE0 and (shape != (LITE0_WIDTHS, LITE0_UNITS) or self.encoder_groups):
            raise ValueError(
                f"encoder {LITE0} has widths {list(LITE0_WIDTHS)}, encoder_convs {list(LITE0_UNITS)} and no groups"
            )

    @property
    def logits_level(self) -> int:
        """Encoder stage at whose resolution the decoder ends: 0 is the finest."""
        return next((level for level, convs in enumerate(self.decoder_convs) if convs), len(self.decoder_convs) - 1)

    @property
    def output_stride(self) -> int:
        """Pixels of the input to one of the logits, along each axis."""
        return int(self.stem * 2**self.logits_level) // (2 if self.guide else 1)

    @property
    def decoded_width(self) -> int:
        """Channels of the map that the logits are made from."""
        return self.guide or self.widths[max(0, self.logits_level - 1)]

    @property
    def embedding(self) -> int:
        """Channels of the deepest map."""
        return self.widths[-1]


class ConvUnit(nn.Module):
    """3x3 convolution, batch norm, ReLU; adds its input where the widths allow it, unless told not to.

    With `groups` other than 1 the 3x3 convolution is of that many groups (0: depthwise) and a 1x1 one mixes them.
    """

    def __init__(self, inputs: int, outputs: int, residual: bool = True, groups: int = 1) -> None:
        super().__init__()
        self.spatial = None if groups == 1 else grouped(inputs, groups)
        self.conv = nn.Conv2d(inputs, outputs, 3 if groups == 1 else 1, padding=int(groups == 1), bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.residual = residual and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        y = self.norm(self.conv(x if self.spatial is None else self.spatial(x)))
        return F.relu(x + y if self.residual else y)


def grouped(channels: int, groups: int) -> nn.Conv2d:
    """A 3x3 convolution of `groups` groups (0: one a channel) that keeps the width."""
    return nn.Conv2d(channels, channels, 3, padding=1, groups=groups or channels, bias=False)


def stage(
    inputs: int, outputs: int, convs: int, *, change_last: bool = False, residual: bool = True, groups: int = 1
) -> nn.Sequential:  # fmt: skip
    """`convs` units; the change of width happens in the first one, or in the last one."""
    widths = [inputs] * (convs if change_last else 1) + [outputs] * (1 if change_last else convs)
    return nn.Sequential(*[ConvUnit(a, b, residual, groups) for a, b in itertools.pairwise(widths)])


class Guide(nn.Module):
    """Enlarges a map twofold along the edges of the image: what both say is added and mixed by one depthwise unit."""

    def __init__(self, decoded: int, cell: int, channels: int) -> None:
        super().__init__()
        self.cell = cell
        self.image = ConvUnit(3 * cell**2, channels)
        self.project = nn.Conv2d(decoded, channels, 1, bias=False)
        self.mix = ConvUnit(channels, channels, groups=0)

    def forward(self, image: Tensor, decoded: Tensor) -> Tensor:
        """(N, channels, 2h, 2w) of the normalised image and the decoded map (N, D, h, w)."""
        seen = self.image(F.pixel_unshuffle(image, self.cell) if self.cell > 1 else image)
        enlarged = upsample(self.project(decoded), 2)
        mixed: Tensor = self.mix(F.relu(enlarged + seen))
        return mixed


@dataclass
class SegNetOutput:
    """Maps of one pass; h and w are the input's H and W over the output stride.

    Attributes:
        logits: float (N, C, h, w).
        decoded: float (N, D, h, w), the last decoder map: input of the confidence head.
        deepest: float (N, widths[-1], a, b), the deepest encoder map: input of the OOD score's model.
        members: of a pair (`trustseg_lab.network.pair`) both networks' own logits; else empty.
        divergence: of a pair, float (N, 1, h, w) in [0, 1], how far both networks disagree; else None.
        unknown: float (N, 1, h, w), logit of an object that no class describes; None in a network without it.
    """

    logits: Tensor
    decoded: Tensor
    deepest: Tensor
    members: tuple[Tensor, ...] = ()
    divergence: Tensor | None = None
    unknown: Tensor | None = None


class SegNet(nn.Module):
    """Encoder-decoder with pooling indices. Input: float (N, 3, H, W), normalised; the output stride divides H, W."""

    def __init__(self, config: SegNetConfig) -> None:
        super().__init__()
        self.config = config
        self.portable = False  # the graph wrapper turns this on for export
        self.strided = config.encoder == LITE0
        inputs = [3 * config.stem**2, *config.widths[:-1]]
        plain = (1,) * len(config.widths)
        shapes = zip(inputs, config.widths, config.encoder_convs, config.encoder_groups or plain, strict=True)
        if self.strided:
            self.encoder = nn.ModuleList(lite0_stages(inputs[0]))
        else:
            self.encoder = nn.ModuleList(
                stage(a, b, n, residual=config.encoder_residual, groups=g) for a, b, n, g in shapes
            )
        # The decoder stage of a level ends with the width that the level above unpools.
        outputs = [config.widths[0], *config.widths[:-1]]
        shapes = zip(config.widths, outputs, config.decoder_convs, config.decoder_groups or plain, strict=True)
        self.decoder = nn.ModuleList(
            stage(a, b, n, change_last=not config.decoder_narrow_first, groups=g) if n else nn.Sequential()
            for a, b, n, g in shapes
        )
        # Indices say where a maximum was, not what it was: without the encoder's own values thin things (poles, signs)
        # are hardly learned. Adding them costs no convolution.
        scales = [] if config.lateral is None else [torch.full((1, w, 1, 1), config.lateral) for w in outputs[1:]]
        scales = [scale for level, scale in enumerate(scales) if level >= config.logits_level]
        self.lateral = nn.ParameterList([nn.Parameter(scale) for scale in scales])
        self.dropout = nn.Dropout2d(config.dropout)
        ends = config.widths[max(0, config.logits_level - 1)]
        cell = config.output_stride
        self.guide = Guide(ends, cell, config.guide) if config.guide else None
        self.classifier = nn.Conv2d(config.decoded_width, config.classes, 1)
        self.unknown = nn.Conv2d(config.decoded_width, 1, 1) if config.unknown else None
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.normal_(self.classifier.weight, std=0.01)
        if self.unknown is not None:
            nn.init.normal_(self.unknown.weight, std=0.01)
            nn.init.constant_(self.unknown.bias, RARE)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> SegNetOutput:
        """See the class."""
        pool = pooling.pool_portable if self.portable else pooling.pool_native
        unpool = pooling.unpool_portable if self.portable else pooling.unpool_native
        image = x
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
                pooled, index = pool(x)
                x = before if self.strided else pooled
                places.append((index, before))
        deepest = x
        finest = self.config.logits_level
        for level in range(last, finest - 1, -1):
            x = self.decoder[level](x)
            if level > finest:
                index, before = places[level - 1]
                x = unpool(x, index, (before.shape[-2], before.shape[-1]))
                if self.config.lateral is not None:
                    x = x + self.lateral[level - 1 - finest] * before
        if self.guide is not None:
            x = self.guide(image, x)
        unknown = None if self.unknown is None else self.unknown(x)
        return SegNetOutput(self.classifier(x), x, deepest, unknown=unknown)


def upsample(logits: Tensor, stride: int) -> Tensor:
    """Bilinear upsampling of (N, C, h, w) by `stride` to the network's input size."""
    if stride == 1:
        return logits
    return F.interpolate(logits, scale_factor=float(stride), mode="bilinear", align_corners=False)


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
