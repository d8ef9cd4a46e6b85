"""The one graph: a uint8 camera image in; labels, confidence code and pooled features out."""

from __future__ import annotations

import copy

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from trustseg.network.confidence import ConfidenceHead, encode, mcp_logits, softmax_signals
from trustseg.network.features import count_nonfinite, pooled_features
from trustseg.network.segnet import ConvUnit, SegNet, upsample

# A trapezoid ahead of the car, in relative (x, y): the part of the image that a planner is about to drive on.
CORRIDOR = ((0.38, 0.55), (0.62, 0.55), (0.95, 1.0), (0.05, 1.0))


def corridor_mask(height: int, width: int, polygon: tuple[tuple[float, float], ...] = CORRIDOR) -> Tensor:
    """float32 (1, 1, height, width): 1 inside the polygon given in relative coordinates."""
    points = np.array([[x * width, y * height] for x, y in polygon]).round().astype(np.int32)
    mask = np.zeros((height, width), np.uint8)
    cv2.fillPoly(mask, [points], 1)
    return torch.from_numpy(mask.astype(np.float32))[None, None]


def fold_batch_norm(network: SegNet) -> SegNet:
    """A copy in evaluation mode whose batch norms are folded into the convolutions before them (in float32)."""
    folded = copy.deepcopy(network).eval()
    for module in folded.modules():
        if isinstance(module, ConvUnit):
            module.conv = fuse_conv_bn_eval(module.conv, module.norm)
            module.norm = nn.Identity()  # type: ignore[assignment]
    return folded


class DeployGraph(nn.Module):
    """What is exported. Input uint8 (1, H, W, 3) RGB.

    Returns labels uint8 (1, H, W), confidence code uint8 (1, H, W), features float32 (1, K), and the logits
    float32 (1, C, H, W) that evaluation may look at.
    """

    mean: Tensor
    inverse_std: Tensor
    corridor: Tensor

    def __init__(
        self, network: SegNet, head: ConfidenceHead, size: tuple[int, int], mean: tuple[float, ...],
        std: tuple[float, ...],
    ) -> None:  # fmt: skip
        super().__init__()
        self.network = fold_batch_norm(network)
        self.network.portable = True
        self.head = copy.deepcopy(head).eval()
        stem = network.config.output_stride
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("inverse_std", 1 / torch.tensor(std, dtype=torch.float32).view(1, 3, 1, 1))
        self.register_buffer("corridor", corridor_mask(size[0] // stem, size[1] // stem))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        # Cast before the transpose: TensorRT transposes no uint8.
        rgb = image.float().permute(0, 3, 1, 2) * (1 / 255.0)
        out = self.network((rgb - self.mean) * self.inverse_std)
        signals = softmax_signals(out.logits)
        added = self.head(out.decoded, signals)
        stem = self.network.config.output_stride
        logits = upsample(out.logits, stem)
        confidence_logit = self.head.fuse(upsample(added, stem), mcp_logits(logits))
        labels = logits.argmax(1).float().to(torch.uint8)
        sane = (count_nonfinite(out.logits) < 0.5).view(-1, 1, 1, 1)
        code = torch.where(sane, encode(confidence_logit), torch.zeros(()))
        coarse = self.head.fuse(added, signals.mcp_logit).sigmoid()  # for the means, which need no full resolution
        features = pooled_features(rgb, out.logits, signals, coarse, out.deepest, self.corridor)
        return labels, code.squeeze(1).to(torch.uint8), features, logits
