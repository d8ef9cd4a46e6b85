# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which pixels a mask keeps for a risk that the user names."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from trustseg.bundle.calibration_file import SelectiveRisk
from trustseg.errors import BundleError
from trustseg.selective_risk import NOTHING, Promise, Selection, selection, threshold_of


def bounds(**changes: object) -> SelectiveRisk:
    """Risk 8 % from 0 on, 2 % from 100, 1 % from 200; all wrong pixels from 0 on, a fifth from 150, 2 % from 220."""
    bound = [0.08] * 100 + [0.02] * 100 + [0.01] * 56
    coverage = [1.0] * 100 + [0.8] * 100 + [0.5] * 56
    missed = [1.0] * 150 + [0.2] * 70 + [0.02] * 36
    whole = {"bound": bound, "coverage": coverage, "missed": missed, "level": 0.95, "images": 100, "blocks": 4}
    return SelectiveRisk.model_validate(whole | changes)


@pytest.mark.parametrize(
    ("risk", "missed", "threshold"),
    [
        (0.5, 0.0, 0), (0.08, 0.0, 0), (0.05, 0.0, 100), (0.02, 0.0, 100), (0.01, 0.0, 200),
        (0.0, 1.0, 0), (0.0, 0.5, 150), (0.0, 0.02, 220), (0.02, 0.2, 150), (0.01, 0.2, 200),
    ],
)  # fmt: skip
def test_the_lowest_confidence_that_holds_what_is_asked_for_is_chosen(
    risk: float, missed: float, threshold: int
) -> None:
    asked = Promise(risk, missed)
    assert selection(bounds(), asked, "b") == Selection(asked, threshold, bounds().coverage[threshold])


def test_who_asks_for_nothing_gets_the_whole_mask_of_any_bundle() -> None:
    assert selection(bounds(), Promise(), "b") is None
    assert selection(None, Promise(), "b") is None


def test_what_nothing_holds_is_refused_with_the_least_that_can_be_held() -> None:
    assert threshold_of(bounds().bound, 0.009) == NOTHING
    with pytest.raises(BundleError, match=r"bundle b holds the selective risk that.*at least 0\.0100.*0\.009"):
        selection(bounds(), Promise(0.009), "b")
    with pytest.raises(BundleError, match=r"holds the share of missed errors.*at least 0\.0200.*0\.01"):
        selection(bounds(), Promise(0.05, 0.01), "b")


def test_a_bundle_without_bounds_says_how_to_get_them() -> None:
    with pytest.raises(BundleError, match=r"no bounds.*trustseg calibrate --published --bundle b"):
        selection(None, Promise(missed_errors=0.1), "b")


def test_pixels_below_the_threshold_are_unlabelled() -> None:
    labels = np.array([[0, 3, 8], [9, 10, 255]], np.uint8)
    confidence = np.array([[199, 200, 201], [0, 255, 255]], np.uint8)
    kept = Selection(Promise(0.01), 200, 0.5).kept(labels, confidence)
    assert kept.dtype == np.uint8
    assert kept.tolist() == [[255, 3, 8], [255, 10, 255]]
    assert labels[0, 0] == 0


def test_it_says_what_it_keeps() -> None:
    said = Selection(Promise(0.01), 204, 0.791).describe()
    assert said == (
        "pixels of confidence 0.800 or more for a selective risk of 1 %: 79.1 % of those of calibration; "
        "the others are 255"
    )
    both = Selection(Promise(0.01, 0.1), 204, 0.791).describe()
    assert "for a selective risk of 1 % and a share of missed errors of 10 %: 79.1 %" in both


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"bound": [0.1] * 255 + [0.2]}, r"bound must not rise, but bound\[255\] > bound\[254\]"),
        ({"coverage": [0.5, 0.6] + [0.1] * 254}, r"coverage must not rise, but coverage\[1\]"),
        ({"missed": [0.1] * 9 + [0.2] * 247}, r"missed must not rise, but missed\[9\]"),
        ({"bound": [0.1] * 255}, "at least 256"),
        ({"level": 0.5}, "greater than 0.5"),
        ({"blocks": 0}, "greater than 0"),
    ],
)
def test_bounds_that_are_none_are_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        bounds(**changes)
