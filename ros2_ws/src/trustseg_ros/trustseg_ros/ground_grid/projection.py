# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which pixels of the image show which cell of the ground, for a camera that is mounted on a flat-ground vehicle.

Axes of the vehicle as in REP 103: x ahead, y to the left, z up; the ground is z = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.camera.model import FISHEYE, CameraModel
from trustseg.camera.turning_point import turning_point

Float64 = npt.NDArray[np.float64]
Int32 = npt.NDArray[np.int32]
Bool = npt.NDArray[np.bool_]

# x right, y down, z ahead (optical) from x ahead, y left, z up (body).
OPTICAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])
LEAST_DEPTH_M = 0.1
# Nothing beyond this share of the image's size around it is projected, by its place without distortion.
MARGIN = 0.5


@dataclass(frozen=True)
class CameraMount:
    """Where the camera sits on the vehicle.

    Attributes:
        x_m, y_m: of the optical centre, metres. height_m: of it above the ground.
        roll_deg, pitch_deg, yaw_deg: of the camera's body (REP 103): a positive pitch looks down, a positive yaw left.
    """

    height_m: float
    x_m: float = 0.0
    y_m: float = 0.0
    roll_deg: float = 0.0
    pitch_deg: float = 0.0
    yaw_deg: float = 0.0

    @staticmethod
    def of_optical(rotation: Float64, place: Float64) -> CameraMount:
        """From the optical frame's axes (3, 3) and origin (3,) in the vehicle's, to a millimetre and a thousandth of a
        degree: what is said again and again differs by rounding, and a grid is computed once a mount."""
        body = rotation @ OPTICAL
        if np.hypot(body[0, 0], body[1, 0]) > 1e-6:
            roll, yaw = np.arctan2(body[2, 1], body[2, 2]), np.arctan2(body[1, 0], body[0, 0])
        else:  # straight up or down, where roll and yaw turn about the same axis
            roll, yaw = 0.0, np.arctan2(-body[0, 1], body[1, 1])
        pitch = np.arctan2(-body[2, 0], np.hypot(body[0, 0], body[1, 0]))
        angles = [round(float(np.degrees(angle)), 3) + 0.0 for angle in (roll, pitch, yaw)]
        x, y, height = (round(float(metres), 3) for metres in place)
        return CameraMount(height, x, y, *angles)

    def vehicle_to_optical(self) -> tuple[Float64, Float64]:
        """(rotation (3, 3), translation (3,)), float64: optical = rotation @ vehicle + translation."""
        r, p, y = np.radians([self.roll_deg, self.pitch_deg, self.yaw_deg])
        roll = np.array([[1, 0, 0], [0, np.cos(r), -np.sin(r)], [0, np.sin(r), np.cos(r)]])
        pitch = np.array([[np.cos(p), 0, np.sin(p)], [0, 1, 0], [-np.sin(p), 0, np.cos(p)]])
        yaw = np.array([[np.cos(y), -np.sin(y), 0], [np.sin(y), np.cos(y), 0], [0, 0, 1]])
        rotation = np.asarray(OPTICAL @ (yaw @ pitch @ roll).T, np.float64)
        return rotation, np.asarray(-rotation @ np.array([self.x_m, self.y_m, self.height_m]), np.float64)


@dataclass(frozen=True)
class GridShape:
    """A rectangle of the ground in the vehicle's axes.

    Attributes:
        from_m, to_m: along x, metres. width_m: along y, the vehicle in its middle. cell_m: edge of a cell.
    """

    from_m: float
    to_m: float
    width_m: float
    cell_m: float

    @property
    def size(self) -> tuple[int, int]:
        """(cells along y, cells along x), as the rows and columns of an OccupancyGrid."""
        return max(1, round(self.width_m / self.cell_m)), max(1, round((self.to_m - self.from_m) / self.cell_m))

    @property
    def right_m(self) -> float:
        """y of the grid's right edge, metres: that of its first row."""
        return -self.size[0] * self.cell_m / 2

    def edges(self) -> tuple[Float64, Float64]:
        """(x of the cells' edges, y of them), metres, float64 (columns + 1,) and (rows + 1,)."""
        rows, columns = self.size
        across, along = (self.cell_m * np.arange(n + 1, dtype=np.float64) for n in (rows, columns))
        return np.asarray(self.from_m + along, np.float64), np.asarray(self.right_m + across, np.float64)


@dataclass(frozen=True, eq=False)
class Lens:
    """Intrinsics of an image of `size`: what `CameraModel` takes of them.

    Attributes:
        size: (height, width), pixels. k: float64 (3, 3).
        d: coefficients; none, or zeros: no distortion, but of a fisheye ("equidistant"), which has four and of zeros
            is the pure equidistant projection.
        model: name of sensor_msgs; it may be empty where there is no distortion.
        limit: how far from the axis it bends as a lens does: tangent of the angle.

    Raises:
        InputError: as `CameraModel`.
    """

    size: tuple[int, int]
    k: Float64
    d: Float64
    model: str = "plumb_bob"
    limit: float = field(init=False, default=np.inf)

    def __post_init__(self) -> None:
        camera = CameraModel.of(self.size, self.model, self.d.tolist(), self.k.ravel().tolist(), (), ())
        object.__setattr__(self, "model", camera.distortion_model)
        object.__setattr__(self, "d", np.array(camera.d))
        object.__setattr__(self, "limit", turning_point(camera.distortion_model, camera.d, self._furthest()))

    def _furthest(self) -> float:
        """Distance from the axis, tangent of the angle, of the corner of `MARGIN` that is furthest away."""
        height, width = self.size
        corners = np.array([[x * width, y * height, 1.0] for x in (-MARGIN, 1 + MARGIN) for y in (-MARGIN, 1 + MARGIN)])
        return float(np.linalg.norm(np.linalg.solve(self.k, corners.T)[:2], axis=0).max())

    def project(self, points: Float64, mount: CameraMount) -> tuple[Float64, Bool]:
        """Vehicle points (..., 3) to pixels (..., 2) as (column, row), and whether each can be in the image at all."""
        rotation, translation = mount.vehicle_to_optical()
        local = points.reshape(-1, 3) @ rotation.T + translation
        depth = local[:, 2]
        ahead = depth > LEAST_DEPTH_M
        local[~ahead] = (0.0, 0.0, 1.0)
        height, width = self.size
        straight = (local / local[:, 2:]) @ self.k.T
        near = (np.abs(straight[:, 0] / width - 0.5) < 0.5 + MARGIN) & (
            np.abs(straight[:, 1] / height - 0.5) < 0.5 + MARGIN
        )
        zero = np.zeros(3)
        is_lens = np.hypot(local[:, 0], local[:, 1]) / local[:, 2] < self.limit
        if self.model == FISHEYE:
            pixels = cv2.fisheye.projectPoints(local[:, None], zero, zero, self.k, self.d)[0]
            near = is_lens
        else:
            near &= is_lens
            pixels = cv2.projectPoints(local[:, None], zero, zero, self.k, self.d)[0]
        fits: Bool = np.asarray(ahead & near, np.bool_).reshape(points.shape[:-1])
        return np.asarray(pixels, np.float64).reshape(*points.shape[:-1], 2), fits


@dataclass(frozen=True)
class Footprints:
    """What each cell covers in the image; arrays of `GridShape.size`.

    Attributes:
        top, bottom: first and last row, int32; left, right: first and last column.
        clear: the row in which the lowest visible part of an obstacle would be that stands behind the cell by the error
            of its distance: one whose foot is seen above this row is not in the cell.
        seen: whether all of the cell is in the image and its distance known well enough.
        error_m: how far away from its place something at the cell may seem to be, metres, float64.
    """

    top: Int32
    bottom: Int32
    left: Int32
    right: Int32
    clear: Int32
    seen: Bool
    error_m: Float64


def distance_error_m(distance_m: Float64, height_m: float, focal_px: float, pitch_error_deg: float) -> Float64:
    """Bound of the error of a distance on flat ground, metres.

    One row of pixels spans (x^2 + h^2) / (f h) of the ground at most, and a pitch that is wrong by an angle a moves it
    by a (x^2 + h^2) / h: first order in both. A slope of the ground is an error of the pitch.
    """
    squared = np.square(distance_m) + height_m**2
    return np.asarray(squared / height_m * (1.0 / focal_px + np.radians(pitch_error_deg)), np.float64)


def footprints(
    shape: GridShape,
    lens: Lens,
    mount: CameraMount,
    *,
    pitch_error_deg: float,
    most_error_m: float,
    lowest_row: int,
    foot_m: float = 0.0,
) -> Footprints:
    """Project every cell.

    Args:
        pitch_error_deg: bound of what the pitch is wrong by. most_error_m: cells with more are not seen.
        lowest_row: first row of the image that shows the vehicle itself; cells that reach it are not seen.
        foot_m: how high above the ground the lowest visible part of an obstacle may be.
    """
    x, y = shape.edges()
    corners = np.zeros((len(y), len(x), 3))
    corners[..., 0], corners[..., 1] = x[None, :], y[:, None]
    error = distance_error_m(np.hypot(corners[..., 0] - mount.x_m, corners[..., 1] - mount.y_m), mount.height_m,
                             float(lens.k[1, 1]), pitch_error_deg)  # fmt: skip
    pixels, fits = lens.project(corners, mount)
    behind = corners.copy()
    # Away from the camera, not only ahead: a cell at the side is behind its own error too.
    away = corners[..., :2] - (mount.x_m, mount.y_m)
    length = np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-6)
    behind[..., :2] += away / length * error[..., None]
    behind[..., 2] = foot_m
    clear_pixels, _ = lens.project(behind, mount)
    columns, rows = _of_cells(pixels[..., 0]), _of_cells(pixels[..., 1])
    left, right = _pixel(columns.min(-1)), _pixel(columns.max(-1))
    top, bottom = _pixel(rows.min(-1)), _pixel(rows.max(-1))
    worst = _of_cells(error).max(-1)
    seen = _of_cells(fits).all(-1) & (worst <= most_error_m)
    seen &= (left >= 0) & (right < lens.size[1]) & (top >= 0) & (bottom < min(lens.size[0], lowest_row))
    clear = np.minimum(_pixel(_of_cells(clear_pixels[..., 1]).min(-1)), top)
    # Where nothing is seen the numbers stay those of a pixel that is there, so that arrays can be indexed by them.
    limits = (lens.size[0], lens.size[0], lens.size[1], lens.size[1])
    top, bottom, left, right = (
        np.where(seen, each, 0).clip(0, most - 1) for each, most in zip((top, bottom, left, right), limits, strict=True)
    )
    return Footprints(top, bottom, left, right, clear, seen, worst)


def _of_cells(corners: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
    """The four corners of each cell, (rows, columns, 4), of an array (rows + 1, columns + 1)."""
    return np.stack([corners[:-1, :-1], corners[:-1, 1:], corners[1:, :-1], corners[1:, 1:]], axis=-1)


def _pixel(position: npt.NDArray[np.generic]) -> Int32:
    return np.floor(np.clip(position, -1e6, 1e6) + 0.5).astype(np.int32)
