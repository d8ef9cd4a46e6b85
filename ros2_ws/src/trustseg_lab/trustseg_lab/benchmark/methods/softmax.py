# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Scores that one pass gives for nothing: softmax and logits of every pixel."""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.types import Float32Array
from trustseg_lab.benchmark.method import Method, Score
from trustseg_lab.benchmark.sample import Sample

NEIGHBOURS = 5


def mcp(sample: Sample) -> Float32Array:
    """Largest probability (Hendrycks and Gimpel, 2017)."""
    return sample.signals.mcp


def entropy(sample: Sample) -> Float32Array:
    """1 - H(p) / ln C."""
    return sample.signals.entropy


def margin(sample: Sample) -> Float32Array:
    """Largest minus second largest probability."""
    return sample.signals.margin


def variation_ratio(sample: Sample) -> Float32Array:
    """Share of the two likeliest classes that is the first's: the single pass's form of a variation ratio."""
    found = sample.signals
    return np.asarray(found.mcp / np.maximum(2 * found.mcp - found.margin, 1e-6), np.float32)


def local_mcp(sample: Sample) -> Float32Array:
    """MCP and its 5x5 mean in equal parts (Semantic Prism, 2026)."""
    own = mcp(sample)
    return np.asarray((own + cv2.blur(own, (NEIGHBOURS, NEIGHBOURS), borderType=cv2.BORDER_REFLECT)) / 2, np.float32)


def max_logit(sample: Sample) -> Float32Array:
    """Largest logit (Hendrycks et al., ICML 2022), squeezed into (0, 1) in its order."""
    return _squeezed(sample.logits.max(axis=0))


def energy(sample: Sample) -> Float32Array:
    """log sum exp of the logits (Liu et al., NeurIPS 2020), squeezed into (0, 1) in its order."""
    top = sample.logits.max(axis=0)
    return _squeezed(top + np.log(np.exp(sample.logits - top).sum(axis=0)))


def _squeezed(values: Float32Array) -> Float32Array:
    return np.asarray(1 / (1 + np.exp(-values / 8)), np.float32)


METHODS: tuple[Method, ...] = (
    Score("mcp", mcp, scale="probability"), Score("entropy", entropy), Score("margin", margin),
    Score("variation_ratio", variation_ratio), Score("local_mcp", local_mcp), Score("max_logit", max_logit),
    Score("energy", energy),
)  # fmt: skip
