# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The ground: asphalt, kerbs, paving, grass and lane markings, by intersecting each pixel's ray with two planes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.camera import Camera
from trustseg_lab.scenes.canvas import Canvas
from trustseg_lab.scenes.classes import PAVEMENT, ROAD, TREE
from trustseg_lab.scenes.light import Light
from trustseg_lab.scenes.noise import fractal, lattice, to_uint8
from trustseg_lab.scenes.road import BLOCK_M, KERB_M, Road

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

FAR_M = 420.0
_TABLE_STEP_M = 0.25
_BEHIND_M = 4.0
ASPHALT, SLAB, KERB_FACE, KERB_TOP, GRASS, GUTTER, YARD = range(7)
_LABEL_OF = np.array([ROAD, PAVEMENT, PAVEMENT, PAVEMENT, TREE, ROAD, PAVEMENT], np.uint8)
_TILE_M = {"grain": (2.2, 2.2), "blotch": (17.0, 34.0), "slab": (3.6, 3.6), "grass": (5.0, 5.0)}


@dataclass(frozen=True)
class GroundTextures:
    """Tileable pictures of the ground, uint8, 128 is neutral; each a list of levels, halved along the street."""

    grain: tuple[UInt8, ...]
    blotch: tuple[UInt8, ...]
    slab: tuple[UInt8, ...]
    grass: tuple[UInt8, ...]
    tones: Float32


def make_ground_textures(rng: np.random.Generator) -> GroundTextures:
    """Grain of the asphalt, its stains, patches and cracks, the bond of the paving, grass; and their colours."""
    grain = 128 + 26 * fractal(rng, (256, 256), (96, 96), 2, 0.8) + 5 * fractal(rng, (256, 256), (12, 12), 3)
    blotch = 128 + 7 * fractal(rng, (512, 512), (3, 3), 4, 0.6) + 9 * fractal(rng, (512, 512), (4, 40), 3, 0.7)
    for _ in range(7):
        x, y, w, h = rng.integers(0, 440), rng.integers(0, 440), rng.integers(20, 120), rng.integers(15, 150)
        blotch[y : y + h, x : x + w] += rng.uniform(-26, 14)
        cv2.rectangle(blotch, (int(x), int(y)), (int(x + w), int(y + h)), 92.0, 1)
    for _ in range(9):
        points = np.cumsum(rng.normal(0, 9, (14, 2)) + rng.normal(0, 5, 2), axis=0) + rng.uniform(0, 512, 2)
        cv2.polylines(blotch, [points.astype(np.int32)], False, 84.0, 1, cv2.LINE_AA)
    for _ in range(3):
        c = (int(rng.integers(20, 490)), int(rng.integers(20, 490)))
        cv2.ellipse(blotch, c, (10, 5), 0, 0, 360, 84.0, -1, cv2.LINE_AA)
        cv2.ellipse(blotch, c, (8, 4), 0, 0, 360, 108.0, -1, cv2.LINE_AA)
    slab = 128 + 7 * fractal(rng, (256, 256), (40, 40), 3) + 8 * lattice(rng, (256, 256), (4, 4))
    courses, columns = (4, 6) if rng.random() < 0.6 else (16, 9)
    slabs = rng.normal(0, 9, (courses, columns + 1)).astype(np.float32)
    down, across = np.arange(256)[:, None], np.arange(256)[None, :]
    course = down * courses // 256
    shifted = (across * columns + (course % 2) * 128) // 256 % columns
    slab += slabs[course, shifted]
    joint_y = (down * courses) % 256 < courses * 2
    joint_x = (across * columns + (course % 2) * 128) % 256 < columns * 2
    slab -= 30.0 * (joint_x | joint_y)
    grass = 128 + 30 * fractal(rng, (256, 256), (60, 60), 3, 0.8) + 14 * fractal(rng, (256, 256), (5, 5), 3)
    warm = rng.uniform(-4, 4)
    road = rng.uniform(88, 118)
    pave = road * rng.uniform(1.0, 1.3)
    tones = np.array(
        [
            (road + warm, road + 1, road + 3 - warm),
            (pave + warm + 4, pave + 2, pave - 4 - warm),
            (pave * 0.92, pave * 0.9, pave * 0.86),
            (pave * 1.2, pave * 1.19, pave * 1.15),
            (92, 104, 58),
            (road * 0.8, road * 0.8, road * 0.8),
            (pave * 0.95, pave * 0.93, pave * 0.9),
        ],
        np.float32,
    )
    return GroundTextures(_levels(grain), _levels(blotch), _levels(slab), _levels(grass), tones)


def _levels(picture: Float32) -> tuple[UInt8, ...]:
    out = [to_uint8(picture)]
    while out[-1].shape[0] > 8:
        last = out[-1]
        # Along the street a pixel covers far more ground than across it, so only every other step halves the width.
        width = last.shape[1] // (2 if len(out) % 2 == 0 else 1)
        out.append(np.asarray(cv2.resize(last, (width, last.shape[0] // 2), interpolation=cv2.INTER_AREA), np.uint8))
    return tuple(out)


@dataclass(frozen=True)
class Marking:
    """Paint on the road: corners (N, 2) as (lateral m, z m) and whether it is yellow."""

    corners: npt.NDArray[np.float64]
    yellow: bool = False


class Ground:
    """Ground of one frame: fills the canvas below the horizon."""

    def __init__(self, road: Road, textures: GroundTextures, light: Light) -> None:
        self._road, self._textures, self._light = road, textures, light

    def _tables(self, z_from: float) -> tuple[Float32, Float32, UInt8]:
        """Kerb and back edge (2, N) in metres and use of the yard (2, N), from z_from on, every _TABLE_STEP_M."""
        count = int((FAR_M + 2 * _BEHIND_M) / _TABLE_STEP_M)
        z = z_from + np.arange(count) * _TABLE_STEP_M
        kerb, back = np.zeros((2, count), np.float32), np.zeros((2, count), np.float32)
        yard = np.full((2, count), YARD, np.uint8)
        blocks = np.floor(z / BLOCK_M).astype(int)
        for block in range(int(blocks[0]), int(blocks[-1]) + 1):
            here = blocks == block
            for s, sign in enumerate((-1, 1)):
                side = self._road.side(block, sign)
                kerb[s, here], back[s, here] = side.kerb, side.back
                yard[s, here] = GRASS if side.use in ("park", "villas") else YARD
                if side.junction is not None:
                    a, b = side.junction
                    radius = 3.0
                    into = np.minimum(z - (a - radius), (b + radius) - z)
                    corner = (into > 0) & (into < radius)
                    # Quarter circle from the kerb line into the side road.
                    kerb[s, corner] = side.kerb + radius - np.sqrt(np.maximum(0, radius**2 - into[corner] ** 2))
                    kerb[s, into >= radius] = 1e4
        return kerb, np.maximum(back, kerb), yard

    def draw(self, canvas: Canvas, markings: list[Marking], shadow: UInt8, contact: UInt8) -> int:
        """Draw the ground; returns its first row.

        `shadow` and `contact`, uint8 (H, W), are 255 where no sun and where hardly any sky light arrives.
        """
        camera = canvas.camera
        height, width = camera.size
        _, cy = camera.center
        lift = abs(camera.roll) * width / 2
        horizon = cy + camera.focal_px * np.tan(camera.pitch)
        top = int(np.clip(np.ceil(horizon - lift), 0, height))
        if top >= height:
            return height
        dx, dy, dz = camera.rays(top)
        eye_x, eye_y, eye_z = camera.position
        below = dy < -eye_y / FAR_M
        t0 = (-eye_y / np.minimum(dy, -1e-5)).astype(np.float32)
        ratio = np.float32((eye_y - KERB_M) / eye_y)
        t1 = t0 * ratio
        z0, z1 = eye_z + dz * t0, eye_z + dz * t1
        lateral0 = eye_x + dx * t0 - self._road.centre(z0)
        lateral1 = eye_x + dx * t1 - self._road.centre(z1)
        start = eye_z - _BEHIND_M
        kerb, back, yard = self._tables(start)
        scale, limit = np.float32(1 / _TABLE_STEP_M), kerb.shape[1] - 1
        index0 = np.clip((z0 - np.float32(start)) * scale, 0, limit).astype(np.int32)
        index1 = np.clip((z1 - np.float32(start)) * scale, 0, limit).astype(np.int32)
        flat = kerb.shape[1]
        at1 = index1 + flat * (lateral1 > 0)
        at0 = index0 + flat * (lateral0 > 0)
        away1, away0 = np.abs(lateral1), np.abs(lateral0)
        edge1, edge0 = kerb.ravel()[at1], kerb.ravel()[at0]
        raised = away1 >= edge1
        surface = np.where(away0 > edge0 - 0.28, np.uint8(GUTTER), np.uint8(ASPHALT))
        surface[away0 >= edge0] = KERB_FACE
        high = np.where(away1 < edge1 + 0.14, np.uint8(KERB_TOP), np.uint8(SLAB))
        np.copyto(high, yard.ravel()[at1], where=away1 > back.ravel()[at1])
        np.copyto(surface, high, where=raised)
        depth = np.where(raised, t1, t0)
        lateral, z = np.where(raised, lateral1, lateral0), np.where(raised, z1, z0)
        tone = self._shade(surface, lateral, z, camera, top)
        picture = self._color(surface, tone, depth)
        wear = np.clip(tone * 0.9, 0.55, 1.0)
        self._paint(picture, wear, markings, camera, top)
        gain = np.array(self._light.on((0.0, 1.0, 0.0)), np.float32)
        if shadow[top:].any():
            keep = np.float32(1 - self._light.shadow) / 255
            cool = np.array([1.0, 0.985, 0.95], np.float32)
            picture *= 1 - (shadow[top:].astype(np.float32) * keep)[..., None] * cool
        picture *= gain
        if contact[top:].any():
            picture *= (1 - contact[top:].astype(np.float32) * np.float32(0.82 / 255))[..., None]
        np.copyto(canvas.image[top:], to_uint8(picture), where=below[..., None])
        np.copyto(canvas.labels[top:], _LABEL_OF[surface], where=below)
        np.copyto(canvas.inverse_depth[top:], 1 / depth, where=below)
        return top

    def _shade(self, surface: UInt8, lateral: Float32, z: Float32, camera: Camera, top: int) -> Float32:
        """Brightness of the ground's texture around 1, float32 (rows, W)."""
        out = np.ones(surface.shape, np.float32)
        rows, width = surface.shape
        eye_y, eye_z = camera.position[1], camera.position[2]
        middle = np.abs(z[:, width // 2] - eye_z)
        cover = middle**2 / (camera.focal_px * eye_y)  # metres of street under one pixel of this row
        names = ("blotch", "grain", "slab", "grass")
        for name in names:
            tile_x, tile_z = _TILE_M[name]
            levels: tuple[UInt8, ...] = getattr(self._textures, name)
            texel = tile_z / levels[0].shape[0]
            wanted = np.clip(np.ceil(np.log2(np.maximum(cover / texel, 1e-6))), 0, 20).astype(int)
            base = np.floor(eye_z / tile_z) * tile_z
            if name == "slab":
                where = (surface == SLAB) | (surface == YARD)
            elif name == "grass":
                where = surface == GRASS
            else:
                where = None
            if where is not None and not where.any():
                continue
            strength = {"blotch": 1.0, "grain": 0.8, "slab": 1.0, "grass": 1.3}[name] / 128
            cuts = [0, *(np.nonzero(np.diff(wanted))[0] + 1).tolist(), rows]
            for a, b in itertools.pairwise(cuts):
                n = int(wanted[a])
                if n >= len(levels) or b <= a:
                    continue
                tile = levels[n]
                map_x = lateral[a:b] * np.float32(tile.shape[1] / tile_x)
                map_y = (z[a:b] - np.float32(base)) * np.float32(tile.shape[0] / tile_z)
                got = cv2.remap(tile, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
                part = (got.astype(np.float32) - 128) * np.float32(strength)
                if where is not None:
                    part *= where[a:b]
                out[a:b] += part
        return out

    def _color(self, surface: UInt8, tone: Float32, depth: Float32) -> Float32:
        tones = self._textures.tones
        picture = tones[surface]
        # Asphalt seen at a grazing angle mirrors the sky.
        sheen = 1 + 0.22 * np.clip(depth / 60, 0, 1)
        picture *= (tone * sheen)[..., None]
        return np.asarray(picture, np.float32)

    def _paint(self, picture: Float32, wear: Float32, markings: list[Marking], camera: Camera, top: int) -> None:
        rows, width = wear.shape
        for yellow in (False, True):
            chosen = [m for m in markings if m.yellow is yellow]
            if not chosen:
                continue
            mask = np.zeros((rows, width), np.uint8)
            fill_ground(mask, [m.corners for m in chosen], self._road, camera, top)
            color = np.array((196, 164, 74) if yellow else (208, 208, 204), np.float32)
            ys = np.nonzero(mask.any(1))[0]
            if not len(ys):
                continue
            a, b = int(ys[0]), int(ys[-1]) + 1
            alpha = (mask[a:b].astype(np.float32) / 255 * wear[a:b])[..., None]
            picture[a:b] += (color - picture[a:b]) * alpha


def fill_ground(
    mask: UInt8, polygons: list[npt.NDArray[np.float64]], road: Road | None, camera: Camera, top: int, value: int = 255
) -> None:
    """Fill polygons on the ground, corners (lateral or X, z), antialiased, into `mask`, whose first row is row `top`.

    With `road` the first coordinate is the distance from its centre line, without it the world's X.
    """
    if not polygons:
        return
    counts = [len(p) for p in polygons]
    points = np.concatenate(polygons)
    x = points[:, 0] + (road.centre(points[:, 1]) if road is not None else 0.0)
    world = np.stack([x, np.zeros(len(x)), points[:, 1]], 1)
    local = (world - np.array(camera.position)) @ camera.rotation().T
    cx, cy = camera.center
    at = 0
    near = 1.0
    for count in counts:
        part = local[at : at + count]
        at += count
        if part[:, 2].max() < near:
            continue
        if part[:, 2].min() < near:
            part = _clip(part, near)
        pixel = part[:, :2] / part[:, 2:] * camera.focal_px + np.array([cx, cy - top])
        pixel = np.clip(pixel, -4000, 4000)
        if pixel[:, 0].max() < 0 or pixel[:, 0].min() > mask.shape[1] or pixel[:, 1].min() > mask.shape[0]:
            continue
        cv2.fillPoly(mask, [np.rint(pixel * 16).astype(np.int32)], value, cv2.LINE_AA, 4)


def _clip(part: npt.NDArray[np.float64], near: float) -> npt.NDArray[np.float64]:
    out = []
    for a, b in zip(part, np.roll(part, -1, axis=0), strict=True):
        if a[2] >= near:
            out.append(a)
        if (a[2] >= near) != (b[2] >= near):
            out.append(a + (near - a[2]) / (b[2] - a[2]) * (b - a))
    return np.array(out)
