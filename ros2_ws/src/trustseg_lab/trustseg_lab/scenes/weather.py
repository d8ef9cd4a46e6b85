# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Fog, night, rain, snow and low sun on a picture, with the depth of every pixel."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.noise import fractal, to_uint8

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]

_FOCAL, _EYE_M, _HORIZON, _WALL_M = 1.25, 1.4, 0.52, 9.0


@lru_cache(maxsize=8)
def street_depth(size: tuple[int, int]) -> Float32:
    """Depth in metres of a plain street canyon seen from a car, float32 (H, W): what stands in for a depth map."""
    height, width = size
    focal = _FOCAL * height
    y = (np.arange(height, dtype=np.float32) - _HORIZON * height)[:, None]
    x = np.abs(np.arange(width, dtype=np.float32) - width / 2)[None, :]
    ground = _EYE_M * focal / np.maximum(y, 0.5)
    walls = _WALL_M * focal / np.maximum(x, 1.0)
    depth = np.minimum(np.minimum(np.where(y > 0, ground, np.inf), walls), 300.0)
    return np.asarray(depth, np.float32)


def fog(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Koschmieder's law: I = J t + A (1 - t), t = exp(-3 d / V), with the range of sight V from 350 m down to 9 m."""
    sight = 350.0 * (9.0 / 350.0) ** severity
    airlight = 0.55 * float(np.percentile(image[: max(1, image.shape[0] // 2)], 90)) + 92.0
    drift = 1 + 0.10 * fractal(rng, (64, 64), (3, 3), 3)
    thickness = cv2.resize(drift, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_CUBIC)
    distance = np.minimum(depth, 500.0)
    keep = np.exp(-3.0 / sight * distance * thickness)[..., None].astype(np.float32)
    soft = cv2.GaussianBlur(image, (0, 0), 0.4 + 1.6 * severity).astype(np.float32)
    # Light that was scattered on the way arrives from a little beside.
    picture = (image * keep + soft * (1 - keep)) * keep
    veil = np.array([0.985, 1.0, 1.01], np.float32) * airlight
    return to_uint8(picture + veil * (1 - keep))


def night(
    image: UInt8, depth: Float32, severity: float, rng: np.random.Generator, shining: Float32 | None = None
) -> UInt8:
    """Darkness: the picture sinks, own headlights light what is near, lamps glow, gain brings noise.

    `shining`, float32 (N, 6), are x, y, radius in pixels and (R, G, B) of each lamp; None scatters some street lamps.
    """
    height, width = image.shape[:2]
    gain = 0.035**severity
    linear = (image.astype(np.float32) / 255) ** 2.0
    moon = np.array([0.72, 0.86, 1.15], np.float32) * severity + (1 - severity)
    y = (np.arange(height, dtype=np.float32) / height)[:, None]
    x = (np.arange(width, dtype=np.float32) / width - 0.5)[None, :]
    cone = np.exp(-((x / 0.42) ** 2)) * np.clip((y - 0.44) / 0.08, 0, 1)
    reach = np.clip(18.0 / np.maximum(depth, 4.0), 0, 1) ** 2
    # What the dark takes, the headlights give back in part: the light on the road never grows with severity.
    beam = 0.55 * (1 - gain * gain) * cone * reach
    lit = linear * (gain * gain * moon + (beam[..., None] * np.array([1.0, 0.93, 0.78], np.float32)))
    for x_px, y_px, radius, *color in (_scattered(rng, height, width) if shining is None else shining).tolist():
        _glow(lit, x_px, y_px, radius, np.array(color, np.float32) * np.float32(0.9 * severity))
    grain = rng.standard_normal((height, width, 3), dtype=np.float32)
    picture = 255 * np.sqrt(np.clip(lit, 0, 1)) + grain * (1 + 11 * severity)
    return to_uint8(picture)


def _scattered(rng: np.random.Generator, height: int, width: int) -> Float32:
    """Street lamps left and right of the road, as `shining` of `night`."""
    count = int(rng.integers(5, 10))
    side = rng.integers(0, 2, count)
    x = width * (rng.uniform(0.02, 0.4, count) + 0.58 * side)
    y, radius = height * rng.uniform(0.05, 0.5, count), height * rng.uniform(0.008, 0.03, count)
    color = np.broadcast_to(np.array([1.0, 0.74, 0.40]), (count, 3))
    return np.concatenate([np.stack([x, y, radius], 1), color], 1).astype(np.float32)


def _glow(picture: Float32, cx: float, cy: float, size: float, color: Float32) -> None:
    """Add a lamp with its halo at (cx, cy) in place."""
    height, width = picture.shape[:2]
    reach = int(size * 7)
    x0, x1, y0, y1 = (
        max(0, int(cx) - reach),
        min(width, int(cx) + reach),
        max(0, int(cy) - reach),
        min(height, int(cy) + reach),
    )
    if x1 <= x0 or y1 <= y0:
        return
    d2 = (np.arange(x0, x1) - cx)[None, :] ** 2 + (np.arange(y0, y1) - cy)[:, None] ** 2
    halo = np.exp(-d2 / (2 * (size * 0.6) ** 2)) + 0.10 * np.exp(-np.sqrt(d2) / (size * 1.6))
    picture[y0:y1, x0:x1] += halo[..., None].astype(np.float32) * color


def rain(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Streaks, a veil that grows with distance, a darker street, and drops on the screen that bend the view."""
    height, width = image.shape[:2]
    veil = float(np.percentile(image[: max(1, height // 2)], 75)) * 0.45 + 70
    keep = np.exp(-np.minimum(depth, 400.0) * (0.012 * severity))[..., None].astype(np.float32)
    picture = image.astype(np.float32) * (1 - 0.28 * severity)
    picture = picture * keep + veil * (1 - keep)
    streaks = np.zeros((height, width), np.float32)
    slant = float(rng.normal(0, 0.16))
    for layer in range(3):
        seeds = (rng.random((height, width), dtype=np.float32) < severity * 0.0035 * (3 - layer)).astype(np.float32)
        length = max(3, int(height * (0.03 + 0.035 * layer)))
        kernel = np.zeros((length, length), np.float32)
        c = length / 2
        cv2.line(kernel, (int(c - slant * c), 0), (int(c + slant * c), length - 1), 1.0, 1 + layer // 2)
        streaks += cv2.filter2D(seeds, -1, kernel / max(1.0, kernel.sum()) * (6 + 4 * layer))
    picture += (np.clip(streaks, 0, 1) * (60 + 75 * severity))[..., None]
    drops = fractal(rng, (height, width), (max(4, height // 30), max(4, width // 30)), 2, 0.5)
    amount = np.clip((drops - (2.6 - 1.7 * severity)) * 3, 0, 1)
    if amount.any():
        gy, gx = np.gradient(cv2.GaussianBlur(drops, (0, 0), 2))
        yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
        bend = 160.0 * height / 360
        map_x, map_y = (xx + gx * bend).astype(np.float32), (yy + gy * bend).astype(np.float32)
        bent = cv2.remap(
            cv2.GaussianBlur(picture, (0, 0), 2.5), map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        )
        picture = picture * (1 - amount[..., None]) + (bent * 1.06) * amount[..., None]
    return to_uint8(picture)


def snow(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Flakes near and far, a white veil with distance, a whiter lower half."""
    height, width = image.shape[:2]
    keep = np.exp(-np.minimum(depth, 400.0) * (0.02 * severity))[..., None].astype(np.float32)
    picture = image.astype(np.float32)
    ground = np.clip((np.arange(height) / height - 0.5) * 4, 0, 1)[:, None] * (depth < 1e6)
    lying = (
        np.clip(0.5 + 0.8 * fractal(rng, (height, width), (6, 8), 4) + (severity - 0.6) * 2, 0, 1) * ground * severity
    )
    picture += (225 - picture) * (0.8 * lying)[..., None].astype(np.float32)
    picture = picture * keep + 214.0 * (1 - keep)
    scale = height / 360
    for count, radius, blur in ((900, 1.0, 0.6), (330, 2.0, 1.2), (60, 4.5, 2.6)):
        layer = np.zeros((height, width), np.float32)
        number = int(count * severity * 2.2 * width / 480)
        xs, ys = rng.integers(0, width, number), rng.integers(0, height, number)
        sizes = rng.uniform(0.6, 1.4, number) * radius * scale
        for x, y, r in zip(xs, ys, sizes, strict=True):
            cv2.circle(layer, (int(x), int(y)), max(1, round(r)), 1.0, -1)
        white = np.clip(cv2.GaussianBlur(layer, (0, 0), blur * scale) * 1.2, 0, 0.95)
        picture += (242 - picture) * white[..., None]
    return to_uint8(picture)


def glare(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """A low sun in the picture: burnt disc, bloom, spokes, and a veil that takes the contrast."""
    height, width = image.shape[:2]
    cx, cy = width * float(rng.uniform(0.25, 0.75)), height * float(rng.uniform(0.12, 0.42))
    x = (np.arange(width, dtype=np.float32) - np.float32(cx))[None, :] / height
    y = (np.arange(height, dtype=np.float32) - np.float32(cy))[:, None] / height
    r = np.sqrt(x * x + y * y)
    angle = np.arctan2(y, x)
    spokes = 1 + 0.5 * np.cos(angle * 7 + float(rng.uniform(0, 6))) * np.exp(-r * 4)
    bloom = 300 * np.exp(-r / (0.05 + 0.30 * severity)) * spokes + 60 * np.exp(-r / 0.9)
    veil = severity * (bloom + 55)
    for n in range(4):
        fx, fy = cx + (width / 2 - cx) * (0.6 + 0.5 * n), cy + (height / 2 - cy) * (0.6 + 0.5 * n)
        ghost = np.zeros((height, width), np.float32)
        cv2.circle(ghost, (int(fx), int(fy)), int(height * (0.03 + 0.02 * n)), 1.0, -1)
        veil = veil + cv2.GaussianBlur(ghost, (0, 0), 3) * 38 * severity
    color = np.array([1.0, 0.96, 0.84], np.float32)
    return to_uint8(image.astype(np.float32) * (1 - 0.35 * severity) + veil[..., None] * color)
