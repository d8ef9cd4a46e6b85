# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Softmax signals against the textbook formulas."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg_lab.metrics.softmax_signals import softmax_signals


def logits_of(*pixels: tuple[float, ...]) -> np.ndarray:
    return np.array(pixels, np.float32).T[:, None, :]  # (C, 1, pixels)


def test_hand_arithmetic() -> None:
    found = softmax_signals(logits_of((np.log(6), np.log(3), np.log(1)), (0, 0, 0), (200, 0, -200)))
    p = np.array([0.6, 0.3, 0.1])
    certainty = 1 + float(np.sum(p * np.log(p))) / np.log(3)
    assert found.mcp[0] == pytest.approx([0.6, 1 / 3, 1.0], abs=1e-6)
    assert found.margin[0] == pytest.approx([0.3, 0.0, 1.0], abs=1e-6)
    assert found.entropy[0] == pytest.approx([certainty, 0.0, 1.0], abs=1e-6)


def test_shift_of_all_logits_changes_nothing_and_ties_have_no_margin() -> None:
    logits = np.random.default_rng(0).normal(0, 5, (11, 6, 7)).astype(np.float32)
    logits[4] = logits[2]
    found, shifted = softmax_signals(logits), softmax_signals(logits + np.float32(50))
    for name in ("mcp", "entropy", "margin"):
        assert getattr(found, name) == pytest.approx(getattr(shifted, name), abs=1e-4)
        assert getattr(found, name).shape == (6, 7)
    tied = logits.argmax(axis=0) == 2
    assert tied.any()
    assert found.margin[tied] == pytest.approx(0.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_that_are_not_finite_have_no_confidence(bad: float) -> None:
    found = softmax_signals(logits_of((bad, 0, 0), (3, 2, 1)))
    assert np.isnan([found.mcp[0, 0], found.entropy[0, 0], found.margin[0, 0]]).all()
    assert np.isfinite([found.mcp[0, 1], found.entropy[0, 1], found.margin[0, 1]]).all()
