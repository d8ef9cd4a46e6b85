# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A rigid transform between two frames, as tf says it. No ROS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError

Float64 = npt.NDArray[np.float64]
# How far the length of a quaternion may be from 1: that of a turn that was rounded, and not of one never filled in.
LENGTH_ERROR = 0.01


@dataclass(frozen=True)
class Transform:
    """Points of a child frame in its parent: parent = rotation @ child + translation, float64 (3, 3) and (3,)."""

    rotation: Float64
    translation: Float64

    @staticmethod
    def of(x: float, y: float, z: float, quaternion: tuple[float, float, float, float]) -> Transform:
        """From a translation in metres and a quaternion (x, y, z, w).

        Raises:
            InputError: a number that is not finite, or a quaternion that is no rotation.
        """
        translation, turn = np.array([x, y, z], np.float64), np.array(quaternion, np.float64)
        if not (np.isfinite(translation).all() and np.isfinite(turn).all()):
            raise InputError("a transform", expected="finite numbers", got=f"{translation.tolist()}, {turn.tolist()}")
        length = float(np.linalg.norm(turn))
        if abs(length - 1) > LENGTH_ERROR:
            raise InputError("the rotation of a transform", expected="a quaternion of length 1", got=f"{length:.3g}")
        i, j, k, w = turn / length
        rotation = [
            [1 - 2 * (j * j + k * k), 2 * (i * j - k * w), 2 * (i * k + j * w)],
            [2 * (i * j + k * w), 1 - 2 * (i * i + k * k), 2 * (j * k - i * w)],
            [2 * (i * k - j * w), 2 * (j * k + i * w), 1 - 2 * (i * i + j * j)],
        ]
        return Transform(np.array(rotation, np.float64), translation)

    def __matmul__(self, inner: Transform) -> Transform:
        """`inner` first: of a grandchild in this one's parent."""
        return Transform(self.rotation @ inner.rotation, self.rotation @ inner.translation + self.translation)

    def inverse(self) -> Transform:
        """Points of the parent in the child."""
        return Transform(self.rotation.T, -self.rotation.T @ self.translation)


UNMOVED = Transform(np.eye(3), np.zeros(3))
