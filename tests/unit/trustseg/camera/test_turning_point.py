# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a polynomial turns, by hand."""

from __future__ import annotations

import math

import pytest

from trustseg.camera.turning_point import turning_angle, turning_point, turning_radius


def test_a_barrel_turns_where_its_slope_is_none() -> None:
    """r (1 - 0.3 r^2): 1 - 0.9 r^2 is 0 at 1.0541."""
    assert turning_radius((-0.3, 0.0, 0.0, 0.0, 0.0), 2.0) == pytest.approx(1.0541, abs=1e-3)
    assert turning_radius((-0.3, 0.0, 0.5, 0.5), 1.0) == math.inf  # further out than anybody looks
    assert turning_angle((-0.3, 0.0, 0.0, 0.0), 1.5) == pytest.approx(1.0541, abs=1e-3)


def test_what_only_grows_turns_nowhere() -> None:
    assert turning_radius((), 9.0) == math.inf
    assert turning_radius((0.1, 0.2, 0.0, 0.0, 0.3), 9.0) == math.inf
    assert turning_angle((), 1.5) == math.inf


def test_a_rational_one_turns_at_its_pole() -> None:
    """1 - 0.25 r^2 is 0 at 2."""
    assert turning_radius((0.0, 0.0, 0.0, 0.0, 0.0, -0.25, 0.0, 0.0), 4.0) == pytest.approx(2.0, abs=2e-3)
    """r / (1 + r^2) turns at 1."""
    assert turning_radius((0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0), 4.0) == pytest.approx(1.0, abs=2e-3)


def test_it_is_the_tangent_of_the_angle_for_every_model() -> None:
    d = (-0.3, 0.0, 0.0, 0.0)
    assert turning_point("plumb_bob", d, 2.0) == turning_radius(d, 2.0)
    assert turning_point("plumb_bob", d, 1.0) == math.inf
    assert turning_point("equidistant", d, 0.1) == pytest.approx(math.tan(1.0541), abs=5e-3)
    assert turning_point("equidistant", (0.0,) * 4, 0.1) == math.inf
