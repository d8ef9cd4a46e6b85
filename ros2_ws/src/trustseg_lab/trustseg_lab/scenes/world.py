# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What stands along the street: houses, trees, posts, signs, fences, parked cars, block by block from the seed."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.canvas import Quad, Texture
from trustseg_lab.scenes.classes import BUILDING, FENCE, PEDESTRIAN, POLE, SIGN, TREE
from trustseg_lab.scenes.light import Light, Vector
from trustseg_lab.scenes.noise import stream
from trustseg_lab.scenes.pool import TexturePool
from trustseg_lab.scenes.road import BLOCK_M, KERB_M, Road, Side
from trustseg_lab.scenes.vehicles import Vehicle

_STREAM_WORLD = 21


@dataclass(frozen=True)
class Sprite:
    """An upright picture that always faces the camera; (x, y, z) is the middle of its foot, metres."""

    x: float
    y: float
    z: float
    width: float
    height: float
    texture: Texture
    label: int
    gain: Vector
    cast: str = "none"


@dataclass
class Block:
    """Everything that stands still in one block of street. `shadows` are ground polygons, world (X, Z), (N, 2)."""

    quads: list[Quad] = field(default_factory=list)
    sprites: list[Sprite] = field(default_factory=list)
    vehicles: list[tuple[Vehicle, float, float, float]] = field(default_factory=list)
    shadows: list[npt.NDArray[np.float64]] = field(default_factory=list)


class World:
    """Makes blocks; `block(n)` depends on the seed and n only."""

    def __init__(self, seed: int, road: Road, pool: TexturePool, light: Light) -> None:
        self.seed, self.road, self.pool, self.light = seed, road, pool, light
        self._blocks: dict[int, Block] = {}
        rng = stream(seed, _STREAM_WORLD)
        self.tree_spacing = float(rng.choice([9.0, 13.0, 22.0, 60.0]))
        self.bare_share = float(rng.choice([0.15, 0.6, 0.9]))
        self.lamp_spacing = float(rng.uniform(22, 36))
        self.sign_density = float(rng.uniform(0.6, 1.9))
        self.crowd = float(rng.uniform(0.3, 2.4))

    def block(self, number: int) -> Block:
        """Block from z = number * BLOCK_M on; kept until 24 others were made."""
        found = self._blocks.get(number)
        if found is None:
            found = Block()
            for sign in (-1, 1):
                self._fill(found, number, sign)
            if len(self._blocks) > 24:
                self._blocks.pop(next(iter(self._blocks)))
            self._blocks[number] = found
        return found

    def at(self, lateral: float, z: float) -> tuple[float, float]:
        """World (X, Z) of a point `lateral` metres right of the centre line."""
        return self.road.centre_at(z) + lateral, z

    def _fill(self, out: Block, number: int, sign: int) -> None:
        side = self.road.side(number, sign)
        rng = stream(self.seed, _STREAM_WORLD, number, sign + 1)
        z0 = number * BLOCK_M
        setback = {"terrace": 0.0, "villas": rng.uniform(3.5, 8), "park": 30.0, "estate": rng.uniform(0, 4)}[side.use]
        self._houses(out, rng, side, sign, z0, setback)
        if side.use in ("villas", "park"):
            self._boundary(out, rng, side, sign, z0)
        if side.use == "park":
            for _ in range(int(rng.integers(5, 12))):
                self._tree(
                    out,
                    rng,
                    sign * (side.back + rng.uniform(1.5, 22)),
                    z0 + rng.uniform(0, BLOCK_M),
                    rng.uniform(5, 13),
                )
        elif side.use == "villas":
            for _ in range(int(rng.integers(2, 6))):
                self._tree(
                    out,
                    rng,
                    sign * (side.back + rng.uniform(0.8, setback)),
                    z0 + rng.uniform(0, BLOCK_M),
                    rng.uniform(2.5, 9),
                )
        elif rng.random() < 0.5:
            for _ in range(int(rng.integers(1, 3))):
                self._tree(
                    out, rng, sign * (side.back + rng.uniform(12, 25)), z0 + rng.uniform(0, BLOCK_M), rng.uniform(9, 15)
                )
        if self.tree_spacing < 50 and self.road.pavement[(sign + 1) // 2] > 2.2:
            z = z0 + rng.uniform(0, self.tree_spacing)
            while z < z0 + BLOCK_M:
                if rng.random() < 0.8 and not _inside(side.junction, z, 3):
                    self._tree(out, rng, sign * (side.kerb + 0.75), z, rng.uniform(4, 10))
                z += self.tree_spacing * rng.uniform(0.8, 1.2)
        self._posts(out, rng, side, sign, z0)
        if side.parked:
            z = z0 + rng.uniform(0, 6)
            while z < z0 + BLOCK_M - 3:
                if rng.random() < 0.78 and not _inside(side.junction, z, 7):
                    car = self.pool.cars[int(rng.integers(len(self.pool.cars) - 1))]
                    self._park(out, car, sign * (side.kerb - car.width_m / 2 - rng.uniform(0.1, 0.4)), z, sign, rng)
                z += rng.uniform(5.4, 7)
        for _ in range(int(rng.poisson(self.crowd * (2.2 if side.use == "terrace" else 0.9)))):
            person = self.pool.pedestrians[int(rng.integers(len(self.pool.pedestrians)))]
            lateral = sign * rng.uniform(side.kerb + 0.4, max(side.kerb + 0.6, side.back - 0.4))
            x, z = self.at(lateral, z0 + rng.uniform(0, BLOCK_M))
            gain = self._upright(rng)
            texture = person.phases[int(rng.integers(2)) * 4]
            out.sprites.append(Sprite(x, KERB_M, z, person.width_m, person.height_m, texture, PEDESTRIAN, gain, "post"))

    def _upright(self, rng: np.random.Generator, spread: float = 0.15) -> Vector:
        """Light on a thing that faces every way, with its own tint."""
        g = self.light.on((-self.light.toward_sun[0] * 0.2, 0.25, -1.0))
        g2 = self.light.on((1.0, 0.0, 0.0))
        g3 = self.light.on((-1.0, 0.0, 0.0))
        t = float(rng.uniform(1 - spread, 1 + spread))
        return (t * (g[0] + g2[0] + g3[0]) / 3, t * (g[1] + g2[1] + g3[1]) / 3, t * (g[2] + g2[2] + g3[2]) / 3)

    def _houses(self, out: Block, rng: np.random.Generator, side: Side, sign: int, z0: float, setback: float) -> None:
        kinds = {
            "terrace": ["shops", "shops", "terrace", "render", "stone"],
            "villas": ["terrace", "render", "modern"],
            "park": ["office", "modern"],
            "estate": ["office", "modern", "shops", "office"],
        }[side.use]
        z = z0
        end = z0 + BLOCK_M
        while z < end - 1:
            stock = self.pool.facades[kinds[int(rng.integers(len(kinds)))]]
            facade = stock[int(rng.integers(len(stock)))]
            width = min(facade.width_m * rng.uniform(0.85, 1.2), end - z)
            gap = 0.0
            if side.use == "villas":
                gap = rng.uniform(1, 5) if rng.random() < 0.6 else 0.0
            elif side.use in ("park", "estate"):
                gap = rng.uniform(4, 18) if rng.random() < 0.5 else 0.0
            if width < 3.5:
                break
            if side.junction is not None and _overlaps(side.junction, z, z + width):
                room = side.junction[0] - z
                if room < 3.5:
                    z = max(z + 0.5, side.junction[1])
                    continue
                width = room
            if not (side.use == "park" and rng.random() < 0.45):
                lateral = side.back + setback + rng.uniform(0, 0.25)
                self._house(
                    out,
                    rng,
                    facade.texture,
                    facade.height_m * rng.uniform(0.92, 1.12),
                    sign,
                    lateral,
                    z,
                    z + width,
                    facade.kind,
                )
            z += width + gap

    def _house(
        self,
        out: Block,
        rng: np.random.Generator,
        front: Texture,
        height: float,
        sign: int,
        lateral: float,
        z0: float,
        z1: float,
        kind: str,
    ) -> None:
        x0, x1 = self.road.centre_at(z0) + sign * lateral, self.road.centre_at(z1) + sign * lateral
        tint = rng.uniform(0.86, 1.14) * np.array([1 + rng.normal(0, 0.03), 1.0, 1 + rng.normal(0, 0.04)])
        face = self.light.on((-float(sign), 0.0, 0.0))
        gain = (face[0] * tint[0], face[1] * tint[1], face[2] * tint[2])
        if sign < 0:
            out.quads.append(Quad((x0, height, z0), (x1 - x0, 0, z1 - z0), (0, -height, 0), front, BUILDING, gain))
        else:
            out.quads.append(Quad((x1, height, z1), (x0 - x1, 0, z0 - z1), (0, -height, 0), front, BUILDING, gain))
        deep = 9.0
        flat = kind in ("office", "modern") and rng.random() < 0.7
        gable = self.pool.gables[int(rng.integers(len(self.pool.gables)))]
        end = self.light.on((0.0, 0.0, -1.0))
        rise = 0.0 if flat else rng.uniform(2.2, 3.4)
        left = x0 - deep if sign < 0 else x0
        out.quads.append(
            Quad(
                (left, height + rise, z0 + 0.02),
                (deep, 0, 0),
                (0, -height - rise, 0),
                gable,
                BUILDING,
                (end[0] * tint[0], end[1] * tint[1], end[2] * tint[2]),
            )
        )
        if not flat:
            roof = self.pool.roofs[int(rng.integers(len(self.pool.roofs)))]
            up = self.light.on((-sign * 0.55, 0.83, 0.0))
            back = sign * deep / 2
            if sign < 0:
                out.quads.append(
                    Quad((x0 + back, height + rise, z0), (x1 - x0, 0, z1 - z0), (-back, -rise, 0), roof, BUILDING, up)
                )
            else:
                out.quads.append(
                    Quad((x1 + back, height + rise, z1), (x0 - x1, 0, z0 - z1), (-back, -rise, 0), roof, BUILDING, up)
                )
            for _ in range(int(rng.integers(0, 3))):
                z = rng.uniform(z0 + 0.5, z1 - 0.5)
                x = x0 + (x1 - x0) * (z - z0) / (z1 - z0) + back * rng.uniform(0.4, 1.0)
                chimney = self.pool.chimneys[int(rng.integers(2))]
                out.sprites.append(Sprite(x, height + rise * 0.4, z, 1.1, rise * 0.6 + 1.3, chimney, BUILDING, end))
        if kind in ("shops", "modern", "office") and rng.random() < 0.5 * self.sign_density:
            sign_texture = self.pool.signs[int(rng.integers(len(self.pool.signs)))]
            z = rng.uniform(z0 + 0.5, z1 - 0.3)
            wide = rng.uniform(0.6, 0.9)
            x = x0 + (x1 - x0) * (z - z0) / (z1 - z0)
            left = x if sign < 0 else x - wide
            out.quads.append(
                Quad(
                    (left, rng.uniform(3.3, 4.6), z),
                    (wide, 0, 0),
                    (0, -rng.uniform(0.7, 1.2), 0),
                    sign_texture,
                    SIGN,
                    end,
                    0.5,
                )
            )
        sx, sy, sz = self.light.toward_sun
        if self.light.shadow < 1:
            top = height + rise * 0.6
            dx, dz = -sx / sy * top, -sz / sy * top
            inner = x0 + sign * deep * 0.5, x1 + sign * deep * 0.5
            out.shadows.append(
                _hull(
                    [
                        (x0, z0),
                        (x1, z1),
                        (inner[0], z0),
                        (inner[1], z1),
                        (x0 + dx, z0 + dz),
                        (x1 + dx, z1 + dz),
                        (inner[0] + dx, z0 + dz),
                        (inner[1] + dx, z1 + dz),
                    ]
                )
            )

    def _boundary(self, out: Block, rng: np.random.Generator, side: Side, sign: int, z0: float) -> None:
        """Hedge, railings or boards between the pavement and the gardens."""
        z = z0
        kind = str(rng.choice(["hedge", "railing", "boards", "none"], p=[0.34, 0.36, 0.2, 0.1]))
        height = rng.uniform(1.0, 2.0) if kind != "railing" else rng.uniform(0.95, 1.5)
        if kind == "none":
            return
        texture, label = {
            "hedge": (self.pool.hedges[int(rng.integers(2))], TREE),
            "railing": (self.pool.railings[int(rng.integers(2))], FENCE),
            "boards": (self.pool.boards[int(rng.integers(2))], FENCE),
        }[kind]
        face = self.light.on((-float(sign), 0.0, 0.0))
        step = 4.0
        while z < z0 + BLOCK_M - 0.01:
            z1 = min(z + step, z0 + BLOCK_M)
            if not _overlaps(side.junction, z, z1) and rng.random() < 0.93:
                xa, xb = self.road.centre_at(z) + sign * side.back, self.road.centre_at(z1) + sign * side.back
                if sign < 0:
                    out.quads.append(
                        Quad((xa, height + KERB_M, z), (xb - xa, 0, z1 - z), (0, -height, 0), texture, label, face)
                    )
                else:
                    out.quads.append(
                        Quad((xb, height + KERB_M, z1), (xa - xb, 0, z - z1), (0, -height, 0), texture, label, face)
                    )
            z = z1

    def _tree(self, out: Block, rng: np.random.Generator, lateral: float, z: float, height: float) -> None:
        bare = rng.random() < self.bare_share
        stock = self.pool.bare_trees if bare else self.pool.leafy_trees
        texture = stock[int(rng.integers(len(stock)))]
        shape = texture.rgba.shape
        width = height * shape[1] / shape[0] * rng.uniform(0.85, 1.3)
        x, z = self.at(lateral, z)
        out.sprites.append(
            Sprite(
                x, KERB_M * 0.5, z, width, height, texture, TREE, self._upright(rng, 0.2), "bare" if bare else "tree"
            )
        )

    def _posts(self, out: Block, rng: np.random.Generator, side: Side, sign: int, z0: float) -> None:
        pool = self.pool
        edge = sign * (side.kerb + 0.45)
        z = z0 + rng.uniform(0, self.lamp_spacing)
        while z < z0 + BLOCK_M:
            if not _inside(side.junction, z, 3.5):
                x, _ = self.at(edge, z)
                high = rng.uniform(6, 9)
                lamp = pool.lamps[int(rng.integers(2))]
                out.sprites.append(Sprite(x, KERB_M, z, high * 3 / 8, high, lamp, POLE, self._upright(rng), "post"))
            z += self.lamp_spacing
        for _ in range(int(rng.poisson(2.6 * self.sign_density))):
            z = z0 + rng.uniform(0, BLOCK_M)
            if _inside(side.junction, z, 3.2):
                continue
            x, _ = self.at(edge + sign * rng.uniform(-0.1, 0.8), z)
            gain = self._upright(rng)
            high = rng.uniform(2.2, 3.2)
            size = rng.uniform(0.6, 0.95)
            out.sprites.append(Sprite(x, KERB_M, z, 0.085, high, pool.poles[int(rng.integers(2))], POLE, gain, "post"))
            plate = pool.signs[int(rng.integers(len(pool.signs)))]
            out.sprites.append(Sprite(x, KERB_M + high - size, z - 0.05, size, size, plate, SIGN, gain))
        if side.junction is not None:
            for z in (side.junction[0] - 4.2, side.junction[1] + 4.2):
                x, _ = self.at(edge, z)
                gain = self._upright(rng)
                out.sprites.append(Sprite(x, KERB_M, z, 0.11, 3.3, pool.poles[0], POLE, gain, "post"))
                out.sprites.append(
                    Sprite(x, KERB_M + 2.3, z - 0.08, 0.40, 0.98, pool.lights[int(rng.integers(2))], SIGN, gain)
                )
            if rng.random() < 0.6:
                face = self.light.on((-float(sign), 0.0, 0.0))
                z1 = side.junction[0] - 4.5
                xa, xb = (
                    self.road.centre_at(z1 - 8) + sign * (side.kerb + 0.3),
                    self.road.centre_at(z1) + sign * (side.kerb + 0.3),
                )
                rail = pool.railings[int(rng.integers(2))]
                if sign < 0:
                    out.quads.append(Quad((xa, 1.15, z1 - 8), (xb - xa, 0, 8), (0, -1.05, 0), rail, FENCE, face))
                else:
                    out.quads.append(Quad((xb, 1.15, z1), (xa - xb, 0, -8), (0, -1.05, 0), rail, FENCE, face))
        if rng.random() < 0.35:
            z = z0 + rng.uniform(0, 20)
            for _ in range(int(rng.integers(3, 8))):
                z += rng.uniform(1.6, 2.4)
                if not _inside(side.junction, z, 3):
                    x, _ = self.at(edge, z)
                    out.sprites.append(Sprite(x, KERB_M, z, 0.14, 1.0, pool.poles[1], POLE, self._upright(rng), "post"))

    def _park(self, out: Block, car: Vehicle, lateral: float, z: float, sign: int, rng: np.random.Generator) -> None:
        x, _ = self.at(lateral, z)
        heading = float(np.arctan(self.road.slope(z))) + rng.normal(0, 0.015)
        out.vehicles.append((car, x, z, heading if (sign < 0) == (rng.random() < 0.85) else heading + np.pi))


def _inside(span: tuple[float, float] | None, z: float, margin: float) -> bool:
    return span is not None and span[0] - margin < z < span[1] + margin


def _overlaps(span: tuple[float, float] | None, z0: float, z1: float) -> bool:
    return span is not None and z0 < span[1] and z1 > span[0]


def _hull(points: list[tuple[float, float]]) -> npt.NDArray[np.float64]:
    hull = cv2.convexHull(np.array(points, np.float32))
    return np.asarray(hull[:, 0], np.float64)
