# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A street that moves past a camera with noise, and what the input checks say of its frames."""

from __future__ import annotations

import cv2
import numpy as np

from trustseg.input_health import HealthConfig, InputHealth
from trustseg.reasons import Reason
from trustseg_lab.scenes.sensor_faults import SensorFault

SIZE = (180, 240)


def street(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 RGB with detail at every scale and colours between yellow and blue."""
    rng = np.random.default_rng(seed)
    image = np.full((*size, 3), 110.0, np.float32)
    for cells in (4, 12, 40, 90):
        grid = rng.normal(0.0, 22.0, (cells, cells * 4 // 3, 1)).astype(np.float32) + np.zeros(3, np.float32)
        grid[..., 0] += rng.normal(0.0, 12.0, grid.shape[:2])
        image += cv2.resize(grid, size[::-1], interpolation=cv2.INTER_NEAREST if cells > 40 else cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)


def moving(count: int, speed: float = 4.0, noise: float = 1.5, seed: int = 3) -> list[np.ndarray]:
    """A scene that moves sideways, with a sensor's noise; it stops when `speed` is 0."""
    world = np.concatenate([street(k) for k in range(5)], axis=1)
    rng = np.random.default_rng(seed)
    frames = [world[:, int(speed * k) : int(speed * k) + SIZE[1]] for k in range(count)]
    return [
        np.clip(f + rng.normal(0.0, noise, f.shape), 0, 255).astype(np.uint8) if noise else f.copy() for f in frames
    ]


def reasons_of(frames: list[np.ndarray], **config: float) -> list[Reason]:
    health = InputHealth(HealthConfig(**config))  # type: ignore[arg-type]
    return [health.check(frame, stamp).reasons for stamp, frame in enumerate(frames, start=1)]


def believed(kind: str, severity: float, clean: int = 36, faulty: int = 12) -> list[Reason]:
    """Reasons of the faulty frames after a clean start that has none."""
    frames = moving(clean + faulty)
    fault = SensorFault(kind, severity, seed=1)
    found = reasons_of([f if k < clean else fault.frame(f) for k, f in enumerate(frames)])
    assert found[:clean] == [Reason.NONE] * clean
    return found[clean:]


# Lines ------------------------------------------------------------------------------------------------------------
