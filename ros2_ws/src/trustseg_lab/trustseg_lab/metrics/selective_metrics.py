# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is accepted from a confidence on, and how much of it is wrong (selective classification: El-Yaniv and Wiener,
JMLR 2010)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trustseg_lab.metrics.missed_errors import missed_errors
from trustseg_lab.metrics.score_histogram import WRONG, Counts, Floats


@dataclass(frozen=True)
class SelectiveMetrics:
    """What a threshold does on some images.

    Attributes:
        coverage: share of the pixels that it accepts. risk: share of wrong ones among these; NaN where that is none.
        missed: mean over images of the share of their wrong pixels that it accepts, 0 for an image without any.
    """

    coverage: float
    risk: float
    missed: float


def selective_metrics(codes: Counts, threshold: int) -> SelectiveMetrics:
    """Figures of images int64 (n, 2, 256), wrong and right pixels per confidence, accepted from `threshold` on."""
    total, accepted = codes.sum(), codes[:, :, threshold:].sum()
    coverage = float(accepted / total) if total else float("nan")
    risk = float(codes[:, WRONG, threshold:].sum() / accepted) if accepted else float("nan")
    return SelectiveMetrics(coverage, risk, float(missed_errors(codes)[:, threshold].mean()))


def from_above(counts: Counts | Floats) -> Floats:
    """Counts (..., 256) of codes as those of this code or more, float64."""
    return np.asarray(np.cumsum(counts[..., ::-1], axis=-1)[..., ::-1], np.float64)
