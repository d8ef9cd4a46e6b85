# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From scene light to the picture a dashboard camera delivers: haze, vignette, tone, softness, noise."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.light import Light
from trustseg_lab.scenes.noise import stream

Float32 = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]


@lru_cache(maxsize=4)
def _vignette(size: tuple[int, int]) -> Float32:
    height, width = size
    y = (np.arange(height, dtype=np.float32) - height / 2) / (height / 2)
    x = (np.arange(width, dtype=np.float32) - width / 2) / (width / 2)
    return np.asarray((1 - 0.10 * (x[None, :] ** 2 + y[:, None] ** 2))[..., None] * np.ones(3, np.float32), np.float32)


@lru_cache(maxsize=4)
def noise_tile(size: tuple[int, int]) -> npt.NDArray[np.int16]:
    """Sensor noise, int16 (2 H, 2 W, 3), sigma 64; frames take a random window of it."""
    rng = stream(77, *size)
    shape = (2 * size[0], 2 * size[1])
    luma = rng.standard_normal((*shape, 1), dtype=np.float32)
    chroma = cv2.GaussianBlur(rng.standard_normal((*shape, 3), dtype=np.float32), (0, 0), 1.0) * 1.5
    return np.asarray((luma * 0.8 + chroma * 0.6) * 64, np.int16)


def add_haze(image: UInt8, inverse_depth: Float32, light: Light) -> Float32:
    """Blend with the horizon's colour by 1 - exp(-depth / haze); the sky is left alone. Returns float32."""
    keep = np.exp(-1 / (np.maximum(inverse_depth, 1e-4) * np.float32(light.haze_m)))
    keep[inverse_depth <= 0] = 1
    veil = np.array(light.horizon, np.float32) * (0.9 if light.kind != "dusk" else 0.6)
    picture = image.astype(np.float32)
    picture -= veil
    picture *= keep[..., None]
    picture += veil
    return picture


def expose(
    picture: Float32, light: Light, rng: np.random.Generator, softness: float, sharpening: float, noise: float
) -> UInt8:
    """Scene light, float32 (H, W, 3) in 0..255, to what the camera delivers, uint8 (H, W, 3)."""
    size = (picture.shape[0], picture.shape[1])
    lit = picture * _vignette(size)
    coarse = np.clip(lit * np.float32(light.exposure * 4), 0, 1535).astype(np.uint16)
    picture8 = _tone(light.gamma)[coarse]
    if softness > 0.25:
        picture8 = cv2.GaussianBlur(picture8, (0, 0), softness)
    # Cameras sharpen what their lens softened, with visible halos.
    halo = cv2.GaussianBlur(picture8, (0, 0), 1.1 * size[0] / 360)
    picture8 = cv2.addWeighted(picture8, 1 + sharpening, halo, -sharpening, 0)
    tile = noise_tile(size)
    y, x = int(rng.integers(size[0])), int(rng.integers(size[1]))
    grain = (tile[y : y + size[0], x : x + size[1]] * np.float32(noise / 64)).astype(np.int16)
    return np.asarray(np.clip(picture8.astype(np.int16) + grain, 0, 255), np.uint8)


@lru_cache(maxsize=8)
def _tone(gamma: float) -> UInt8:
    """Tone curve over 0..383.75 in quarter steps: deep shadows, a soft shoulder, white where the sky is."""
    x = np.arange(1536, dtype=np.float32) / 4 / 255
    y = np.where(x < 0.75, x, 0.75 + 0.25 * (1 - np.exp(-(x - 0.75) / 0.22)))
    return np.clip(np.rint(255 * y**gamma), 0, 255).astype(np.uint8)
