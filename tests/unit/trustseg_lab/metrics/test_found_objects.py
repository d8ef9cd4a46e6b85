# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How well scores find objects, by hand: two object pixels, three of classes, one that is not labelled."""

from __future__ import annotations

import math

import numpy as np
import pytest

from trustseg_lab.metrics.found_objects import FoundObjects

SCORE = np.array([[0.8, 0.05, 0.6, 0.04, 0.02, 0.99]])
OBJECTS = np.array([[True, True, False, False, False, False]])
KNOWN = np.array([[False, False, True, True, True, False]])
ROAD = np.array([[False, False, False, True, True, True]])  # of the last one nothing is known


def test_figures_by_hand() -> None:
    found = FoundObjects()
    found.add(SCORE, OBJECTS, KNOWN, ROAD)
    record = found.record()
    # Pairs of an object and another: .8 is above all three, .05 above two of them.
    assert record["auroc"] == pytest.approx(5 / 6)
    # Both objects are found from .05 on: .6 of a class is then found too.
    assert record["fpr95"] == pytest.approx(1 / 3)
    # Precision 1 at the first object, 2 of 3 at the second.
    assert record["ap"] == pytest.approx((1 + 2 / 3) / 2)
    assert record["road"] == {"auroc": pytest.approx(1.0), "fpr95": pytest.approx(0.0), "ap": pytest.approx(1.0)}
    assert record["sure_share"] == pytest.approx(1 / 2)  # .05 is a confidence of .95
    assert record["sure_share_known"] == pytest.approx(2 / 3)


def test_two_images_are_one_of_both() -> None:
    halves, whole = FoundObjects(), FoundObjects()
    for part in (np.s_[:, :3], np.s_[:, 3:]):
        halves.add(SCORE[part], OBJECTS[part], KNOWN[part], ROAD[part])
    whole.add(SCORE, OBJECTS, KNOWN, ROAD)
    assert halves.record() == whole.record()


def test_a_plane_promises_nothing() -> None:
    found = FoundObjects(confidence=False)
    found.add(SCORE, OBJECTS, KNOWN, ROAD)
    assert "sure_share" not in found.record()


def test_without_an_object_nothing_is_said() -> None:
    found = FoundObjects()
    found.add(SCORE, np.zeros_like(OBJECTS), KNOWN, ROAD)
    record = found.record()
    assert math.isnan(record["auroc"])
    assert math.isnan(record["fpr95"])
    assert math.isnan(record["sure_share"])
    assert record["sure_share_known"] == pytest.approx(2 / 3)
