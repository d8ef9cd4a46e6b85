# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A drawing board for small figures: limbs, balls, rings and patches with coverage; and what people wear."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.canvas import Texture, premultiplied
from trustseg_lab.scenes.noise import fractal

Float32 = npt.NDArray[np.float32]
Point = tuple[float, float]

PHASES = 8
SKINS = ((196, 150, 124), (172, 122, 96), (118, 80, 60), (206, 164, 140))
HAIRS = ((40, 32, 28), (78, 56, 38), (120, 96, 60), (20, 20, 20), (150, 146, 140))
CLOTHES = (
    (24, 26, 32),
    (34, 36, 46),
    (60, 52, 48),
    (92, 30, 34),
    (44, 60, 92),
    (110, 104, 94),
    (30, 46, 40),
    (150, 144, 134),
    (24, 24, 24),
    (70, 74, 80),
    (40, 34, 52),
    (160, 150, 60),
)


SHOE = np.array([27, 25, 22], np.float32)


@dataclass(frozen=True)
class Figure:
    """Sprites of one person: `phases` textures over one step, size in metres, label left to the caller."""

    phases: tuple[Texture, ...]
    width_m: float
    height_m: float


class Sketch:
    """A drawing board: colour, coverage and thickness of cloth, in texels."""

    def __init__(self, height: int, width: int) -> None:
        self.rgb = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)

    def limb(self, a: tuple[float, float], b: tuple[float, float], thick: float, color: Float32) -> None:
        """Draw a thick line from `a` to `b`, pixels (x, y)."""
        p, q = (round(a[0]), round(a[1])), (round(b[0]), round(b[1]))
        width = max(1, round(thick))
        cv2.line(self.alpha, p, q, 1.0, width, cv2.LINE_AA)
        cv2.line(self.rgb, p, q, tuple((color * 0.72).tolist()), width)
        inner = max(1, round(thick * 0.55))
        offset = round(thick * 0.14)
        cv2.line(self.rgb, (p[0] - offset, p[1]), (q[0] - offset, q[1]), tuple(color.tolist()), inner, cv2.LINE_AA)

    def shape(self, points: list[tuple[float, float]], color: Float32) -> None:
        """Fill a polygon of pixels (x, y)."""
        polygon = np.array(points, np.int32)
        cv2.fillPoly(self.alpha, [polygon], 1.0, cv2.LINE_AA)
        cv2.fillPoly(self.rgb, [polygon], tuple(color.tolist()))

    def ball(self, center: tuple[float, float], axes: tuple[float, float], color: Float32) -> None:
        """Fill an ellipse that is lighter on its upper side."""
        c, ab = (round(center[0]), round(center[1])), (max(1, round(axes[0])), max(1, round(axes[1])))
        cv2.ellipse(self.alpha, c, ab, 0, 0, 360, 1.0, -1, cv2.LINE_AA)
        cv2.ellipse(self.rgb, c, ab, 0, 0, 360, tuple((color * 0.85).tolist()), -1)
        cv2.ellipse(
            self.rgb,
            (c[0] - ab[0] // 4, c[1] - ab[1] // 5),
            (max(1, ab[0] // 2), max(1, ab[1] // 2)),
            0,
            0,
            360,
            tuple(color.tolist()),
            -1,
        )

    def ring(
        self, center: tuple[float, float], axes: tuple[float, float], thick: int, color: tuple[float, float, float]
    ) -> None:
        """Draw the outline of an ellipse, `thick` pixels wide."""
        c, ab = (round(center[0]), round(center[1])), (max(1, round(axes[0])), max(1, round(axes[1])))
        cv2.ellipse(self.alpha, c, ab, 0, 0, 360, 1.0, thick, cv2.LINE_AA)
        cv2.ellipse(self.rgb, c, ab, 0, 0, 360, color, thick, cv2.LINE_AA)

    def finish(self, rng: np.random.Generator, solid: Float32 | None = None) -> Texture:
        """Soften what was drawn and give it grain: the texture."""
        shape = (self.alpha.shape[0], self.alpha.shape[1])
        soft = cv2.GaussianBlur(self.rgb, (0, 0), 1.2)
        weight = cv2.GaussianBlur((self.rgb.sum(2) > 0).astype(np.float32), (0, 0), 1.2)
        picture = soft / np.maximum(weight, 0.05)[..., None]
        picture *= (1 + 0.16 * fractal(rng, shape, (10, 6), 4, 0.7))[..., None]
        return premultiplied(picture, self.alpha, solid)


def pick(rng: np.random.Generator, table: tuple[tuple[int, int, int], ...]) -> Float32:
    """One colour (R, G, B) of a table, a little lighter or darker."""
    return np.array(table[rng.integers(len(table))], np.float32) * np.float32(rng.uniform(0.8, 1.2))
