# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The confidence head of a wrapped network, as ONNX: what is added to the logit of the softmax maximum (MCP).

It sees softmax signals, their means over a small and a large neighbourhood, the probability of each class, and, where
it was fitted so, a feature map of the network. One layer, or one hidden layer between.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustseg.bundle.card import ConfidenceCode
from trustseg_lab.wrap.graph.ops import Ops
from trustseg_lab.wrap.graph.planes import Signals

SIGNALS = "head/signals"
MAPS = ("mcp", "margin", "entropy")
NEAR = 3  # places of the logits along the small neighbourhood
FAR_PARTS = 16  # the large one is a sixteenth of the image high
Floats = npt.NDArray[np.float32]
Size = tuple[int, int]


def head_signals(ops: Ops, signals: Signals, coarse: str, size: Size) -> str:
    """What a head sees of logits `coarse` (1, C, h, w) at `size` (h, w): float32 (1, 10 + C, h, w), named SIGNALS."""
    code = ConfidenceCode()
    maps = ops("Concat", signals.mcp, signals.margin, signals.entropy, axis=1)
    near = ops("AveragePool", maps, kernel_shape=[NEAR, NEAR], strides=[1, 1], pads=[NEAR // 2] * 4,
               count_include_pad=0)  # fmt: skip
    part = [min(max(2, size[0] // FAR_PARTS), *size)] * 2
    far = ops.resized(ops("AveragePool", maps, kernel_shape=part, strides=part), len(MAPS), size)
    logit = ops.clipped(signals.mcp_logit, code.min, code.max)
    probabilities = ops("Softmax", coarse, axis=1)
    if signals.kept:
        probabilities = ops("Mul", probabilities, signals.kept)
    return ops("Concat", maps, logit, near, far, probabilities, name=SIGNALS, axis=1)


@dataclass(frozen=True)
class PixelHead:
    """A fitted head: logit of P(pixel right) = outer . relu(weight x + bias) + last, or weight x + bias.

    Attributes:
        weight: float32 (H, S + E), of S signals and E channels of the feature map (0: it sees none). bias: (H,).
        outer: float32 (H,), None for a single layer, where H is 1. last: added behind it.
        signals: S.
    """

    weight: Floats
    bias: Floats
    outer: Floats | None
    last: float
    signals: int

    @property
    def sees_features(self) -> bool:
        """Whether it looks at the feature map."""
        return bool(self.weight.shape[1] > self.signals)

    def logit(self, x: Floats) -> Floats:
        """float32 (n,): logit of P(pixel right) of rows x (n, S + E)."""
        hidden = x @ self.weight.T + self.bias
        if self.outer is None:
            return np.asarray(hidden[:, 0], np.float32)
        return np.asarray(np.maximum(hidden, 0.0) @ self.outer + self.last, np.float32)

    def added(self, ops: Ops, signals: Signals, coarse: str, features: str, size: Size) -> str:
        """(1, 1, h, w): its logit less that of the MCP, which is added again at full resolution."""
        seen = head_signals(ops, signals, coarse, size)
        hidden = ops("Conv", seen, _kernel(self.weight[:, : self.signals]), self.bias)
        if self.sees_features:
            # Mixed before they are enlarged: both are linear, and there are fewer channels afterwards.
            mixed = ops("Conv", features, _kernel(self.weight[:, self.signals :]))
            hidden = ops("Add", hidden, ops.resized(mixed, len(self.weight), size))
        if self.outer is not None:
            last = np.array([self.last], np.float32)
            hidden = ops("Conv", ops("Relu", hidden), _kernel(self.outer[None]), last)
        code = ConfidenceCode()
        return ops("Sub", hidden, ops.clipped(signals.mcp_logit, code.min, code.max))


class NoHead:
    """Adds nothing, but has the signals computed: rows to fit on."""

    def added(self, ops: Ops, signals: Signals, coarse: str, features: str, size: Size) -> str:
        """Zeros (1, 1, h, w)."""
        head_signals(ops, signals, coarse, size)
        return ops("Mul", signals.mcp, 0.0)


def _kernel(weight: Floats) -> Floats:
    return np.ascontiguousarray(weight[:, :, None, None], np.float32)
