# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cars, vans and buses: panels with painted detail on a simple three-dimensional body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.bodywork import (
    PAINTS,
    Body,
    make_flank,
    make_front,
    make_screen,
    make_sheet,
    make_tail,
    mirrored,
)
from trustseg_lab.scenes.canvas import Quad, Texture

Float32 = npt.NDArray[np.float32]
Vector = tuple[float, float, float]

BODIES = {
    "hatchback": Body(3.9, 1.68, 1.44, 0.92, 0.80, 1.85, 1.02, 0.35, -1.45, -1.85, 0.95, 0.17),
    "saloon": Body(4.5, 1.75, 1.42, 0.92, 0.80, 2.12, 1.05, 0.30, -1.05, -1.65, 0.98, 0.19),
    "estate": Body(4.6, 1.78, 1.52, 0.96, 0.86, 2.15, 1.15, 0.42, -1.95, -2.25, 0.98, 0.16),
    "van": Body(4.9, 1.92, 2.25, 1.15, 1.05, 2.30, 1.65, 0.95, -2.38, -2.43, 1.15, 0.06),
    "bus": Body(9.5, 2.45, 3.1, 1.15, 1.10, 4.72, 4.66, 4.60, -4.70, -4.74, 1.15, 0.03),
}


@dataclass(frozen=True)
class Vehicle:
    """A painted vehicle: `panels` in its own axes (x right, y up, z forward, origin on the ground below the middle)."""

    panels: tuple[tuple[Vector, Vector, Vector, Texture, Vector], ...]
    length_m: float
    width_m: float
    height_m: float

    def quads(self, x: float, z: float, heading: float, label: int, light: tuple[Vector, Vector, Vector]) -> list[Quad]:
        """Panels in the world at (x, z), turned by `heading` (radians, to the right).

        `light` is (ambient, sun, direction to the sun), as in `Light`.
        """
        c, s = float(np.cos(heading)), float(np.sin(heading))

        def turn(v: Vector) -> Vector:
            return (c * v[0] + s * v[2], v[1], -s * v[0] + c * v[2])

        ambient, sun, toward = light
        out = []
        for origin, along, down, texture, normal in self.panels:
            o, n = turn(origin), turn(normal)
            facing = max(0.0, n[0] * toward[0] + n[1] * toward[1] + n[2] * toward[2])
            sky = 0.8 + 0.25 * n[1]
            gain = (
                ambient[0] * sky + sun[0] * facing,
                ambient[1] * sky + sun[1] * facing,
                ambient[2] * sky + sun[2] * facing,
            )
            out.append(Quad((o[0] + x, o[1], o[2] + z), turn(along), turn(down), texture, label, gain, 0.0))
        return out


def make_vehicle(rng: np.random.Generator, kind: str) -> Vehicle:
    """A vehicle of one of `BODIES`, in a random paint."""
    b = BODIES[kind]
    paint = np.array(PAINTS[rng.integers(len(PAINTS))], np.float32) * np.float32(rng.uniform(0.85, 1.1))
    if kind in ("van", "bus") and rng.random() < 0.6:
        paint = np.array([(206, 206, 202), (150, 24, 24), (40, 70, 130), (196, 190, 170)][rng.integers(4)], np.float32)
    half, roof_half = b.width / 2, b.width / 2 - b.lean
    front, rear = b.length / 2, -b.length / 2
    panels: list[tuple[Vector, Vector, Vector, Texture, Vector]] = []
    lower, upper = make_flank(rng, b, paint, kind)
    o = 0.02
    for sign in (-1, 1):
        # Seen from its own side the left flank shows the front on the left, the right flank on the right.
        z_start, step = (front, -b.length) if sign < 0 else (rear, b.length)
        low, up = (lower, upper) if sign < 0 else (mirrored(lower), mirrored(upper))
        panels.append(((sign * half, b.belt + o, z_start), (0, 0, step), (0, -b.belt - o, 0), low, (sign, 0.05, 0)))
        rise = b.height - b.belt
        panels.append(
            ((sign * roof_half, b.height, z_start), (0, 0, step), (sign * b.lean, -rise, 0), up, (sign * 0.95, 0.3, 0))
        )
    face, tail = make_front(rng, b, paint), make_tail(rng, b, paint)
    panels.append(((half, b.bonnet_y, front), (-b.width, 0, 0), (0, -b.bonnet_y, 0), face, (0, 0.1, 1)))
    panels.append(((-half, b.tail_y, rear), (b.width, 0, 0), (0, -b.tail_y, 0), tail, (0, 0.05, -1)))
    taper = roof_half / half

    def sheet(z0: float, y0: float, z1: float, y1: float, texture: Texture, reverse: bool) -> None:
        """A panel across the car from its upper edge (z0, y0) to its lower edge (z1, y1)."""
        normal_z, normal_y = (y0 - y1), -(z0 - z1)
        if reverse:
            normal_z, normal_y = -(y0 - y1), (z0 - z1)
        scale = max(1e-6, float(np.hypot(normal_z, normal_y)))
        start, along = ((-half, y0, z0), (b.width, 0, 0)) if reverse else ((half, y0, z0), (-b.width, 0, 0))
        panels.append(
            (
                start,
                along,
                (0, y1 - y0, z1 - z0),
                texture,
                (0, abs(normal_y) / scale, (-1 if reverse else 1) * abs(normal_z) / scale),
            )
        )

    sheet(
        b.screen_z - o,
        b.belt + o,
        b.bonnet_z,
        b.bonnet_y - o,
        make_sheet(rng, paint, b.width, b.bonnet_z - b.screen_z, 1.15),
        False,
    )
    sheet(b.bonnet_z, b.bonnet_y, front, b.bonnet_y - 0.1, make_sheet(rng, paint, b.width, 0.3, 1.0), False)
    sheet(b.roof_front_z, b.height, b.screen_z, b.belt, make_screen(rng, b, taper, paint), False)
    sheet(b.roof_rear_z, b.height, b.roof_front_z, b.height, make_sheet(rng, paint, b.width, 1.5, 1.2, taper), False)
    sheet(b.roof_rear_z, b.height, b.tail_z, b.tail_y, make_screen(rng, b, taper, paint, kind == "van"), True)
    if b.tail_z > rear + 0.12:
        sheet(b.tail_z, b.tail_y, rear, b.tail_y - 0.06, make_sheet(rng, paint, b.width, b.tail_z - rear, 1.1), True)
    return Vehicle(tuple(panels), b.length, b.width, b.height)
