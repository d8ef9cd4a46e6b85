# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which pixels a mask keeps for a risk that the user names."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from trustseg.bundle.calibration_file import SelectiveRisk
from trustseg.errors import BundleError
from trustseg.selective_risk import NOTHING, Selection, selection, threshold_of


def bounds(**changes: object) -> SelectiveRisk:
    """Risk 8 % from 0 on, 2 % from 100, 1 % from 200."""
    bound = [0.08] * 100 + [0.02] * 100 + [0.01] * 56
    coverage = [1.0] * 100 + [0.8] * 100 + [0.5] * 56
    whole = {"bound": bound, "coverage": coverage, "level": 0.95, "images": 100, "blocks": 4}
    return SelectiveRisk.model_validate(whole | changes)


@pytest.mark.parametrize(("risk", "threshold"), [(0.5, 0), (0.08, 0), (0.05, 100), (0.02, 100), (0.01, 200)])
def test_the_lowest_confidence_that_holds_the_risk_is_chosen(risk: float, threshold: int) -> None:
    assert threshold_of(bounds(), risk) == threshold
    assert selection(bounds(), risk, "b") == Selection(risk, threshold, bounds().coverage[threshold])


def test_a_risk_that_nothing_holds_is_refused_with_the_least_that_can_be_held() -> None:
    assert threshold_of(bounds(), 0.009) == NOTHING
    with pytest.raises(BundleError, match=r"bundle b holds.*at least 0\.0100.*0\.009"):
        selection(bounds(), 0.009, "b")


def test_a_bundle_without_bounds_says_how_to_get_them() -> None:
    with pytest.raises(BundleError, match=r"no bounds.*trustseg calibrate --published --bundle b"):
        selection(None, 0.01, "b")


def test_pixels_below_the_threshold_are_unlabelled() -> None:
    labels = np.array([[0, 3, 8], [9, 10, 255]], np.uint8)
    confidence = np.array([[199, 200, 201], [0, 255, 255]], np.uint8)
    kept = Selection(0.01, 200, 0.5).kept(labels, confidence)
    assert kept.dtype == np.uint8
    assert kept.tolist() == [[255, 3, 8], [255, 10, 255]]
    assert labels[0, 0] == 0


def test_it_says_what_it_keeps() -> None:
    said = Selection(0.01, 204, 0.791).describe()
    assert "confidence 0.800 or more" in said
    assert "risk of 1 %: 79.1 %" in said
    assert said.endswith("the others are 255")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bound": [0.1] * 255 + [0.2]}, r"bound must not rise, but bound\[255\] > bound\[254\]"),
        ({"coverage": [0.5, 0.6] + [0.1] * 254}, r"coverage must not rise, but coverage\[1\]"),
        ({"bound": [0.1] * 255}, "at least 256"),
        ({"level": 0.5}, "greater than 0.5"),
        ({"blocks": 0}, "greater than 0"),
    ],
)
def test_bounds_that_are_none_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        bounds(**changes)
