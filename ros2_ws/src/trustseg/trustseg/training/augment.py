"""Random changes of training images: geometry (image and labels alike) and light (image only)."""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.training.config import AugmentSection
from trustseg.training.data import IGNORE
from trustseg.types import UInt8Array

Pair = tuple[UInt8Array, UInt8Array]


def scale_and_crop(image: UInt8Array, label: UInt8Array, scale: float, rng: np.random.Generator) -> Pair:
    """Zoom by `scale` and cut or pad back to the same size; padding is IGNORE and the image's mean colour."""
    height, width = label.shape
    dx = rng.uniform(min(0.0, width - width * scale), max(0.0, width - width * scale))
    dy = rng.uniform(min(0.0, height - height * scale), max(0.0, height - height * scale))
    matrix = np.array([[scale, 0, dx], [0, scale, dy]], np.float64)
    mean = image.reshape(-1, 3).mean(axis=0).tolist()
    warped = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=mean)
    ids = cv2.warpAffine(label, matrix, (width, height), flags=cv2.INTER_NEAREST, borderValue=(IGNORE,))
    return warped.astype(np.uint8), ids.astype(np.uint8)


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
        noise = np.empty(image.shape, np.int16)
        cv2.randn(noise, np.zeros(3), np.full(3, rng.uniform(2, 12)))
        image = cv2.add(image, noise, dtype=cv2.CV_8U).astype(np.uint8)
    return image


def augment(image: UInt8Array, label: UInt8Array, config: AugmentSection, rng: np.random.Generator) -> Pair:
    """One random variant of image uint8 (H, W, 3) and label uint8 (H, W), of the same size."""
    low, high = config.scale
    if high > low:
        image, label = scale_and_crop(image, label, float(np.exp(rng.uniform(np.log(low), np.log(high)))), rng)
    if rng.random() < config.flip:
        image, label = np.ascontiguousarray(image[:, ::-1]), np.ascontiguousarray(label[:, ::-1])
    return change_light(image, config, rng), label
