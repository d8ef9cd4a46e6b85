# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Random changes of training images: geometry (image and labels alike), light and weather (image only)."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from trustseg.types import UInt8Array
from trustseg_lab.scenes.conditions import FIT_KINDS, apply_condition
from trustseg_lab.training.config import AugmentSection
from trustseg_lab.training.data import IGNORE, SOFT_STRIDE

# Image uint8 (H, W, 3), label uint8 (H, W) and, where there is a teacher, soft labels uint8 (H / 2, W / 2, C).
Sample = tuple[UInt8Array, UInt8Array, UInt8Array | None]
Paste = Callable[[UInt8Array, UInt8Array, np.random.Generator], tuple[UInt8Array, UInt8Array]]
CHANNELS = 4  # that OpenCV warps at once


def scale_and_crop(sample: Sample, scale: float, rng: np.random.Generator, aspect: float = 1.0) -> Sample:
    """Zoom by `scale`, upwards by `aspect` times as much, and cut or pad back to the same size.

    Padding is IGNORE and the image's mean colour. `aspect`: how many times wider for its height than the network's
    input the camera's picture would be that is stretched to it.
    """
    image, label, soft = sample
    height, width = label.shape
    tall = scale * aspect
    dx = rng.uniform(min(0.0, width - width * scale), max(0.0, width - width * scale))
    dy = rng.uniform(min(0.0, height - height * tall), max(0.0, height - height * tall))
    matrix = np.array([[scale, 0, dx], [0, tall, dy]], np.float64)
    mean = image.reshape(-1, 3).mean(axis=0).tolist()
    warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=mean)
    ids = cv2.warpAffine(label, matrix, (width, height), flags=cv2.INTER_NEAREST, borderValue=(IGNORE,))
    moved = None if soft is None else warp_soft(soft, (scale, tall), (dx, dy))
    return warped.astype(np.uint8), ids.astype(np.uint8), moved


def warp_soft(soft: UInt8Array, scale: tuple[float, float], move: tuple[float, float]) -> UInt8Array:
    """Soft labels uint8 (h, w, C) of an image that is zoomed by `scale` (x, y) and moved by `move` of its pixels."""
    # The centre of pixel x of this map lies at SOFT_STRIDE * (x + 0.5) - 0.5 of the image; outside nothing is said, 0.
    middle = (SOFT_STRIDE - 1) / 2
    x, y = ((s * middle + m - middle) / SOFT_STRIDE for s, m in zip(scale, move, strict=True))
    matrix = np.array([[scale[0], 0, x], [0, scale[1], y]], np.float64)
    height, width, classes = soft.shape
    parts = [
        cv2.warpAffine(np.ascontiguousarray(soft[:, :, at : at + CHANNELS]), matrix, (width, height))
        for at in range(0, classes, CHANNELS)
    ]
    return np.concatenate([part.reshape(height, width, -1) for part in parts], axis=2).astype(np.uint8)


def silenced(soft: UInt8Array, covered: np.ndarray) -> UInt8Array:
    """Soft labels uint8 (h, w, C) with nothing said where `covered`, bool (H, W), touches a cell."""
    height, width = soft.shape[:2]
    cells = covered.reshape(height, SOFT_STRIDE, width, SOFT_STRIDE).max((1, 3))
    return np.asarray(np.where(cells[..., None], np.uint8(0), soft), np.uint8)


def change_light(image: UInt8Array, config: AugmentSection, rng: np.random.Generator) -> UInt8Array:
    """Brightness, contrast and gamma by a table; hue and saturation in HSV; blur and noise at times."""
    levels = np.arange(256, dtype=np.float32) / 255.0
    gamma = np.exp(rng.uniform(-config.gamma, config.gamma))
    contrast = 1.0 + rng.uniform(-config.contrast, config.contrast)
    brightness = rng.uniform(-config.brightness, config.brightness) * 0.5
    table = np.clip(((levels**gamma) - 0.5) * contrast + 0.5 + brightness, 0, 1)
    image = cv2.LUT(image, (table * 255).astype(np.uint8)).astype(np.uint8)
    if config.saturation or config.hue:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        hue = (np.arange(256) + round(rng.uniform(-config.hue, config.hue) * 180)) % 180
        saturation = np.clip(np.arange(256) * (1 + rng.uniform(-config.saturation, config.saturation)), 0, 255)
        tables = np.stack([hue, saturation, np.arange(256)], axis=-1).astype(np.uint8)[None]
        image = cv2.cvtColor(cv2.LUT(hsv, tables), cv2.COLOR_HSV2RGB).astype(np.uint8)
    if rng.random() < config.blur:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.6)).astype(np.uint8)
    if rng.random() < config.noise:
        cv2.setRNGSeed(int(rng.integers(2**31)))  # OpenCV's own starts the same in every thread
        noise = np.empty(image.shape, np.int16)
        cv2.randn(noise, np.zeros(3), np.full(3, rng.uniform(2, 12)))
        image = cv2.add(image, noise, dtype=cv2.CV_8U).astype(np.uint8)
    return image


def augment(
    sample: Sample, config: AugmentSection, rng: np.random.Generator, paste: Paste | None = None
) -> Sample:  # fmt: skip
    """One random variant of a sample, of the same size. `paste` puts objects into it before the light changes."""
    low, high = config.scale
    if high > low:
        sample = scale_and_crop(sample, float(np.exp(rng.uniform(np.log(low), np.log(high)))), rng)
    image, label, soft = sample
    if rng.random() < config.flip:
        image, label = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(label[:, ::-1])
        soft = None if soft is None else np.ascontiguousarray(soft[:, ::-1])
    if paste is not None:
        before = label
        image, label = paste(image, label, rng)
        soft = None if soft is None else silenced(soft, label != before)
    # What is pasted is stretched with the picture. Drawn only where it is wanted: other recipes draw what they drew.
    if config.aspect_share and rng.random() < config.aspect_share:
        aspect = float(np.exp(rng.uniform(0.0, np.log(config.aspect_most))))
        image, label, soft = scale_and_crop((image, label, soft), 1.0, rng, aspect)
    image = change_light(image, config, rng)
    if config.conditions and rng.random() < config.conditions:
        kind, severity = FIT_KINDS[rng.integers(len(FIT_KINDS))], rng.uniform(0.05, config.conditions_most)
        image = apply_condition(kind, float(severity), image, seed=int(rng.integers(2**31)))
    return image, label, soft
