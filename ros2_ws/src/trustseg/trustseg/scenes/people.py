"""Walking people and cyclists: articulated figures with shaded, textured clothing, drawn in a few phases of the step."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.scenes.canvas import Texture, premultiplied
from trustseg.scenes.noise import fractal

Float32 = npt.NDArray[np.float32]

PHASES = 8
_SKINS = ((196, 150, 124), (172, 122, 96), (118, 80, 60), (206, 164, 140))
_HAIRS = ((40, 32, 28), (78, 56, 38), (120, 96, 60), (20, 20, 20), (150, 146, 140))
_CLOTHES = (
    (24, 26, 32), (34, 36, 46), (60, 52, 48), (92, 30, 34), (44, 60, 92), (110, 104, 94),
    (30, 46, 40), (150, 144, 134), (24, 24, 24), (70, 74, 80), (40, 34, 52), (160, 150, 60),
)


@dataclass(frozen=True)
class Figure:
    """Sprites of one person: `phases` textures over one step, size in metres, label left to the caller."""

    phases: tuple[Texture, ...]
    width_m: float
    height_m: float


class _Sketch:
    """A drawing board: colour, coverage and thickness of cloth, in texels."""

    def __init__(self, height: int, width: int) -> None:
        self.rgb = np.zeros((height, width, 3), np.float32)
        self.alpha = np.zeros((height, width), np.float32)

    def limb(self, a: tuple[float, float], b: tuple[float, float], thick: float, color: Float32) -> None:
        p, q = (round(a[0]), round(a[1])), (round(b[0]), round(b[1]))
        width = max(1, round(thick))
        cv2.line(self.alpha, p, q, 1.0, width, cv2.LINE_AA)
        cv2.line(self.rgb, p, q, tuple((color * 0.72).tolist()), width)
        inner = max(1, round(thick * 0.55))
        offset = round(thick * 0.14)
        cv2.line(self.rgb, (p[0] - offset, p[1]), (q[0] - offset, q[1]), tuple(color.tolist()), inner, cv2.LINE_AA)

    def shape(self, points: list[tuple[float, float]], color: Float32) -> None:
        polygon = np.array(points, np.int32)
        cv2.fillPoly(self.alpha, [polygon], 1.0, cv2.LINE_AA)
        cv2.fillPoly(self.rgb, [polygon], tuple(color.tolist()))

    def ball(self, center: tuple[float, float], axes: tuple[float, float], color: Float32) -> None:
        c, ab = (round(center[0]), round(center[1])), (max(1, round(axes[0])), max(1, round(axes[1])))
        cv2.ellipse(self.alpha, c, ab, 0, 0, 360, 1.0, -1, cv2.LINE_AA)
        cv2.ellipse(self.rgb, c, ab, 0, 0, 360, tuple((color * 0.85).tolist()), -1)
        cv2.ellipse(self.rgb, (c[0] - ab[0] // 4, c[1] - ab[1] // 5), (max(1, ab[0] // 2), max(1, ab[1] // 2)), 0, 0, 360, tuple(color.tolist()), -1)

    def ring(self, center: tuple[float, float], axes: tuple[float, float], thick: int, color: tuple[float, float, float]) -> None:
        c, ab = (round(center[0]), round(center[1])), (max(1, round(axes[0])), max(1, round(axes[1])))
        cv2.ellipse(self.alpha, c, ab, 0, 0, 360, 1.0, thick, cv2.LINE_AA)
        cv2.ellipse(self.rgb, c, ab, 0, 0, 360, color, thick, cv2.LINE_AA)

    def finish(self, rng: np.random.Generator, solid: Float32 | None = None) -> Texture:
        shape = (self.alpha.shape[0], self.alpha.shape[1])
        soft = cv2.GaussianBlur(self.rgb, (0, 0), 1.2)
        weight = cv2.GaussianBlur((self.rgb.sum(2) > 0).astype(np.float32), (0, 0), 1.2)
        picture = soft / np.maximum(weight, 0.05)[..., None]
        picture *= (1 + 0.16 * fractal(rng, shape, (10, 6), 4, 0.7))[..., None]
        return premultiplied(picture, self.alpha, solid)


def make_pedestrian(rng: np.random.Generator) -> Figure:
    """A person on foot, seen from the front, the back or the side; 160 texels high."""
    h, w = 168, 96
    skin, hair = _pick(rng, _SKINS), _pick(rng, _HAIRS)
    coat, trousers = _pick(rng, _CLOTHES), _pick(rng, _CLOTHES[:6]) * 0.9
    shoe = np.array([26, 24, 22], np.float32)
    side = rng.random() < 0.45
    stout = rng.uniform(0.88, 1.2)
    long_coat = rng.random() < 0.4
    bag = rng.random() < 0.3
    bag_color = _pick(rng, _CLOTHES)
    texture_seed = int(rng.integers(1 << 30))
    phases = []
    for n in range(PHASES):
        t = 2 * np.pi * n / PHASES
        s = _Sketch(h, w)
        cx, hip, shoulder, head = w / 2, 0.52 * h, 0.22 * h, 0.085 * h
        for sign in (1, -1):
            swing = np.sin(t) * sign
            knee_lift = max(0.0, np.cos(t) * sign)
            if side:
                knee = (cx + 10 * swing + 2, hip + 0.23 * h)
                foot = (cx + 19 * swing - 7 * knee_lift, h - 5 - 7 * knee_lift)
                toe = (foot[0] + 8, foot[1] + 1)
                elbow = (cx - 10 * swing, shoulder + 0.17 * h)
                hand = (cx - 15 * swing + 5, shoulder + 0.31 * h)
            else:
                spread = 6 * sign * stout
                knee = (cx + spread, hip + 0.23 * h - 3 * knee_lift)
                foot = (cx + spread * 1.1, h - 4 - 9 * knee_lift)
                toe = (foot[0] + 2 * sign, foot[1] + 3)
                elbow = (cx + 16 * sign * stout, shoulder + 0.16 * h)
                hand = (cx + 17 * sign * stout, shoulder + 0.30 * h + 4 * swing)
            hip_x = cx + (0 if side else 5 * sign)
            tone = trousers * (0.8 if sign > 0 else 1.0)
            s.limb((hip_x, hip), knee, 12 * stout, tone)
            s.limb(knee, foot, 9 * stout, tone)
            s.limb(foot, toe, 6, shoe)
            arm = coat * (0.75 if sign > 0 else 0.92)
            if sign > 0 or not side:
                s.limb((cx + (0 if side else 12 * sign * stout), shoulder + 4), elbow, 9 * stout, arm)
                s.limb(elbow, hand, 8, arm)
                s.ball(hand, (3, 4), skin)
        hem = hip + (0.13 if long_coat else 0.03) * h
        half = (9 if side else 14) * stout
        s.shape([(cx - half, shoulder + 2), (cx - half * 0.5, shoulder - 5), (cx + half * 0.5, shoulder - 5),
                 (cx + half, shoulder + 2), (cx + half * 0.9, hip - 12), (cx + half, hem), (cx - half, hem), (cx - half * 0.9, hip - 12)], coat)
        s.shape([(cx + half * 0.35, shoulder), (cx + half, shoulder + 3), (cx + half, hem), (cx + half * 0.5, hem)], coat * 0.72)
        if side:
            swing = -np.sin(t)
            s.limb((cx, shoulder + 5), (cx - 9 * swing, shoulder + 0.17 * h), 9, coat * 0.95)
            s.limb((cx - 9 * swing, shoulder + 0.17 * h), (cx - 14 * swing + 6, shoulder + 0.3 * h), 8, coat * 0.9)
        if bag:
            s.shape([(cx + half - 2, hip - 16), (cx + half + 10, hip - 14), (cx + half + 10, hip + 8), (cx + half - 2, hip + 8)], bag_color)
        s.limb((cx, shoulder - 4), (cx, head + 8), 7, skin * 0.85)
        s.ball((cx, head), (8, 10.5), skin)
        s.ball((cx - (2 if side else 0), head - 3), (8.5, 8), hair)
        if not side and rng.random() < 1:
            s.ball((cx, head + 3), (5.5, 6), skin * (0.98 if texture_seed % 2 else 0.3) + (0 if texture_seed % 2 else 0.7) * hair)
        phases.append(s.finish(np.random.default_rng(texture_seed)))
    height = rng.uniform(1.6, 1.88)
    return Figure(tuple(phases), height * w / h, height)


def make_cyclist(rng: np.random.Generator) -> Figure:
    """A rider on a bicycle seen from behind, the front or the side; 176 texels high."""
    side = rng.random() < 0.4
    h, w = 176, 176 if side else 88
    skin = _pick(rng, _SKINS)
    hair = _pick(rng, _HAIRS) if rng.random() < 0.5 else _pick(rng, _CLOTHES) * 1.2
    jacket = _pick(rng, _CLOTHES) if rng.random() < 0.6 else np.array([(196, 200, 40), (200, 60, 40), (40, 90, 170)][rng.integers(3)], np.float32)
    trousers = _pick(rng, _CLOTHES[:6])
    frame = _pick(rng, _CLOTHES) * 1.1
    texture_seed = int(rng.integers(1 << 30))
    tyre = (24.0, 24.0, 26.0)
    phases = []
    for n in range(PHASES):
        t = 2 * np.pi * n / PHASES
        s = _Sketch(h, w)
        if side:
            r = 34.0
            back, front, crank, saddle, bars = (44.0, h - r - 2), (w - 44.0, h - r - 2), (84.0, h - 36.0), (70.0, h - 92.0), (122.0, h - 100.0)
            solid_wheels = [(back, r), (front, r)]
            for c, radius in solid_wheels:
                s.ring(c, (radius, radius), 4, tyre)
                for a in range(0, 180, 30):
                    dx, dy = radius * np.cos(np.radians(a) + t), radius * np.sin(np.radians(a) + t)
                    cv2.line(s.alpha, (int(c[0] - dx), int(c[1] - dy)), (int(c[0] + dx), int(c[1] + dy)), 0.3, 1)
            for a, b in ((back, saddle), (back, crank), (crank, saddle), (crank, bars), (saddle, bars), (front, bars)):
                s.limb(a, b, 4, frame)
            hipp, shoulder, head = (72.0, h - 98.0), (100.0, h - 146.0), (110.0, h - 163.0)
            for sign in (1, -1):
                pedal = (crank[0] + 13 * np.cos(t) * sign, crank[1] + 13 * np.sin(t) * sign)
                knee = ((hipp[0] + pedal[0]) / 2 + 18, (hipp[1] + pedal[1]) / 2 - 6)
                tone = trousers * (0.75 if sign > 0 else 1)
                s.limb(hipp, knee, 14, tone)
                s.limb(knee, pedal, 10, tone)
                s.limb(pedal, (pedal[0] + 9, pedal[1] + 2), 6, np.array([28, 26, 24], np.float32))
            s.limb(hipp, shoulder, 24, jacket)
            s.limb((shoulder[0], shoulder[1] + 4), (116.0, h - 122.0), 9, jacket * 0.85)
            s.limb((116.0, h - 122.0), bars, 8, jacket * 0.8)
            s.ball(head, (10, 11), skin)
            s.ball((head[0] - 2, head[1] - 4), (10, 8), hair)
        else:
            cx = w / 2
            s.ring((cx, h - 36), (4, 34), 5, tyre)
            s.limb((cx, h - 62), (cx, h - 98), 5, frame)
            s.limb((cx - 22, h - 106), (cx + 22, h - 106), 4, frame)
            for sign in (1, -1):
                lift = 14 * np.sin(t) * sign
                knee = (cx + 14 * sign, h - 66 - lift)
                foot = (cx + 10 * sign, h - 34 - lift)
                s.limb((cx + 8 * sign, h - 96), knee, 14, trousers * (0.8 if sign > 0 else 1))
                s.limb(knee, foot, 10, trousers * (0.8 if sign > 0 else 1))
                s.limb(foot, (foot[0] + 2 * sign, foot[1] + 3), 8, np.array([28, 26, 24], np.float32))
                s.limb((cx + 14 * sign, h - 144), (cx + 23 * sign, h - 122), 10, jacket * 0.85)
                s.limb((cx + 23 * sign, h - 122), (cx + 21 * sign, h - 106), 8, jacket * 0.85)
            s.shape([(cx - 16, h - 148), (cx - 7, h - 154), (cx + 7, h - 154), (cx + 16, h - 148), (cx + 13, h - 92), (cx - 13, h - 92)], jacket)
            s.shape([(cx + 5, h - 150), (cx + 16, h - 147), (cx + 13, h - 92), (cx + 7, h - 92)], jacket * 0.72)
            s.ball((cx, h - 163), (9, 11), skin)
            s.ball((cx, h - 166), (9.5, 9), hair)
        closed = cv2.morphologyEx((s.alpha > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        if side:
            for c, radius in solid_wheels:
                cv2.circle(closed, (round(c[0]), round(c[1])), round(radius), 1, -1)
        phases.append(s.finish(np.random.default_rng(texture_seed), closed.astype(np.float32)))
    height = rng.uniform(1.7, 1.85)
    return Figure(tuple(phases), height * w / h, height)


def _pick(rng: np.random.Generator, table: tuple[tuple[int, int, int], ...]) -> Float32:
    return np.array(table[rng.integers(len(table))], np.float32) * np.float32(rng.uniform(0.8, 1.2))
