# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The fifteen corruptions of ImageNet-C at five severities (Hendrycks and Dietterich, ICLR 2019).

The constants are the published ones; they are in pixels, so every picture is corrupted at the network's input size, and
a severity means the same on every camera. The code is this project's own, vectorised and seeded. Two kinds differ by
necessity: `frost` paints crystals where the original pastes photographs, and `glass_blur` copies near pixels where the
original swaps them one after the other.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array
from trustseg_lab.scenes.noise import fractal, to_uint8

Float32 = npt.NDArray[np.float32]
Corrupt = Callable[[UInt8Array, int, np.random.Generator], UInt8Array]
REFLECT = cv2.BORDER_REFLECT


def gaussian_noise(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Additive noise of an amplifier."""
    sigma = (0.08, 0.12, 0.18, 0.26, 0.38)[severity - 1]
    return to_uint8(image + 255 * sigma * rng.standard_normal(image.shape, dtype=np.float32))


def shot_noise(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Poisson noise of few photons."""
    photons = (60, 25, 12, 5, 3)[severity - 1]
    return to_uint8(rng.poisson(image * (photons / 255)) * (255 / photons))


def impulse_noise(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Salt and pepper, channel by channel."""
    share = (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    draw = rng.random(image.shape, dtype=np.float32)
    return np.where(draw < share / 2, 0, np.where(draw < share, 255, image)).astype(np.uint8)


def defocus_blur(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """A lens out of focus: a disc with softened edge."""
    radius, softness = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))[severity - 1]
    reach = max(8, radius)
    axis = np.arange(-reach, reach + 1, dtype=np.float32)
    disc = (axis[:, None] ** 2 + axis[None, :] ** 2 <= radius**2).astype(np.float32)
    side = 3 if radius <= 8 else 5
    disc = np.asarray(cv2.GaussianBlur(disc / disc.sum(), (side, side), softness), np.float32)
    return _filtered(image, disc)


def glass_blur(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Frosted glass: every pixel shows a near one, between two blurs."""
    sigma, reach, passes = ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[severity - 1]
    picture = np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)
    height, width = picture.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width]
    for _ in range(passes):
        dy, dx = rng.integers(-reach, reach, (2, height, width))
        picture = picture[np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)]
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def motion_blur(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """A camera that moves while the shutter is open."""
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[severity - 1]
    return _filtered(image, _streak(radius, sigma, float(rng.uniform(-45, 45))))


def zoom_blur(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """A camera that moves forward while the shutter is open."""
    most, step = ((1.10, 0.01), (1.15, 0.01), (1.20, 0.02), (1.25, 0.02), (1.30, 0.03))[severity - 1]
    factors = [1.0, *np.arange(1.0, most + step / 2, step).tolist()]
    total = np.zeros(image.shape, np.float32)
    for factor in factors:
        total += _zoomed(image, factor)
    return to_uint8(total / len(factors))


def snow(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Flakes that streak, and a whitened picture."""
    mean, spread, zoom, least, radius, sigma, keep = (
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8), (0.2, 0.3, 2, 0.5, 12, 4, 0.7), (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65), (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    )[severity - 1]  # fmt: skip
    flakes = mean + spread * rng.standard_normal(image.shape[:2], dtype=np.float32)
    flakes = _zoomed(flakes, zoom)
    flakes[flakes < least] = 0
    streak = _streak(radius, sigma, float(rng.uniform(-135, -45)))
    flakes = np.asarray(cv2.filter2D(np.clip(flakes, 0, 1), -1, streak), np.float32)
    layer = (flakes + flakes[::-1, ::-1])[..., None]
    picture = image.astype(np.float32) / 255
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)[..., None] / 255
    whitened = keep * picture + (1 - keep) * np.maximum(picture, grey * 1.5 + 0.5)
    return to_uint8(255 * (whitened + layer))


def frost(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Ice crystals on the lens, densest at the border."""
    keep, weight = ((1.0, 0.4), (0.8, 0.6), (0.7, 0.7), (0.65, 0.7), (0.6, 0.75))[severity - 1]
    height, width = image.shape[:2]
    ridges = 1 - np.abs(fractal(rng, (height, width), (6, 8), 5, 0.7)) / 1.2
    for _ in range(60):  # needles
        x, y = int(rng.integers(width)), int(rng.integers(height))
        length, angle = height * float(rng.exponential(0.12)), float(rng.uniform(0, 2 * np.pi))
        end = (int(x + length * np.cos(angle)), int(y + length * np.sin(angle)))
        cv2.line(ridges, (x, y), end, 1.0, 1 + int(rng.integers(3)), cv2.LINE_AA)
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :] ** 2
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None] ** 2
    ice = np.clip(ridges, 0, 1) ** 2 * np.clip(0.35 + 0.5 * (across + down), 0, 1)
    tint = np.array([225, 238, 255], np.float32)
    return to_uint8(keep * image + weight * ice[..., None] * tint)


def fog(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Plasma added to the picture, without regard to depth."""
    amount, decay = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))[severity - 1]
    size = 1 << int(np.ceil(np.log2(max(image.shape[:2]))))
    # Octaves whose weight falls by `decay` from one to the next, as in the diamond-square plasma of the original.
    plasma = fractal(rng, (size, size), (2, 2), int(np.log2(size)) - 1, 1 / decay)[: image.shape[0], : image.shape[1]]
    plasma = (plasma - plasma.min()) / max(float(np.ptp(plasma)), 1e-6)
    brightest = float(image.max()) / 255
    picture = (image / 255 + amount * plasma[..., None]) * brightest / (brightest + amount)
    return to_uint8(255 * picture)


def brightness(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """More light: value of HSV raised."""
    hsv = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2HSV)
    hsv[..., 2] = np.clip(hsv[..., 2] + 0.1 * severity, 0, 1)
    return to_uint8(255 * cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB))


def contrast(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Less contrast around the mean of each channel."""
    share = (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1]
    mean = image.mean(axis=(0, 1), keepdims=True)
    return to_uint8((image - mean) * share + mean)


def elastic_transform(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """A picture stretched and bent by a few pixels; labels stay where they are."""
    amount = 250 * (0.05, 0.065, 0.085, 0.1, 0.12)[severity - 1]
    height, width = image.shape[:2]
    most = 0.005 * height
    shift = rng.uniform(-most, most, (2, height, width)).astype(np.float32)
    dy, dx = (amount * cv2.GaussianBlur(each, (0, 0), sigmaX=0.01 * width, sigmaY=0.01 * height) for each in shift)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.asarray(cv2.remap(image, x + dx, y + dy, cv2.INTER_LINEAR, borderMode=REFLECT), np.uint8)


def pixelate(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Fewer, larger pixels."""
    share = (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1]
    height, width = image.shape[:2]
    size = (max(1, int(width * share)), max(1, int(height * share)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)


def jpeg_compression(image: UInt8Array, severity: int, rng: np.random.Generator) -> UInt8Array:
    """Coarse JPEG."""
    quality = (25, 18, 15, 10, 7)[severity - 1]
    good, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR) if good else None
    if decoded is None:
        raise RuntimeError("OpenCV could not encode and decode a JPEG")
    return np.ascontiguousarray(decoded[..., ::-1]).astype(np.uint8, copy=False)


IMAGENET_C: dict[str, Corrupt] = {
    "gaussian_noise": gaussian_noise, "shot_noise": shot_noise, "impulse_noise": impulse_noise,
    "defocus_blur": defocus_blur, "glass_blur": glass_blur, "motion_blur": motion_blur, "zoom_blur": zoom_blur,
    "snow": snow, "frost": frost, "fog": fog, "brightness": brightness, "contrast": contrast,
    "elastic_transform": elastic_transform, "pixelate": pixelate, "jpeg_compression": jpeg_compression,
}  # fmt: skip


def _filtered(image: UInt8Array, kernel: Float32) -> UInt8Array:
    return np.asarray(cv2.filter2D(image, -1, kernel, borderType=REFLECT), np.uint8)


def _streak(radius: int, sigma: float, angle_deg: float) -> Float32:
    """One-sided Gaussian trail of 2 radius + 1 pixels in a direction: a filter kernel of sum 1."""
    length = 2 * radius + 1
    weight = np.exp(-(np.arange(length) ** 2) / (2 * sigma**2)).astype(np.float32)
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    angle = np.deg2rad(angle_deg)
    steps = np.arange(length)
    y, x = np.rint(steps * np.sin(angle)).astype(int), np.rint(steps * np.cos(angle)).astype(int)
    np.add.at(kernel, (length + y, length + x), weight)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _zoomed(image: npt.NDArray[np.uint8] | Float32, factor: float) -> Float32:
    """The middle of an image enlarged by `factor` to the image's size, float32."""
    height, width = image.shape[:2]
    matrix = np.array([
        [1 / factor, 0, (1 - 1 / factor) * (width - 1) / 2], [0, 1 / factor, (1 - 1 / factor) * (height - 1) / 2]
    ], np.float32)  # fmt: skip
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    warped = cv2.warpAffine(image.astype(np.float32), matrix, (width, height), flags=flags, borderMode=REFLECT)
    return np.asarray(warped, np.float32)
