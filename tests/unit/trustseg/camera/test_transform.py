# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One transform by hand arithmetic."""

from __future__ import annotations

import numpy as np

from trustseg.camera.transform import Transform

HALF = float(np.sqrt(0.5))
LEFT = (0.0, 0.0, HALF, HALF)  # a quarter turn about z, x becomes y
OPTICAL = (-0.5, 0.5, -0.5, 0.5)  # z ahead, x right in x ahead, y left


def at(transform: Transform, *point: float) -> list[float]:
    return [round(float(v), 9) + 0.0 for v in transform.rotation @ np.array(point) + transform.translation]


def test_a_quaternion_turns_the_axes() -> None:
    assert at(Transform.of(0, 0, 0, LEFT), 1, 0, 0) == [0, 1, 0]
    optical = Transform.of(0, 0, 0, OPTICAL)
    assert [at(optical, *axis) for axis in np.eye(3)] == [[0, -1, 0], [0, 0, -1], [1, 0, 0]]


def test_a_length_that_was_rounded_is_made_one() -> None:
    rotation = Transform.of(0, 0, 0, (0.0, 0.0, 0.7072, 0.7072)).rotation
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)


def test_of_a_grandchild_and_back() -> None:
    both = Transform.of(1, 0, 2, LEFT) @ Transform.of(3, 0, 0, (0.0, 0.0, 0.0, 1.0))
    assert at(both, 0, 0, 0) == [1, 3, 2]
    assert at(both.inverse(), 1, 3, 2) == [0, 0, 0]
