# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Light of a drive: where the sun stands, what reaches a surface, what the sky looks like, how the camera exposes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Light:
    """Light and exposure.

    Attributes:
        kind: sunny, hazy, overcast or dusk.
        toward_sun: unit vector to the sun.
        ambient, sun: (R, G, B) gains of sky light and of direct sun on a surface that faces it.
        shadow: what is left of the ground's brightness in shadow, in [0, 1]; 1 casts no shadow.
        zenith, horizon: sky colour (R, G, B), 0..255, before exposure.
        cloud: share of cloud in the sky, in [0, 1].
        cloud_tone: brightness of cloud, 0..255.
        haze_m: distance at which haze hides 63 % of a thing.
        exposure, gamma: the camera's gain and tone curve.
    """

    kind: str
    toward_sun: Vector
    ambient: Vector
    sun: Vector
    shadow: float
    zenith: Vector
    horizon: Vector
    cloud: float
    cloud_tone: float
    haze_m: float
    exposure: float
    gamma: float

    def on(self, normal: Vector) -> Vector:
        """Gain (R, G, B) of a surface with this unit normal."""
        facing = max(0.0, sum(n * s for n, s in zip(normal, self.toward_sun, strict=True)))
        sky = 0.85 + 0.15 * normal[1]
        a, s = self.ambient, self.sun
        return (a[0] * sky + s[0] * facing, a[1] * sky + s[1] * facing, a[2] * sky + s[2] * facing)


def make_light(rng: np.random.Generator) -> Light:
    """Daylight as a car meets it: mostly sun or haze, at times overcast, at times dusk."""
    kind = str(rng.choice(["sunny", "hazy", "overcast", "dusk"], p=[0.38, 0.27, 0.17, 0.18]))
    azimuth = rng.uniform(-np.pi, np.pi)
    elevation = np.radians(rng.uniform(12, 48))
    toward = (
        float(np.sin(azimuth) * np.cos(elevation)),
        float(np.sin(elevation)),
        float(np.cos(azimuth) * np.cos(elevation)),
    )
    blue = rng.uniform(0.02, 0.15)
    haze = float(rng.uniform(250, 900))
    if kind == "sunny":
        strong = rng.uniform(0.65, 1.0)
        tone = 0.50
        sun = (strong, strong * 0.95, strong * 0.84)
        sky = ((150, 190, 232), (226, 236, 244))
        cloud, cloud_tone, shadow, exposure = rng.uniform(0, 0.55), 250.0, 0.45, rng.uniform(1.15, 1.7)
    elif kind == "hazy":
        strong, tone = rng.uniform(0.2, 0.4), 0.68
        sun = (strong, strong * 0.96, strong * 0.88)
        sky = ((216, 226, 236), (240, 244, 246))
        cloud, cloud_tone, shadow, exposure = rng.uniform(0.3, 0.8), 252.0, 0.72, rng.uniform(1.3, 1.8)
        haze *= 0.6
    elif kind == "overcast":
        tone, sun = 0.82, (0.0, 0.0, 0.0)
        sky = ((196, 202, 210), (226, 230, 232))
        cloud, cloud_tone, shadow, exposure = rng.uniform(0.7, 1.0), 232.0, 1.0, rng.uniform(1.1, 1.7)
        haze *= 0.7
    else:
        tone, sun = rng.uniform(0.26, 0.5), (0.0, 0.0, 0.0)
        sky = ((116, 128, 136), (196, 200, 190))
        cloud, cloud_tone, shadow, exposure = rng.uniform(0.5, 1.0), 150.0, 1.0, rng.uniform(0.9, 1.3)
        haze *= 1.3
    ambient = (tone * (1 - blue), tone, tone * (1 + blue))
    return Light(
        kind,
        toward,
        ambient,
        sun,
        float(shadow),
        sky[0],
        sky[1],
        float(cloud),
        float(cloud_tone),
        haze,
        float(exposure),
        float(rng.uniform(0.95, 1.25)),
    )
