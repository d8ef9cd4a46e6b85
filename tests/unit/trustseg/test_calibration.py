# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Confidence calibration: figures from histograms agree with arithmetic by hand and pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg.bundle.calibration_file import SceneShift
from trustseg.calibration import ConfidenceTable, corridor_mask, lowered, scene_shift
from trustseg.types import CodePlace

TABLE = np.linspace(0.0, 1.0, 256)
LEFT_HALF = np.array([[255, 0], [255, 0]], np.uint8)


def test_figures_by_hand() -> None:
    """Codes 0, 51 / 153, 255 are P = 0, 0.2 / 0.6, 1; the corridor is the left column: 0 and 0.6."""
    code = np.array([[0, 51], [153, 255]], np.uint8)
    summary = ConfidenceTable(TABLE, 0.5, LEFT_HALF).summarise(code)
    assert summary.mean == pytest.approx(0.45)
    assert summary.low_share == 0.5
    assert summary.corridor_mean == pytest.approx(0.3)
    assert summary.corridor_low_share == 0.5
    assert summary.flat_share == 0.25


def test_what_the_network_did_not_see_is_no_part_of_the_image_but_low_in_the_corridor() -> None:
    """The right column of the network is padding: 0 and 0.6 remain. Of the corridor only the upper half was seen: 0.6
    and nothing, which is low."""
    code = np.array([[0, 51], [153, 255]], np.uint8)
    place = CodePlace(LEFT_HALF, np.array([[153, 0], [0, 0]], np.uint8), np.array([[255, 0], [0, 0]], np.uint8))
    summary = ConfidenceTable(TABLE, 0.5, LEFT_HALF).summarise(code, place)
    assert summary.mean == pytest.approx(0.3)
    assert summary.low_share == summary.flat_share == 0.5
    assert summary.corridor_mean == pytest.approx(0.3)
    assert summary.corridor_low_share == 0.5


def test_a_corridor_that_was_not_seen_is_low_all_over() -> None:
    code, nothing = np.full((2, 2), 255, np.uint8), np.zeros((2, 2), np.uint8)
    summary = ConfidenceTable(TABLE, 0.5, LEFT_HALF).summarise(
        code, CodePlace(np.full((2, 2), 255, np.uint8), nothing, nothing)
    )
    assert (summary.mean, summary.corridor_mean, summary.corridor_low_share) == (1.0, 0.0, 1.0)


def test_threshold_is_a_lower_bound_of_good() -> None:
    """P equal to the threshold is not low."""
    table = np.array([0.4] * 100 + [0.5] * 156)
    summary = ConfidenceTable(table, 0.5, LEFT_HALF).summarise(np.array([[99, 100], [100, 99]], np.uint8))
    assert summary.low_share == 0.5


def test_constant_map_is_flat() -> None:
    assert ConfidenceTable(TABLE, 0.5, LEFT_HALF).summarise(np.full((2, 2), 7, np.uint8)).flat_share == 1.0


def test_apply_rounds_to_the_nearest() -> None:
    table = np.clip(np.arange(256) / 255.0 + 0.4 / 255.0, 0, 1)
    code = np.arange(256, dtype=np.uint8).reshape(16, 16)
    calibrated = ConfidenceTable(table, 0.5, np.full((16, 16), 255, np.uint8)).apply(code)
    assert calibrated.dtype == np.uint8
    assert np.array_equal(calibrated, np.round(table[code] * 255))
    assert calibrated[0, 0] == 0  # 0.4 rounds down


def test_agrees_with_the_pixels() -> None:
    rng = np.random.default_rng(3)
    table = np.sort(rng.random(256))
    code = rng.integers(0, 256, (36, 48), dtype=np.uint8)
    mask = corridor_mask(36, 48, [(0.38, 0.55), (0.62, 0.55), (0.95, 1.0), (0.05, 1.0)])
    summary = ConfidenceTable(table, 0.37, mask).summarise(code)
    p = table[code]
    assert summary.mean == pytest.approx(p.mean(), rel=1e-9)
    assert summary.low_share == pytest.approx((p < 0.37).mean(), rel=1e-9)
    assert summary.corridor_mean == pytest.approx(p[mask > 0].mean(), rel=1e-9)
    assert summary.corridor_low_share == pytest.approx((p[mask > 0] < 0.37).mean(), rel=1e-9)


def test_corridor_is_a_polygon_in_relative_coordinates() -> None:
    mask = corridor_mask(10, 20, [(0.5, 0.5), (1.0, 0.5), (1.0, 1.0), (0.5, 1.0)])
    assert mask[7, 15] == 255
    assert mask[2, 15] == 0
    assert mask[7, 5] == 0


def test_empty_corridor_is_refused() -> None:
    with pytest.raises(ValueError, match="covers no pixel"):
        ConfidenceTable(TABLE, 0.5, np.zeros((4, 4), np.uint8))


def test_a_poor_scene_lowers_every_confidence_by_hand() -> None:
    """Start 0.5, quality 1/3: logits 0 and -log 2, slope 2: odds of 3 (P = 0.75) become 3/4 (P = 3/7)."""
    model = SceneShift(start=0.5, slope=2.0)
    assert scene_shift(model, 1 / 3) == pytest.approx(2 * np.log(2))
    table = ConfidenceTable(np.full(256, 0.75), 0.5, LEFT_HALF, model)
    code = np.zeros((2, 2), np.uint8)
    poor = table.for_quality(1 / 3)
    assert poor.summarise(code).mean == pytest.approx(3 / 7)
    assert poor.summarise(code).low_share == 1.0
    assert int(poor.apply(code)[0, 0]) == round(255 * 3 / 7)
    assert table.summarise(code).low_share == 0.0  # the table itself is as it was


@pytest.mark.parametrize("quality", [0.5, 0.9, 1.0])
def test_a_good_scene_changes_nothing(quality: float) -> None:
    table = ConfidenceTable(TABLE, 0.5, LEFT_HALF, SceneShift(start=0.5, slope=2.0))
    assert table.for_quality(quality) is table
    assert ConfidenceTable(TABLE, 0.5, LEFT_HALF).for_quality(0.0).apply(LEFT_HALF)[0, 0] == 255


def test_lowering_keeps_the_order_and_the_range() -> None:
    values = lowered(TABLE, 3.0)
    assert (np.diff(values) >= 0).all()
    assert 0 <= values[0] <= values[-1] <= 1
    assert scene_shift(SceneShift(start=0.5, slope=2.0), 0.0) < 30  # the worst scene has a finite shift
