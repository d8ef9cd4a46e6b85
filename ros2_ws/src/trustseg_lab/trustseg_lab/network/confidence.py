# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Per-pixel confidence: softmax signals, the fused head that learns the true class probability, and its 8-bit code.

The head starts from the maximum class probability (MCP) and learns what to add to its logit; its targets, forms of the
true class probability (Corbiere et al. 2019), are in `trustseg_lab.training.head.targets`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CODE_MIN, CODE_MAX = -3.0, 9.0
"""Range of the logit that the 8-bit confidence code spans, evenly spaced in the logit."""


@dataclass
class SoftmaxSignals:
    """What the softmax says of each pixel; every map float32 (N, 1, h, w).

    Attributes:
        mcp: largest class probability.
        margin: largest minus second largest class probability.
        entropy: softmax entropy over log(C), in [0, 1].
        mcp_logit: log(mcp / (1 - mcp)), without cancellation near 1.
    """

    mcp: Tensor
    margin: Tensor
    entropy: Tensor
    mcp_logit: Tensor


def softmax_signals(logits: Tensor) -> SoftmaxSignals:
    """Signals of float32 logits (N, C, h, w), by log-sum-exp and a masked second maximum (no sort, no TopK)."""
    classes = logits.shape[1]
    top = logits.amax(1, keepdim=True)
    shifted = logits - top
    exponential = shifted.exp()
    total = exponential.sum(1, keepdim=True)
    mcp = 1 / total
    # Only the first maximum is masked, so that two equal logits give a margin of zero.
    first = logits.argmax(1, keepdim=True)
    index = torch.arange(classes, device=logits.device).view(1, classes, 1, 1)
    second = torch.where(index == first, torch.full_like(logits, -1e4), shifted).amax(1, keepdim=True)
    margin = mcp * (1 - second.exp())
    expected = (exponential * shifted).sum(1, keepdim=True) * mcp
    entropy = (total.log() - expected) / float(torch.log(torch.tensor(float(classes))))
    others = (total - 1).clamp(min=1e-6)
    return SoftmaxSignals(mcp, margin, entropy, -others.log())


class ConfidenceHead(nn.Module):
    """Says, from decoder features, softmax signals and their local means, what to add to the MCP's own logit.

    1x1 to `hidden` channels; with the six signal maps through a depthwise 3x3 and a 1x1: about 0.1 GMAC at 180x240.
    The addition is made at the logits' resolution and upsampled; the MCP it is added to is the full-resolution one, or
    the confidence would be blurred along edges, where most errors are.
    """

    decoded_mean: Tensor
    decoded_scale: Tensor

    def __init__(self, decoded: int, hidden: int = 24) -> None:
        super().__init__()
        self.register_buffer("decoded_mean", torch.zeros(decoded))
        self.register_buffer("decoded_scale", torch.ones(decoded))
        self.folded = False
        self.reduce = nn.Conv2d(decoded, hidden, 1)
        self.depthwise = nn.Conv2d(hidden + 6, hidden + 6, 3, padding=1, groups=hidden + 6)
        self.mix = nn.Conv2d(hidden + 6, hidden, 1)
        self.last = nn.Conv2d(hidden, 1, 1)
        self.mcp_weight = nn.Parameter(torch.ones(()))
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, decoded: Tensor, signals: SoftmaxSignals) -> Tensor:
        """What is added to the MCP's logit, float (N, 1, h, w) at the resolution of `decoded` (N, D, h, w)."""
        if not self.folded:
            decoded = (decoded - self.decoded_mean.view(1, -1, 1, 1)) * self.decoded_scale.view(1, -1, 1, 1)
        reduced = F.relu(self.reduce(decoded))
        maps = torch.cat([signals.mcp, signals.margin, signals.entropy], 1)
        # A mean over 6x6 pixels at half the resolution: a fifth of the time of a 5x5 mean at the full one.
        coarse = F.avg_pool2d(F.avg_pool2d(maps, 2, ceil_mode=True), 3, 1, 1, count_include_pad=False)
        local = F.interpolate(coarse, scale_factor=2.0, mode="nearest")[..., : maps.shape[-2], : maps.shape[-1]]
        x = F.relu(self.depthwise(torch.cat([reduced, maps, local], 1)))
        added: Tensor = self.last(F.relu(self.mix(x)))
        return added

    def fold(self) -> ConfidenceHead:
        """Put the normalisation of `decoded` into the weights of the convolution behind it; returns itself."""
        if not self.folded and self.reduce.bias is not None:
            with torch.no_grad():
                scaled = self.reduce.weight * self.decoded_scale.view(1, -1, 1, 1)
                self.reduce.bias -= (scaled * self.decoded_mean.view(1, -1, 1, 1)).sum((1, 2, 3))
                self.reduce.weight.copy_(scaled)
            self.folded = True
        return self

    def fuse(self, added: Tensor, mcp_logit: Tensor) -> Tensor:
        """Confidence logit: what the head adds and the weighted MCP logit, both (N, 1, h, w) of one resolution."""
        return added + self.mcp_weight * mcp_logit.clamp(CODE_MIN, CODE_MAX)


def mcp_logits(logits: Tensor) -> Tensor:
    """log(mcp / (1 - mcp)) float32 (N, 1, h, w) of logits (N, C, h, w), within the range of the confidence code.

    The sum over classes is a convolution with ones: runtimes are slow at softmax or at sums over this axis (19 or 8 ms
    at 360x480 in one of two runtimes, upsampling included; 5 and 4 with this).
    """
    ones = torch.ones((1, logits.shape[1], 1, 1), dtype=logits.dtype, device=logits.device)
    total = F.conv2d((logits - logits.amax(1, keepdim=True)).exp(), ones)
    return -(total - 1).clamp(min=1e-6).log().clamp(-CODE_MAX, -CODE_MIN)


def encode(confidence_logit: Tensor) -> Tensor:
    """The 8-bit confidence code as float32 0..255: round(255 * (clip(logit) - min) / (max - min))."""
    clipped = confidence_logit.clamp(CODE_MIN, CODE_MAX)
    return torch.round((clipped - CODE_MIN) * (255.0 / (CODE_MAX - CODE_MIN)))
