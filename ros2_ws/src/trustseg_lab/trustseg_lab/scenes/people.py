# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Walking people: articulated figures with shaded, textured clothing, drawn in the phases of a step."""

from __future__ import annotations

import numpy as np

from trustseg_lab.scenes.sketch import CLOTHES, HAIRS, PHASES, SHOE, SKINS, Figure, Sketch, pick


def make_pedestrian(rng: np.random.Generator) -> Figure:
    """A person on foot, seen from the front, the back or the side; 160 texels high."""
    h, w = 168, 96
    skin, hair = pick(rng, SKINS), pick(rng, HAIRS)
    coat, trousers = pick(rng, CLOTHES), pick(rng, CLOTHES[:6]) * 0.9
    side = rng.random() < 0.45
    stout = rng.uniform(0.88, 1.2)
    long_coat = rng.random() < 0.4
    bag = rng.random() < 0.3
    bag_color = pick(rng, CLOTHES)
    texture_seed = int(rng.integers(1 << 30))
    phases = []
    for n in range(PHASES):
        t = 2 * np.pi * n / PHASES
        s = Sketch(h, w)
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
            s.limb(foot, toe, 6, SHOE)
            arm = coat * (0.75 if sign > 0 else 0.92)
            if sign > 0 or not side:
                s.limb((cx + (0 if side else 12 * sign * stout), shoulder + 4), elbow, 9 * stout, arm)
                s.limb(elbow, hand, 8, arm)
                s.ball(hand, (3, 4), skin)
        hem = hip + (0.13 if long_coat else 0.03) * h
        half = (9 if side else 14) * stout
        s.shape(
            [
                (cx - half, shoulder + 2),
                (cx - half * 0.5, shoulder - 5),
                (cx + half * 0.5, shoulder - 5),
                (cx + half, shoulder + 2),
                (cx + half * 0.9, hip - 12),
                (cx + half, hem),
                (cx - half, hem),
                (cx - half * 0.9, hip - 12),
            ],
            coat,
        )
        s.shape(
            [(cx + half * 0.35, shoulder), (cx + half, shoulder + 3), (cx + half, hem), (cx + half * 0.5, hem)],
            coat * 0.72,
        )
        if side:
            swing = -np.sin(t)
            s.limb((cx, shoulder + 5), (cx - 9 * swing, shoulder + 0.17 * h), 9, coat * 0.95)
            s.limb((cx - 9 * swing, shoulder + 0.17 * h), (cx - 14 * swing + 6, shoulder + 0.3 * h), 8, coat * 0.9)
        if bag:
            s.shape(
                [
                    (cx + half - 2, hip - 16),
                    (cx + half + 10, hip - 14),
                    (cx + half + 10, hip + 8),
                    (cx + half - 2, hip + 8),
                ],
                bag_color,
            )
        s.limb((cx, shoulder - 4), (cx, head + 8), 7, skin * 0.85)
        s.ball((cx, head), (8, 10.5), skin)
        s.ball((cx - (2 if side else 0), head - 3), (8.5, 8), hair)
        if not side:
            s.ball(
                (cx, head + 3),
                (5.5, 6),
                skin * (0.98 if texture_seed % 2 else 0.3) + (0 if texture_seed % 2 else 0.7) * hair,
            )
        phases.append(s.finish(np.random.default_rng(texture_seed)))
    height = rng.uniform(1.6, 1.88)
    return Figure(tuple(phases), height * w / h, height)
