# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Coverage and risk of what a threshold accepts, by hand."""

from __future__ import annotations

import numpy as np

from trustseg_lab.metrics.selective_metrics import from_above, selective_metrics


def test_what_a_threshold_accepts() -> None:
    codes = np.zeros((2, 2, 256), np.int64)
    codes[0, 0, 5], codes[0, 1, 5], codes[1, 0, 250], codes[1, 1, 250] = 4, 6, 1, 9
    told = selective_metrics(codes, 6)
    assert (told.coverage, told.risk, told.missed) == (0.5, 0.1, 0.5)  # none and all of the wrong pixels of two images
    assert selective_metrics(codes, 5).risk == selective_metrics(codes, 0).risk == 0.25
    assert selective_metrics(codes, 0).coverage == selective_metrics(codes, 0).missed == 1.0
    pooled = selective_metrics(codes.sum(axis=0)[None], 6)
    assert (pooled.risk, pooled.missed) == (0.1, 0.2)


def test_nothing_accepted_has_no_risk_and_nothing_at_all_no_coverage() -> None:
    codes = np.zeros((1, 2, 256), np.int64)
    assert np.isnan(selective_metrics(codes, 0).coverage)
    codes[0, 1, 250] = 1
    nothing = selective_metrics(codes, 256)
    assert (nothing.coverage, nothing.missed) == (0.0, 0.0)
    assert np.isnan(nothing.risk)


def test_counts_of_a_code_or_more() -> None:
    assert from_above(np.array([[1, 2, 3], [0, 0, 4]])).tolist() == [[6.0, 5.0, 3.0], [4.0, 4.0, 4.0]]
