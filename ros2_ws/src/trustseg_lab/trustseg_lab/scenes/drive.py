# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A rendered drive: frame k of drive `seed` is a pure function of (seed, k, size)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.imaging.resize import stretched
from trustseg_lab.scenes.camera import Camera
from trustseg_lab.scenes.canvas import Canvas, Quad
from trustseg_lab.scenes.cargo import Cargo, cargo_sprites, scattered
from trustseg_lab.scenes.classes import BICYCLIST, BUILDING, CAR, PEDESTRIAN, SKY, TREE
from trustseg_lab.scenes.conditions import apply_conditions
from trustseg_lab.scenes.lamps import visible_lamps
from trustseg_lab.scenes.light import Vector, make_light
from trustseg_lab.scenes.noise import stream
from trustseg_lab.scenes.pool import POOLS, texture_pool
from trustseg_lab.scenes.road import BLOCK_M, KERB_M, make_road
from trustseg_lab.scenes.sensor import add_haze, expose
from trustseg_lab.scenes.shadows import cast_shadows, under_vehicles
from trustseg_lab.scenes.sky import draw_sky, make_sky
from trustseg_lab.scenes.surface import Ground, Marking
from trustseg_lab.scenes.traffic import Person, Traffic
from trustseg_lab.scenes.world import Sprite, World

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

VIEW_M = 230.0
MIN_SIZE = 64
_STREAM_DRIVE, _STREAM_LIGHT, _STREAM_SKY, _STREAM_FRAME = 31, 32, 33, 34


@dataclass(frozen=True)
class SceneFrame:
    """One rendered frame.

    Attributes:
        image_rgb: uint8 (H, W, 3).
        labels: uint8 (H, W), ids of `SCENE_CLASSES`; every pixel is labelled, what no class describes as VOID.
        depth_m: float32 (H, W), metres along the optical axis; infinite in the sky.
        stamp_ns: time since the start of the drive, nanoseconds.
    """

    image_rgb: UInt8
    labels: UInt8
    depth_m: Float32
    stamp_ns: int


class Drive:
    """A drive along a street that the seed describes.

    Args:
        seed: any integer >= 0.
        size: (height, width) in pixels.
        fps: frames per second; sets how far the car moves from frame to frame.

    Raises:
        InputError: a size below 64 pixels, a rate that is not positive, or a negative seed.
    """

    def __init__(self, seed: int, size: tuple[int, int] = (360, 480), fps: float = 10.0) -> None:
        if min(size) < MIN_SIZE:
            raise InputError(
                "size of a rendered drive", expected=f"at least {MIN_SIZE}x{MIN_SIZE}", got=f"{size[0]}x{size[1]}"
            )
        if not fps > 0:
            raise InputError("fps of a rendered drive", expected="a positive number", got=str(fps))
        if seed < 0:
            raise InputError("seed of a rendered drive", expected="an integer >= 0", got=str(seed))
        self.seed, self.size, self.fps = int(seed), (int(size[0]), int(size[1])), float(fps)
        rng = stream(self.seed, _STREAM_DRIVE)
        self.pool = texture_pool(int(rng.integers(POOLS)))
        self.road = make_road(self.seed)
        self.light = make_light(stream(self.seed, _STREAM_LIGHT))
        self.world = World(self.seed, self.road, self.pool, self.light)
        self.speed = float(rng.uniform(6, 12))
        self._eye = float(rng.uniform(1.2, 1.5))
        self._focal = float(rng.uniform(1.12, 1.42))
        self._pitch = float(rng.uniform(-0.05, 0.06))
        self._yaw = float(rng.normal(0, 0.035))
        self._softness = float(rng.uniform(0.0, 0.5)) * self.size[0] / 360
        self._sharpening = float(rng.uniform(0.2, 1.0))
        self._noise = float(rng.uniform(1.0, 3.0))
        self._phase = float(rng.uniform(0, 6.28))
        kerb = self.road.kerb[0]
        self._lane = -(kerb - 2.1) * 0.55 if kerb > 4.6 else -kerb * 0.5
        self.traffic = Traffic(self.seed, self.road, self.pool, self._lane, self.speed)
        self._sky = make_sky(stream(self.seed, _STREAM_SKY), self.light, self.pool.clouds)
        self._ground = Ground(self.road, self.pool.ground, self.light)

    def camera(self, k: int) -> Camera:
        """Pose of the camera in frame k."""
        t = k / self.fps
        z = float(self.speed * (t + 0.9 * np.sin(0.21 * t + self._phase)))
        sway = float(0.12 * np.sin(0.33 * t + 2 * self._phase))
        bounce = float(0.0035 * np.sin(5.1 * t + self._phase) + 0.002 * np.sin(8.3 * t))
        return Camera(
            self.size,
            self._focal * self.size[0],
            (self.road.centre_at(z) + self._lane + sway, self._eye, z),
            yaw=float(np.arctan(self.road.slope(z))) + self._yaw,
            pitch=self._pitch + bounce,
            roll=float(0.004 * np.sin(1.3 * t + self._phase)),
        )

    def ahead(self, k: int, kind: str, metres: float, variant: int = 0) -> Cargo:
        """A thing of `kind` on the car's lane, `metres` before where the car is in frame k."""
        z = self.camera(k).position[2] + metres
        return Cargo(kind, z, self._lane, variant)

    def scattered(self, k: int, kinds: Sequence[str]) -> list[Cargo]:
        """Things of `kinds` on the car's lane that may be seen from frame k; the same ones from every frame."""
        return scattered(kinds, self.seed, self._lane, self.camera(k).position[2], VIEW_M)

    def frame(
        self, k: int, conditions: Sequence[tuple[str, float]] = (), cargo: Sequence[Cargo] = ()
    ) -> SceneFrame:  # fmt: skip
        """Render frame k (>= 0), whatever was rendered before, under a list of (kind, severity in [0, 1]), with things
        on the road that no class describes.

        Raises:
            InputError: a negative frame number, an unknown kind or a severity outside [0, 1].
        """
        if k < 0:
            raise InputError("frame number of a rendered drive", expected="0 or more", got=str(k))
        t = k / self.fps
        camera = self.camera(k)
        canvas = Canvas(camera, SKY)
        _eye_x, _, eye_z = camera.position
        first = int(np.floor((eye_z - 12) / BLOCK_M))
        last = int(np.floor((eye_z + VIEW_M) / BLOCK_M))
        blocks = [self.world.block(n) for n in range(first, last + 1)]
        moving = self.traffic.at(t, eye_z, VIEW_M)
        vehicles = [v for b in blocks for v in b.vehicles] + moving.vehicles
        sprites = [s for b in blocks for s in b.sprites] + self._people(moving.people)
        sprites += cargo_sprites(cargo, self.road, self._upright)
        horizon = canvas.camera.center[1] + camera.focal_px * np.tan(camera.pitch)
        rows = int(np.clip(horizon + 0.03 * self.size[0] + 8, 1, self.size[0]))
        canvas.image[:rows] = draw_sky(self._sky, camera, rows)
        shadow = cast_shadows(camera, self.light, blocks, sprites, vehicles)
        contact = under_vehicles(camera, sprites, vehicles)
        self._ground.draw(canvas, self._markings(eye_z), shadow, contact)
        quads = self._backdrop(camera)
        quads += [q for b in blocks for q in b.quads]
        quads += _billboards(sprites, camera)
        light = (self.light.ambient, self.light.sun, self.light.toward_sun)
        for vehicle, x, z, heading in vehicles:
            if -4 < z - eye_z < VIEW_M:
                quads += vehicle.quads(x, z, heading, CAR, light)
        canvas.draw(quads)
        picture = add_haze(canvas.image, canvas.inverse_depth, self.light)
        rng = stream(self.seed, _STREAM_FRAME, k)
        image = expose(picture, self.light, rng, self._softness, self._sharpening, self._noise)
        with np.errstate(divide="ignore"):
            depth = np.where(canvas.inverse_depth > 0, 1 / canvas.inverse_depth, np.float32(np.inf)).astype(np.float32)
        if conditions:
            lamps = visible_lamps(camera, sprites, vehicles, self.pool.lamps, canvas.inverse_depth)
            image = apply_conditions(conditions, image, depth, self.seed, k, lamps)
        return SceneFrame(image, canvas.labels, depth, round(t * 1e9))

    @property
    def _upright(self) -> Vector:
        """Light on what stands upright and is seen from any side."""
        a, s = self.light.ambient, self.light.sun
        return (a[0] + 0.3 * s[0], a[1] + 0.3 * s[1], a[2] + 0.3 * s[2])

    def _people(self, people: Sequence[Person]) -> list[Sprite]:
        gain = self._upright
        return [
            Sprite(
                p.x,
                0.0 if p.rides else KERB_M,
                p.z,
                p.figure.width_m,
                p.figure.height_m,
                p.figure.phases[p.phase],
                BICYCLIST if p.rides else PEDESTRIAN,
                gain,
                "post",
            )
            for p in people
        ]

    def _backdrop(self, camera: Camera) -> list[Quad]:
        """Trees and roofs that close the view, far enough to move with the camera."""
        x, _, z = camera.position
        a, s = self.light.ambient, self.light.sun
        gain = (a[0] + 0.4 * s[0], a[1] + 0.4 * s[1], a[2] + 0.4 * s[2])
        trees, roofs = self.pool.backdrop
        far, wide = VIEW_M + 25, 420.0
        return [
            Quad((x - wide, 15.0, z + far), (2 * wide, 0, 0), (0, -15.0, 0), roofs, BUILDING, gain),
            Quad((x - wide, 12.0, z + far - 12), (2 * wide, 0, 0), (0, -12.0, 0), trees, TREE, gain),
        ]

    def _markings(self, eye_z: float) -> list[Marking]:
        road = self.road
        out: list[Marking] = []
        dash, gap = road.dash_m
        period = dash + gap
        first = int(np.floor((eye_z - 6) / period))
        for n in range(first, first + int(170 / period)):
            z = n * period
            out.append(_strip(0.0, z, z + dash, 0.06))
        near = int(np.floor((eye_z - 6) / 4))
        for sign, kerb in zip((-1, 1), road.kerb, strict=True):
            for n in range(near, near + 26):
                z = n * 4.0
                side = road.side(int(np.floor(z / BLOCK_M)), sign)
                if side.junction is not None and side.junction[0] - 5 < z + 2 < side.junction[1] + 5:
                    if side.junction[0] < z + 2 < side.junction[1]:
                        out.append(_strip(sign * (kerb + 0.1), z + 0.5, z + 1.6, 0.1))
                        out.append(_strip(sign * (kerb + 0.1), z + 2.5, z + 3.6, 0.1))
                    continue
                if side.parked:
                    if n % 2 == 0:
                        out.append(_strip(sign * (kerb - 2.2), z, z + 1.0, 0.05))
                elif road.zigzag and side.use == "terrace":
                    offset = 0.6 if n % 2 else 1.1
                    other = 1.1 if n % 2 else 0.6
                    out.append(_slant(sign * (kerb - offset), sign * (kerb - other), z, z + 4.0, 0.06))
                elif road.double_yellow:
                    out.append(_strip(sign * (kerb - 0.35), z, z + 4.0, 0.04, True))
                    out.append(_strip(sign * (kerb - 0.55), z, z + 4.0, 0.04, True))
        return out


def _strip(lateral: float, z0: float, z1: float, half: float, yellow: bool = False) -> Marking:
    return _slant(lateral, lateral, z0, z1, half, yellow)


def _slant(a: float, b: float, z0: float, z1: float, half: float, yellow: bool = False) -> Marking:
    return Marking(np.array([(a - half, z0), (a + half, z0), (b + half, z1), (b - half, z1)]), yellow)


def _billboards(sprites: Sequence[Sprite], camera: Camera) -> list[Quad]:
    """Sprites turned to the camera about the vertical."""
    right = (float(np.cos(camera.yaw)), float(-np.sin(camera.yaw)))
    eye_z = camera.position[2]
    out = []
    for s in sprites:
        if not 0.5 < s.z - eye_z < VIEW_M or (s.height < 2 and s.z - eye_z > 110):
            continue
        half = s.width / 2
        origin = (s.x - half * right[0], s.y + s.height, s.z - half * right[1])
        out.append(
            Quad(
                origin, (s.width * right[0], 0, s.width * right[1]), (0, -s.height, 0), s.texture, s.label, s.gain, 0.3
            )
        )
    return out


def random_frame(seed: int, size: tuple[int, int] = (360, 480)) -> SceneFrame:
    """A frame of a random drive at a random place and light, for training: depends on `seed` and `size` only."""
    rng = stream(seed, 41)
    drive = Drive(int(rng.integers(1 << 31)), size)
    return drive.frame(int(rng.integers(0, 3000)))


def scene_for_network(seed: int, size: tuple[int, int]) -> UInt8:
    """Image uint8 RGB (h, w, 3) of `random_frame`, at the `size` (h, w) of any network.

    A network may be smaller than what can be rendered: then the frame is rendered larger, and stretched.
    """
    height, width = (max(each, MIN_SIZE) for each in size)
    return np.ascontiguousarray(stretched(random_frame(seed, (height, width)).image_rgb, size))


__all__ = ["Drive", "SceneFrame", "random_frame", "scene_for_network"]
