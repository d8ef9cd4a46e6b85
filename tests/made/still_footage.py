# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pictures of a camera at a standstill, one scene under fresh noise, for runs in which the network does not matter."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from bundle_factory import paint_scene

NOISE = 6


def write_footage(folder: Path, height: int, width: int, frames: int) -> Path:
    """Write `frames` PNG pictures (height, width) into the new folder and return it.

    Where they are shown again and again, there must be more of them than the check for rings of buffers remembers (32),
    also of a camera that shows every third one only.
    """
    folder.mkdir(parents=True)
    rng, scene = np.random.default_rng(1), paint_scene(height, width).astype(np.int16)
    for k in range(frames):
        noisy = np.clip(scene + rng.integers(-NOISE, NOISE + 1, scene.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{k:03}.png"), noisy[..., ::-1])
    return folder
