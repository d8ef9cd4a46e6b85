# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Confidence signals that the softmax gives for nothing: the baselines that a learned confidence has to beat.

MCP = largest probability;  entropy = 1 - H(p) / ln C;  margin = largest minus second largest probability; in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg.types import Float32Array


@dataclass(frozen=True)
class SoftmaxSignals:
    """Three confidence maps, float32 (h, w) in [0, 1]; NaN where a logit is not finite."""

    mcp: Float32Array
    entropy: Float32Array
    margin: Float32Array


def softmax_signals(logits: Float32Array) -> SoftmaxSignals:
    """Signals of logits float32 (C, h, w), C >= 2."""
    first, second = logits[0].copy(), np.full_like(logits[0], -np.inf)
    for row in logits[1:]:
        second = np.maximum(second, np.minimum(first, row))
        first = np.maximum(first, row)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        shifted = logits - first
        weights = np.exp(shifted)
        total = weights.sum(axis=0)
        weights *= shifted
        entropy = np.log(total) - weights.sum(axis=0) / total
        mcp = 1.0 / total
        margin = mcp * (1.0 - np.exp(second - first))
        certainty = 1.0 - entropy / np.float32(np.log(logits.shape[0]))
    # Rounding leaves 1e-7 outside [0, 1]; np.clip keeps NaN.
    return SoftmaxSignals(
        np.clip(mcp, 0, 1).astype(np.float32), np.clip(certainty, 0, 1).astype(np.float32),
        np.clip(margin, 0, 1).astype(np.float32),
    )  # fmt: skip
