# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How far from the axis of a lens its polynomial is that of the lens: behind its turning point it leads back.

A polynomial is fitted to what the image shows. Further out it may turn, and give directions that the camera never sees
a place in the middle of the image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trustseg.camera.model import FISHEYE

STEPS = 4096


def turning_point(model: str, d: Sequence[float], furthest: float) -> float:
    """How far from the axis a lens of sensor_msgs' distortion `model` bends as a lens does, tangent of the angle;
    infinite where it turns nowhere.

    Args:
        d: its coefficients. furthest: how far to look, tangent of the angle; a fisheye is looked at up to 90 degrees.
    """
    if model != FISHEYE:
        return turning_radius(d, furthest)
    angle = turning_angle(d, math.pi / 2)
    return math.tan(angle) if angle < math.pi / 2 else math.inf


def turning_radius(d: Sequence[float], furthest: float) -> float:
    """The distance from the axis, tangent of the angle, at which the image of what lies further out turns back.

    Args:
        d: OpenCV's coefficients: none, or k1, k2, p1, p2, k3, k4, k5, k6; p1 and p2 are not looked at.
        furthest: how far to look; infinite where it turns nowhere before.
    """
    k1, k2, _, _, k3, k4, k5, k6 = (*map(float, d), *(0.0,) * 8)[:8]
    radius = np.linspace(0.0, furthest, STEPS)
    r2 = np.square(radius)
    with np.errstate(all="ignore"):
        bent = radius * (1 + r2 * (k1 + r2 * (k2 + r2 * k3))) / (1 + r2 * (k4 + r2 * (k5 + r2 * k6)))
    return _first_turn(radius, bent)


def turning_angle(d: Sequence[float], furthest: float) -> float:
    """As `turning_radius`, of sensor_msgs' `equidistant` (k1 to k4): the angle from the axis, radians."""
    k1, k2, k3, k4 = (*map(float, d), *(0.0,) * 4)[:4]
    angle = np.linspace(0.0, furthest, STEPS)
    a2 = np.square(angle)
    return _first_turn(angle, angle * (1 + a2 * (k1 + a2 * (k2 + a2 * (k3 + a2 * k4)))))


def _first_turn(at: np.ndarray, bent: np.ndarray) -> float:
    grows = np.diff(bent) > 0  # false of what is not a number too
    return float("inf") if grows.all() else float(at[int(grows.argmin())])
