# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A calibrated camera: what undistortion needs of a sensor_msgs/CameraInfo, and nothing of ROS."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trustseg.errors import InputError

# Distortion model of sensor_msgs -> how many coefficients OpenCV takes for it, in the order of both.
FISHEYE = "equidistant"
COEFFICIENTS = {"plumb_bob": (4, 5), "rational_polynomial": (8,), FISHEYE: (4,)}
UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
# A row shorter than this, or rows that span less with a length of 1, have no inverse worth the name.
LEAST_ROW, LEAST_VOLUME = 1e-6, 1e-6


@dataclass(frozen=True)
class CameraModel:
    """Calibration of one camera's image.

    Attributes:
        size: (height, width) of the image, pixels.
        distortion_model: "plumb_bob", "rational_polynomial" or "equidistant" (fisheye); of a camera without distortion
            "plumb_bob" and `d` of 0.
        d: coefficients, in OpenCV's order: k1, k2, p1, p2, k3, ...; of the fisheye k1, k2, k3, k4, where 0 is the
            pure equidistant projection and not a lens without distortion.
        k: 3 x 3 matrix of the image, row by row.
        r: 3 x 3 rotation to the rectified view, row by row; zeros: none.
        p: the nine values of P's first three columns, row by row: the matrix of the rectified view; zeros: `k`.

    Raises:
        InputError: OpenCV knows no such model, or the numbers are not those of a calibrated camera, whose matrices have
            an inverse.
    """

    size: tuple[int, int]
    distortion_model: str
    d: tuple[float, ...]
    k: tuple[float, ...]
    r: tuple[float, ...] = UPRIGHT
    p: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        counts = COEFFICIENTS.get(self.distortion_model)
        if counts is None:
            raise InputError(
                f"distortion model {self.distortion_model!r}", expected=" or ".join(COEFFICIENTS),
                fix="calibrate the camera with one of them",
            )  # fmt: skip
        if len(self.d) not in counts:
            expected = " or ".join(map(str, counts))
            raise InputError(f"coefficients of {self.distortion_model}", expected=expected, got=str(len(self.d)))
        matrices = (("K", self.k), ("R", self.rotation), ("P", self.view))
        for name, values in matrices:
            if len(values) != 9 or not all(map(math.isfinite, values)):
                raise InputError(f"matrix {name} of the camera", expected="nine finite numbers", got=_listed(values))
        if not all(map(math.isfinite, self.d)):
            raise InputError("distortion of the camera", expected="finite numbers", got=_listed(self.d))
        if min(self.size) < 1 or min(self.k[0], self.k[4], self.view[0], self.view[4]) <= 0:
            raise InputError(
                "the camera is not calibrated", expected="an image size and focal lengths above 0",
                got=f"{self.size[1]}x{self.size[0]}, K {_listed(self.k)}",
            )  # fmt: skip
        for name, values in matrices:
            if not _has_inverse(values):
                raise InputError(
                    f"matrix {name} of the camera", expected="one that has an inverse", got=_listed(values),
                    fix="calibrate the camera; R and P may be left 0",
                )  # fmt: skip

    @property
    def rotation(self) -> tuple[float, ...]:
        """`r`, or no rotation where it says nothing."""
        return self.r if any(self.r) else UPRIGHT

    @property
    def view(self) -> tuple[float, ...]:
        """Matrix of the rectified view: `p`, or `k` where it says nothing."""
        return self.p if any(self.p) else self.k

    @classmethod
    def of(
        cls, size: tuple[int, int], model: str, d: Sequence[float], k: Sequence[float], r: Sequence[float],
        p: Sequence[float],
    ) -> CameraModel:  # fmt: skip
        """From the fields of a CameraInfo or its file: `p` has twelve values, and no `d` or zeros is no distortion, but
        of a fisheye.

        Raises:
            InputError: as the class.
        """
        d, p = tuple(map(float, d)), tuple(map(float, p))
        if model != FISHEYE and not any(d):
            model = model or "plumb_bob"
            d = (0.0,) * COEFFICIENTS.get(model, (0,))[-1]
        rows = (*p[0:3], *p[4:7], *p[8:11]) if len(p) == 12 else p
        return cls(size, model, d, tuple(map(float, k)), tuple(map(float, r)) or UPRIGHT, rows)


def _has_inverse(matrix: Sequence[float]) -> bool:
    """Whether nine values, row by row, are far enough from a matrix that has none."""
    rows = [matrix[0:3], matrix[3:6], matrix[6:9]]
    lengths = [math.hypot(*row) for row in rows]
    if min(lengths) < LEAST_ROW:
        return False
    (a, b, c), (d, e, f), (g, h, i) = ([each / length for each in row] for row, length in zip(rows, lengths))
    return abs(a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)) >= LEAST_VOLUME


def _listed(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{each:g}" for each in values) + "]"
