# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A street that moves past a camera with noise, and what the input checks say of its frames."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

from trustseg.input_health import HealthConfig, InputHealth
from trustseg.reasons import Reason
from trustseg_lab.scenes.sensor_faults import SensorFault

SIZE = (180, 240)
POOL = 1 << 21


def street(seed: int = 0, size: tuple[int, int] = SIZE) -> np.ndarray:
    """uint8 RGB with detail at every scale and colours between yellow and blue."""
    return _painted(seed, size).copy()


@cache
def _painted(seed: int, size: tuple[int, int]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    image = np.full((*size, 3), 110.0, np.float32)
    for cells in (4, 12, 40, 90):
        grid = rng.normal(0.0, 22.0, (cells, cells * 4 // 3, 1)).astype(np.float32) + np.zeros(3, np.float32)
        grid[..., 0] += rng.normal(0.0, 12.0, grid.shape[:2])
        image += cv2.resize(grid, size[::-1], interpolation=cv2.INTER_NEAREST if cells > 40 else cv2.INTER_CUBIC)
    return np.clip(image, 0, 255).astype(np.uint8)


def grain(frame: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """uint8 `frame` under a sensor's noise of `sigma` lumas; a new array.

    The noise is a piece of a long stretch that is drawn once: drawing it for every frame takes twice as long as all the
    checks of it. Pieces begin anywhere, so that no pixel has the noise that it had.
    """
    noise = _stretch(sigma)
    at = int(rng.integers(noise.size - frame.size))
    return cv2.add(frame, noise[at : at + frame.size].reshape(frame.shape), dtype=cv2.CV_8U)


@cache
def _stretch(sigma: float) -> np.ndarray:
    """Normal noise, rounded down as a sum with whole lumas is when it becomes a whole luma."""
    return np.floor(np.random.default_rng(17).normal(0.0, sigma, POOL)).astype(np.int16)


def moving(count: int, speed: float = 4.0, noise: float = 1.5, seed: int = 3) -> list[np.ndarray]:
    """A scene that moves sideways, with a sensor's noise; it stops when `speed` is 0."""
    return [frame.copy() for frame in _drive(speed, noise, seed).first(count)]


class _Drive:
    """Frames that were made once, for all who ask for the same drive."""

    def __init__(self, speed: float, noise: float, seed: int) -> None:
        self._world = np.concatenate([street(k) for k in range(5)], axis=1)
        self._speed, self._noise, self._rng = speed, noise, np.random.default_rng(seed)
        self._frames: list[np.ndarray] = []

    def first(self, count: int) -> list[np.ndarray]:
        for k in range(len(self._frames), count):
            frame = self._world[:, int(self._speed * k) : int(self._speed * k) + SIZE[1]]
            assert frame.shape == (*SIZE, 3), f"the street ends before frame {k}"
            if self._noise:
                frame = grain(frame, self._noise, self._rng)
            self._frames.append(frame)
        return self._frames[:count]


_drive = cache(_Drive)


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
