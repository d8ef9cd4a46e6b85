# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The scene's shift is found where poor scenes are overconfident, and left out where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg.calibration import lowered
from trustseg_lab.calibrate.fits.scene_shift_fit import fit_scene_shift, mean_log_loss, overconfidence
from trustseg_lab.metrics.images.view_rows import CLEAN, CalibrationRows
from trustseg_lab.metrics.score_histogram import Floats

TABLE = np.linspace(0.02, 0.98, 256)


def rows_of(probability: list[Floats]) -> CalibrationRows:
    """One view a table of true probabilities (256,); every code occurs 1000 times."""
    n = len(probability)
    right = np.stack([np.round(1000 * each).astype(np.int64) for each in probability])
    return CalibrationRows(
        features=np.zeros((n, 1), np.float32), quality=np.full(n, 0.5), codes=np.stack([1000 - right, right], axis=1),
        corridor=np.zeros((n, 2, 256), np.int64), ahead=np.full((n, 2), np.nan),
        kind=np.full(n, CLEAN), severity=np.zeros(n), source=np.full(n, "x"), drive=np.full(n, ""),
        block=np.arange(n), seen=np.zeros(n, bool), held_out=np.zeros(n, bool), elsewhere=np.zeros(n, bool),
    )  # fmt: skip


def test_overconfident_poor_scenes_get_their_slope() -> None:
    """Views of predicted quality 0.5 are right as often as the table says; at 0.2 their logit is 2 lower."""
    rows = rows_of([TABLE] * 10 + [lowered(TABLE, 2.0)] * 10)
    quality = np.array([0.5] * 10 + [0.2] * 10)
    everything = np.ones(20, bool)
    shift = fit_scene_shift(rows, everything, quality == 0.5, quality, TABLE)
    assert shift is not None
    assert shift.start == 0.5
    assert shift.slope == pytest.approx(2.0 / np.log(4.0), abs=0.06)  # logit 0.5 - logit 0.2 = log 4
    before, after = (overconfidence(rows, quality, TABLE, each) for each in (None, shift))
    assert before[10:].min() > 0.15
    assert abs(after).max() < 0.01
    assert after[:10] == pytest.approx(before[:10], abs=1e-12)


def test_honest_scenes_are_left_alone() -> None:
    rows = rows_of([TABLE] * 20)
    quality = np.linspace(0.1, 0.7, 20)
    assert fit_scene_shift(rows, np.ones(20, bool), quality > 0.5, quality, TABLE) is None
    assert fit_scene_shift(rows, np.zeros(20, bool), quality > 0.5, quality, TABLE) is None


def test_log_loss_by_hand() -> None:
    """One view, one code, three of four right, table says 0.5, nothing shifted: log 2."""
    share = np.zeros((1, 2, 256))
    share[0, 0, 7], share[0, 1, 7] = 0.25, 0.75
    assert mean_log_loss(share, np.zeros(256), np.zeros(1)) == pytest.approx(np.log(2))
    lowered_by = np.log(3.0)  # P = 0.25
    expected = -(0.75 * np.log(0.25) + 0.25 * np.log(0.75))
    assert mean_log_loss(share, np.zeros(256), np.array([lowered_by])) == pytest.approx(expected)
