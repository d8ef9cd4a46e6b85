# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lens and sensor conditions: dirt, occlusion, blur, noise, exposure, compression. None of them needs the depth."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.noise import fractal, to_uint8

UInt8 = npt.NDArray[np.uint8]
Float32 = npt.NDArray[np.float32]


def dirt(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Mud and dust out of focus on the lens: splashes that grow with severity, a film that scatters light."""
    height, width = image.shape[:2]
    field = fractal(rng, (height, width), (5, 7), 4, 0.6)
    fine = fractal(rng, (height, width), (18, 24), 3, 0.7)
    spots = np.zeros((height, width), np.float32)
    for n in range(90):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        radius = height * float(rng.exponential(0.018)) + 2
        # The order of the spots is fixed, so that more of the same dirt comes with severity.
        if n < 90 * severity:
            cv2.circle(spots, (x, y), int(radius), 1.0, -1, cv2.LINE_AA)
    film = np.clip((field + 0.35 * fine - 1.9 + 2.7 * severity) * 0.9, 0, 1)
    cover = np.clip(film * (0.35 + 0.6 * severity) + cv2.GaussianBlur(spots, (0, 0), height * 0.007) * 0.9, 0, 0.97)
    tone = np.array([92, 78, 58], np.float32) * (1 + 0.18 * fine)[..., None] * (0.35 + image.mean() / 170)
    blur = cv2.GaussianBlur(image, (0, 0), 0.5 + height * 0.022 * severity).astype(np.float32)
    hazy = np.clip(cover * 2.2, 0, 1)[..., None]
    picture = image * (1 - hazy) + blur * hazy
    return to_uint8(picture * (1 - cover[..., None]) + tone * cover[..., None])


def occlusion(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Something right before the lens (a leaf, tape, a cloth) that covers up to three quarters of the picture."""
    height, width = image.shape[:2]
    side = int(rng.integers(4))
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None] + np.zeros((1, width), np.float32)
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :] + np.zeros((height, 1), np.float32)
    ramp = (x, 1 - x, y, 1 - y)[side]
    edge = ramp + 0.07 * fractal(rng, (height, width), (3, 4), 3)
    alpha = cv2.GaussianBlur((edge < 0.75 * severity).astype(np.float32), (0, 0), 1 + height * 0.012)[..., None]
    tone = np.array(rng.uniform(14, 62, 3), np.float32)
    cloth = tone * (1 + 0.10 * fractal(rng, (height, width), (10, 12), 3))[..., None]
    return to_uint8(image * (1 - alpha) + cloth * alpha)


def defocus(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """A disc of confusion of up to 3 % of the height in radius."""
    radius = 0.4 + 0.030 * image.shape[0] * severity
    reach = int(np.ceil(radius)) + 1
    axis = np.arange(-reach, reach + 1, dtype=np.float32)
    disc = np.clip(radius + 0.5 - np.hypot(axis[None, :], axis[:, None]), 0, 1).astype(np.float32)
    return np.asarray(cv2.filter2D(image, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT), np.uint8)


def motion_blur(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """A shake in one direction by up to 9 % of the height."""
    length = 1 + 0.09 * image.shape[0] * severity
    angle = float(rng.uniform(-0.5, 0.5))
    reach = int(np.ceil(length / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    dx, dy = np.cos(angle) * length / 2, np.sin(angle) * length / 2
    a, b = ((reach - dx) * 256, (reach - dy) * 256), ((reach + dx) * 256, (reach + dy) * 256)
    cv2.line(kernel, (round(a[0]), round(a[1])), (round(b[0]), round(b[1])), 1.0, 1, cv2.LINE_8, 8)
    kernel /= max(1.0, float(kernel.sum()))
    return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REFLECT), np.uint8)


def noise(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Shot and read noise of a sensor at high gain."""
    picture = image.astype(np.float32)
    sigma = severity * (18 + 3.4 * np.sqrt(picture))
    return to_uint8(picture + sigma * rng.standard_normal(picture.shape, dtype=np.float32))


def impulse(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Pixels stuck at black or white, up to 28 % of them."""
    draw = rng.random(image.shape[:2], dtype=np.float32)
    share = 0.28 * severity
    out = image.copy()
    out[draw < share / 2] = 0
    out[draw > 1 - share / 2] = 255
    return out


def overexposure(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Up to eight times too much light; what is burnt bleeds."""
    linear = (image.astype(np.float32) / 255) ** 2.0 * 8.0**severity
    bleed = cv2.GaussianBlur(np.clip(linear - 1, 0, 3), (0, 0), 0.02 * image.shape[0])
    return to_uint8(255 * np.sqrt(np.clip(linear + 0.35 * severity * bleed, 0, 1)))


def underexposure(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Down to a hundredth of the light, with read noise and coarse steps in the dark."""
    linear = (image.astype(np.float32) / 255) ** 2.0 * 0.01**severity
    picture = 255 * np.sqrt(linear) + rng.standard_normal(image.shape, dtype=np.float32) * (0.5 + 3.0 * severity)
    step = 1 + 4 * severity
    return to_uint8(np.floor(picture / step) * step)


def contrast(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Contrast down to 6 % around the picture's mean."""
    picture = image.astype(np.float32)
    middle = picture.mean()
    return to_uint8(middle + (picture - middle) * 0.06**severity)


def jpeg(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """JPEG quality from 60 down to 2."""
    quality = round(60 * (2 / 60) ** severity)
    good, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not good:
        raise RuntimeError("OpenCV could not encode a JPEG")
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if decoded is None:
        raise RuntimeError("OpenCV could not decode its own JPEG")
    return np.ascontiguousarray(decoded[..., ::-1]).astype(np.uint8, copy=False)


def pixelate(image: UInt8, depth: Float32, severity: float, rng: np.random.Generator) -> UInt8:
    """Blocks of up to a fifteenth of the height."""
    height, width = image.shape[:2]
    block = 1 + severity * (height / 15 - 1)
    size = (max(1, round(width / block)), max(1, round(height / block)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST), np.uint8)
