# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pixels that methods learn from: some hundred of each view, with what the product's own head sees of them."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.metrics.score_histogram import Floats

PIXELS_OF_VIEW = 200
MCP_LOGIT = 9.0  # the span that the confidence code has, too
SIGNALS = 7
LOCAL = 6


def signals(sample: Sample) -> Float32Array:
    """float32 (h, w, 7): MCP, margin, entropy, their local means, and the logit of the MCP."""
    found = sample.signals
    maps = [found.mcp, found.margin, found.entropy]
    local = [cv2.blur(each, (LOCAL, LOCAL), borderType=cv2.BORDER_REFLECT) for each in maps]
    p = np.clip(found.mcp, 1e-6, 1 - 1e-6)
    logit = np.clip(np.log(p / (1 - p)), -MCP_LOGIT, MCP_LOGIT)
    return np.stack([*maps, *local, logit], axis=-1).astype(np.float32)


def head_features(sample: Sample) -> Float32Array:
    """float32 (h, w, D + 7): the map that the classifier reads, and `signals`."""
    return np.concatenate([sample.decoded, signals(sample)], axis=-1)


def places(sample: Sample, count: int = PIXELS_OF_VIEW) -> npt.NDArray[np.int64]:
    """Flat indices of `count` labelled pixels, drawn by the view's own key, in order; with repetition where there are
    fewer (one is enough for a row)."""
    known = np.flatnonzero(sample.truth.known.ravel())
    rng = np.random.default_rng(int(sample.meta.key[:8], 16))
    if not known.size:
        return np.zeros(count, np.int64)
    return np.sort(rng.choice(known, count, replace=known.size < count))


def pixel_rows(sample: Sample) -> Float32Array:
    """float32 (n, D + 7 + C + 1): head features, logits, and the true class of the drawn pixels."""
    where = places(sample)
    features = head_features(sample).reshape(-1, sample.decoded.shape[2] + SIGNALS)[where]
    logits = sample.logits.reshape(sample.logits.shape[0], -1)[:, where].T
    truth = sample.truth.labels.ravel()[where].astype(np.float32)
    return np.concatenate([features, logits, truth[:, None]], axis=1)


def split_rows(rows: Floats, classes: int) -> tuple[Float32Array, Float32Array, npt.NDArray[np.int64]]:
    """`pixel_rows` of many views as (features (n, d), logits (n, C), true class (n,))."""
    features, logits = rows[:, : -classes - 1], rows[:, -classes - 1 : -1]
    return features.astype(np.float32), logits.astype(np.float32), rows[:, -1].astype(np.int64)
