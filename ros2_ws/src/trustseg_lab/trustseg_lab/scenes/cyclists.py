# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""People on bicycles, seen from behind, the front or the side, drawn in the phases of a turn of the pedals."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.sketch import CLOTHES, HAIRS, PHASES, SHOE, SKINS, Figure, Point, Sketch, pick

Float32 = npt.NDArray[np.float32]

_TYRE = (24.0, 24.0, 26.0)
_BRIGHT = ((196, 200, 40), (200, 60, 40), (40, 90, 170))
_HEIGHT, _SIDE_WIDTH, _END_WIDTH, _WHEEL = 176, 176, 88, 34.0


@dataclass(frozen=True)
class _Kit:
    """What a rider and the bicycle look like: colours (R, G, B)."""

    skin: Float32
    hair: Float32
    jacket: Float32
    trousers: Float32
    frame: Float32


def make_cyclist(rng: np.random.Generator) -> Figure:
    """A rider on a bicycle; 176 texels high. The label fills the wheels, as annotators do."""
    side = rng.random() < 0.4
    kit = _Kit(
        skin=pick(rng, SKINS),
        hair=pick(rng, HAIRS) if rng.random() < 0.5 else pick(rng, CLOTHES) * 1.2,
        jacket=pick(rng, CLOTHES) if rng.random() < 0.6 else pick(rng, _BRIGHT),
        trousers=pick(rng, CLOTHES[:6]),
        frame=pick(rng, CLOTHES) * 1.1,
    )
    cloth_seed = int(rng.integers(1 << 30))
    width = _SIDE_WIDTH if side else _END_WIDTH
    phases = []
    for n in range(PHASES):
        sketch = Sketch(_HEIGHT, width)
        wheels = (_from_side if side else _from_end)(sketch, kit, 2 * np.pi * n / PHASES)
        outline = cv2.morphologyEx((sketch.alpha > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        for x, y in wheels:
            cv2.circle(outline, (round(x), round(y)), round(_WHEEL), 1, -1)
        phases.append(sketch.finish(np.random.default_rng(cloth_seed), outline.astype(np.float32)))
    height = rng.uniform(1.7, 1.85)
    return Figure(tuple(phases), height * width / _HEIGHT, height)


def _from_side(s: Sketch, kit: _Kit, t: float) -> list[Point]:
    """Draw with the pedals at angle t; returns the hubs."""
    h, w = _HEIGHT, _SIDE_WIDTH
    back, front = (44.0, h - _WHEEL - 2), (w - 44.0, h - _WHEEL - 2)
    crank, saddle, bars = (84.0, h - 36.0), (70.0, h - 92.0), (122.0, h - 100.0)
    for hub in (back, front):
        s.ring(hub, (_WHEEL, _WHEEL), 4, _TYRE)
        for degrees in range(0, 180, 30):
            dx, dy = _WHEEL * np.cos(np.radians(degrees) + t), _WHEEL * np.sin(np.radians(degrees) + t)
            cv2.line(s.alpha, (int(hub[0] - dx), int(hub[1] - dy)), (int(hub[0] + dx), int(hub[1] + dy)), 0.3, 1)
    for a, b in ((back, saddle), (back, crank), (crank, saddle), (crank, bars), (saddle, bars), (front, bars)):
        s.limb(a, b, 4, kit.frame)
    hip, shoulder, elbow, head = (72.0, h - 98.0), (100.0, h - 146.0), (116.0, h - 122.0), (110.0, h - 163.0)
    for sign in (1, -1):
        pedal = (crank[0] + 13 * np.cos(t) * sign, crank[1] + 13 * np.sin(t) * sign)
        knee = ((hip[0] + pedal[0]) / 2 + 18, (hip[1] + pedal[1]) / 2 - 6)
        tone = kit.trousers * np.float32(0.75 if sign > 0 else 1)
        s.limb(hip, knee, 14, tone)
        s.limb(knee, pedal, 10, tone)
        s.limb(pedal, (pedal[0] + 9, pedal[1] + 2), 6, SHOE)
    s.limb(hip, shoulder, 24, kit.jacket)
    s.limb((shoulder[0], shoulder[1] + 4), elbow, 9, kit.jacket * np.float32(0.85))
    s.limb(elbow, bars, 8, kit.jacket * np.float32(0.8))
    s.ball(head, (10, 11), kit.skin)
    s.ball((head[0] - 2, head[1] - 4), (10, 8), kit.hair)
    return [back, front]


def _from_end(s: Sketch, kit: _Kit, t: float) -> list[Point]:
    """Draw with the pedals at angle t; the wheels are edge-on, so there is nothing to fill."""
    h, cx = _HEIGHT, _END_WIDTH / 2
    s.ring((cx, h - 36), (4, 34), 5, _TYRE)
    s.limb((cx, h - 62), (cx, h - 98), 5, kit.frame)
    s.limb((cx - 22, h - 106), (cx + 22, h - 106), 4, kit.frame)
    for sign in (1, -1):
        lift = 14 * np.sin(t) * sign
        tone = kit.trousers * np.float32(0.8 if sign > 0 else 1)
        knee, foot = (cx + 14 * sign, h - 66 - lift), (cx + 10 * sign, h - 34 - lift)
        s.limb((cx + 8 * sign, h - 96), knee, 14, tone)
        s.limb(knee, foot, 10, tone)
        s.limb(foot, (foot[0] + 2 * sign, foot[1] + 3), 8, SHOE)
        sleeve = kit.jacket * np.float32(0.85)
        s.limb((cx + 14 * sign, h - 144), (cx + 23 * sign, h - 122), 10, sleeve)
        s.limb((cx + 23 * sign, h - 122), (cx + 21 * sign, h - 106), 8, sleeve)
    shoulders, hem = [(cx - 16, h - 148), (cx - 7, h - 154), (cx + 7, h - 154), (cx + 16, h - 148)], h - 92
    s.shape([*shoulders, (cx + 13, hem), (cx - 13, hem)], kit.jacket)
    s.shape([(cx + 5, h - 150), (cx + 16, h - 147), (cx + 13, hem), (cx + 7, hem)], kit.jacket * np.float32(0.72))
    s.ball((cx, h - 163), (9, 11), kit.skin)
    s.ball((cx, h - 166), (9.5, 9), kit.hair)
    return []
