# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Image-level features: the figures of `trustseg_lab.network.features`, written as ONNX."""

from __future__ import annotations

import numpy as np

from trustseg.calibration import corridor_mask
from trustseg_lab.network.feature_names import LUMA, PATCH_COLUMNS, PATCH_ROWS, PRESENT_SHARE
from trustseg_lab.wrap.graph.ops import Ops
from trustseg_lab.wrap.graph.planes import Signals

Polygon = list[tuple[float, float]]


def count_nonfinite(ops: Ops, logits: str) -> str:
    """How many logits are NaN or infinite, float32 (1, 1)."""
    finite = ops.below(ops("Abs", logits), 3e38)
    missing = ops("Sub", 1.0, finite)
    return ops("ReduceSum", ops("ReduceSum", missing, np.array([2, 3], np.int64), keepdims=0),
               np.array([1], np.int64), keepdims=1)  # fmt: skip


def pooled_features(
    ops: Ops, *, rgb: str, signals: Signals, confidence: str, nonfinite: str, deepest: str, classes: int,
    size: tuple[int, int], image_size: tuple[int, int], corridor: Polygon,
) -> str:  # fmt: skip
    """Feature vector float32 (1, K), in the order of `trustseg_lab.network.feature_names`.

    Args:
        rgb: float32 (1, 3, H, W), red, green, blue in 0..1. signals: of the logits, at `size` (h, w).
        confidence: float32 (1, 1, h, w) in 0..1. nonfinite: float32 (1, 1). deepest: float32 (1, E), pooled.
        classes: their number. size, image_size: (h, w) and (H, W). corridor: polygon of relative (x, y).
    """
    height, width = size
    index = np.arange(classes, dtype=np.float32).reshape(1, classes, 1, 1)
    member = ops.as_float(ops("Equal", signals.labels, index))
    share = ops.mean(member)
    within = ops("Div", ops.mean(ops("Mul", member, confidence)), ops.at_least(share, 1e-6))
    present = ops("Sub", 1.0, ops.below(share, PRESENT_SHARE))
    balanced = ops("Div", _over_classes(ops, ops("Mul", within, present)),
                   ops.at_least(_over_classes(ops, present), 1.0))  # fmt: skip
    patch = [max(height // PATCH_ROWS, 1), max(width // PATCH_COLUMNS, 1)]
    patches = ops("AveragePool", confidence, kernel_shape=patch, strides=patch)
    worst = ops("Neg", ops("ReduceMax", ops("Neg", patches), axes=[2, 3], keepdims=0))
    edge = _edges(ops, signals.labels, size)
    inside = ops("Sub", 1.0, ops("MaxPool", edge, kernel_shape=[3, 3], strides=[1, 1], pads=[1, 1, 1, 1]))
    nonboundary = ops("Div", ops.mean(ops("Mul", confidence, inside)), ops.at_least(ops.mean(inside), 1e-6))
    luma_mean, luma_std, sharpness, saturation = _image(ops, rgb, image_size)
    ahead = (corridor_mask(height, width, corridor) > 0).astype(np.float32)[None, None]
    scalars = [
        nonfinite, ops.mean(confidence), ops.mean(signals.mcp), ops.mean(signals.entropy), ops.mean(signals.margin),
        ops.mean(ops.below(confidence, 0.5)), balanced, worst, ops.mean(edge), luma_mean, luma_std, sharpness,
        saturation, nonboundary, ops("Mul", ops.mean(ops("Mul", confidence, ahead)), 1.0 / float(ahead.mean())),
    ]  # fmt: skip
    return ops("Concat", *scalars, share, within, deepest, name="features", axis=1)


def _over_classes(ops: Ops, values: str) -> str:
    return ops("ReduceSum", values, np.array([1], np.int64), keepdims=1)


def _edges(ops: Ops, labels: str, size: tuple[int, int]) -> str:
    """1 where the pixel to the right, or the one below, has another label."""
    height, width = size
    found = []
    for shift, pads in (((0, 1), [0, 0, 0, 0, 0, 0, 0, 1]), ((1, 0), [0, 0, 0, 0, 0, 0, 1, 0])):
        after = ops.cropped(labels, shift, (height, width))
        before = ops.cropped(labels, (0, 0), (height - shift[0], width - shift[1]))
        differs = ops("Sub", 1.0, ops.as_float(ops("Equal", after, before)))
        found.append(ops("Pad", differs, np.array(pads, np.int64)))
    return ops("Max", *found)


def _image(ops: Ops, rgb: str, size: tuple[int, int]) -> tuple[str, str, str, str]:
    """Mean and spread of the luma, sharpness and mean saturation, of every second pixel."""
    small = ops.cropped(rgb, (0, 0), size, step=2)
    luma = ops("Conv", small, np.array(LUMA, np.float32).reshape(1, 3, 1, 1))
    mean = ops.mean(luma)
    around = ops("Sub", luma, ops("ReduceMean", luma, axes=[2, 3], keepdims=1))
    spread = ops("Sqrt", ops.at_least(ops.mean(ops("Mul", around, around)), 1e-12))
    rows, columns = (size[0] + 1) // 2, (size[1] + 1) // 2
    steps = ops("Sub", ops.cropped(luma, (1, 0), (rows, columns)), ops.cropped(luma, (0, 0), (rows - 1, columns)))
    strongest = ops("ReduceMax", small, axes=[1], keepdims=1)
    weakest = ops("Neg", ops("ReduceMax", ops("Neg", small), axes=[1], keepdims=1))
    return mean, spread, ops.mean(ops("Abs", steps)), ops.mean(ops("Sub", strongest, weakest))
