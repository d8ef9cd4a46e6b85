# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The sky: gradient, clouds and a glow around the sun, seen by direction and so fixed to the world."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.camera import Camera
from trustseg_lab.scenes.light import Light
from trustseg_lab.scenes.noise import fractal, to_uint8

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

_HALF_SPAN = 1.7  # radians of azimuth either side
_TOP = 1.2  # radians of elevation
_BELOW = 0.15
_SHAPE = (224, 768)


def make_clouds(rng: np.random.Generator) -> Float32:
    """A flat layer of cloud seen from below, float32 (512, 1024), zero mean, unit spread, tileable."""
    return fractal(rng, (512, 1024), (3, 4), 6, 0.62)


def make_sky(rng: np.random.Generator, light: Light, clouds: Float32) -> UInt8:
    """Sky by direction, uint8 (224, 768, 3): azimuth along x, elevation from top to bottom; a window of `clouds`."""
    height, width = _SHAPE
    elevation = np.linspace(_TOP, -_BELOW, height, dtype=np.float32)[:, None]
    azimuth = np.linspace(-_HALF_SPAN, _HALF_SPAN, width, dtype=np.float32)[None, :]
    t = np.clip(elevation / 0.9, 0, 1)[..., None] ** 0.6
    picture = np.array(light.horizon, np.float32) * (1 - t) + np.array(light.zenith, np.float32) * t
    picture = np.broadcast_to(picture, (height, width, 3)).copy()
    # Structure gets finer and flatter towards the horizon.
    over_x, over_y = rng.uniform(0, 1024), rng.uniform(0, 512)
    reach = 1.0 / (np.maximum(elevation, 0) + 0.16)
    map_x = (np.sin(azimuth) * reach * 130 + over_x).astype(np.float32)
    map_y = (np.cos(azimuth) * reach * 130 + over_y).astype(np.float32)
    field = cv2.remap(clouds, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    cover = np.clip((field - (0.9 - 2.2 * light.cloud)) * 0.8, 0, 1)[..., None] * min(1.0, 0.35 + light.cloud)
    relief = cv2.GaussianBlur(field, (0, 0), 5) - field
    tone = light.cloud_tone * (1 + (0.04 if light.kind != "dusk" else 0.22) * relief[..., None])
    picture = picture * (1 - cover) + tone * np.array([0.985, 0.995, 1.0], np.float32) * cover
    sx, sy, sz = light.toward_sun
    if light.sun[0] > 0:
        towards = np.cos(elevation) * (np.sin(azimuth) * sx + np.cos(azimuth) * sz) + np.sin(elevation) * sy
        glow = np.exp((towards - 1) * 9) * 0.9 + np.exp((towards - 1) * 120) * 2
        picture += (glow * light.sun[0] * 110)[..., None] * np.array([1, 0.97, 0.9], np.float32)
    return to_uint8(picture)


def draw_sky(panorama: UInt8, camera: Camera, rows: int) -> UInt8:
    """The first `rows` rows of the picture filled with sky, uint8 (rows, W, 3)."""
    height, width = _SHAPE
    # Direction changes smoothly: evaluate it on a coarse grid and let the resize interpolate.
    step = 8
    dx, dy, dz = camera.rays()
    dx, dy, dz = (np.ascontiguousarray(d[: rows + step : step, ::step]) for d in (dx, dy, dz))
    azimuth = np.arctan2(dx, dz)
    elevation = np.arctan2(dy, np.hypot(dx, dz))
    map_x = ((azimuth + _HALF_SPAN) / (2 * _HALF_SPAN) * (width - 1)).astype(np.float32)
    map_y = ((_TOP - elevation) / (_TOP + _BELOW) * (height - 1)).astype(np.float32)
    size = (map_x.shape[1] * step, map_x.shape[0] * step)
    warp = np.array([[1 / step, 0, 0], [0, 1 / step, 0]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    full_x = cv2.warpAffine(map_x, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    full_y = cv2.warpAffine(map_y, warp, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    out = cv2.remap(
        panorama,
        full_x[:rows, : camera.size[1]],
        full_y[:rows, : camera.size[1]],
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(out, np.uint8)
