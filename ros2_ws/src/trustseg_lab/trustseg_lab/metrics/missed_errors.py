# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The share of an image's wrong pixels that a threshold of confidence lets pass, and its conformal bound."""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.score_histogram import WRONG, Counts, Floats


def missed_errors(codes: Counts) -> Floats:
    """Share of each view's wrong pixels that are accepted when codes from k on are, float64 (n, 257); k = 256 accepts
    nothing. 0 for a view without errors."""
    wrong = codes[:, WRONG].astype(np.float64)
    from_k = np.cumsum(wrong[:, ::-1], axis=1)[:, ::-1] / np.maximum(wrong.sum(axis=1, keepdims=True), 1)
    return np.concatenate([from_k, np.zeros((len(codes), 1))], axis=1)


def expected_bound(losses: Floats) -> Floats:
    """n / (n + 1) mean loss + 1 / (n + 1), float64 (k,): bounds the expected loss of one more image like n others.

    Holds where the images are exchangeable (conformal risk control: Angelopoulos et al., ICLR 2024).

    Args:
        losses: float64 (n, k), in [0, 1], not rising along the second axis.
    """
    n = len(losses)
    return np.asarray(n / (n + 1) * losses.mean(axis=0) + 1 / (n + 1), np.float64)
