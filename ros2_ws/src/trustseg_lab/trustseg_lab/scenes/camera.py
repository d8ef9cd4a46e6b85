# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A pinhole camera on a car: world axes X right, Y up, Z along the road; image axes x right, y down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64 = npt.NDArray[np.float64]
Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Camera:
    """Pose and intrinsics of one frame.

    Attributes:
        size: (height, width) in pixels.
        focal_px: focal length in pixels; pixels are square, the principal point is the image centre.
        position: (X, Y, Z) of the optical centre in metres; the road surface is Y = 0.
        yaw, pitch, roll: radians; yaw to the right, pitch upwards, roll clockwise.
    """

    size: tuple[int, int]
    focal_px: float
    position: tuple[float, float, float]
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0

    @property
    def center(self) -> tuple[float, float]:
        """Principal point (x, y) in pixels; pixel centres have integer coordinates."""
        return (self.size[1] - 1) / 2.0, (self.size[0] - 1) / 2.0

    def rotation(self) -> Float64:
        """World to camera (x right, y down, z forward), float64 (3, 3)."""
        sy, cy = np.sin(self.yaw), np.cos(self.yaw)
        sp, cp = np.sin(self.pitch), np.cos(self.pitch)
        sr, cr = np.sin(self.roll), np.cos(self.roll)
        turn = np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        tilt = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
        bank = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
        flip = np.diag([1.0, -1.0, 1.0])
        return np.asarray(flip @ bank @ tilt @ turn, np.float64)

    def intrinsics(self) -> Float64:
        """K, float64 (3, 3)."""
        cx, cy = self.center
        return np.array([[self.focal_px, 0, cx], [0, self.focal_px, cy], [0, 0, 1.0]])

    def project(self, points: npt.NDArray[np.floating]) -> Float64:
        """World points (..., 3) to (..., 3): pixel x, pixel y, depth along the optical axis in metres."""
        local = (np.asarray(points, np.float64) - np.array(self.position)) @ self.rotation().T
        depth = local[..., 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        cx, cy = self.center
        return np.stack(
            [self.focal_px * local[..., 0] / safe + cx, self.focal_px * local[..., 1] / safe + cy, depth], -1
        )

    def rays(self, row_from: int = 0) -> tuple[Float32, Float32, Float32]:
        """World directions (dx, dy, dz), each float32 (H - row_from, W), scaled to depth 1 along the optical axis."""
        height, width = self.size
        cx, cy = self.center
        to_world = self.rotation().T
        x = ((np.arange(width) - cx) / self.focal_px).astype(np.float32)[None, :]
        y = ((np.arange(row_from, height) - cy) / self.focal_px).astype(np.float32)[:, None]
        m = to_world.astype(np.float32)
        dx, dy, dz = (m[i, 0] * x + (m[i, 1] * y + m[i, 2]) for i in range(3))
        return dx, dy, dz
