# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a CameraInfo says of the image that it goes with, and whether frames have the one that they need (fault 28).

sensor_msgs/CameraInfo speaks of the whole sensor: its size and matrices hold for the full resolution, and the image is
the window `roi` of it, in pixels of the sensor, of which `binning` makes one out of several.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.bounds import Bounds
from trustseg.camera.model import CameraModel
from trustseg.errors import FrameRejected, InputError, TrustSegError
from trustseg.frames.layout import FrameLimits, check_dimensions
from trustseg.reasons import Reason
from trustseg.types import Frame

Matrix = npt.NDArray[np.float64]


def image_size(info: Any) -> tuple[int, int] | None:
    """(height, width) of the image, pixels; None where the window is not one of the sensor."""
    left, top, width, height = (int(each) for each in _window(info))
    if not width or not height or left + width > info.width or top + height > info.height:
        return None if (info.width, info.height) != (0, 0) or width or height else (0, 0)
    across, down = _binning(info)
    return height // down, width // across


def image_matrices(info: Any) -> tuple[Matrix, Matrix]:
    """K (9,) and P (12,) of the image, row by row: moved to the window's corner, then resized with the pixels.

    The distortion D acts before K, on coordinates that know no pixels, and stays; so do the zeros of a camera that is
    not calibrated (K[0] is 0).
    """
    k, p = np.array(info.k, np.float64), np.array(info.p, np.float64)
    left, top, _, _ = _window(info)
    across, down = _binning(info)
    for matrix, columns in ((k, 3), (p, 4)):
        if matrix[0]:
            matrix[2] -= left
            matrix[columns + 2] -= top
    return resized(k, 1 / across, 1 / down), resized(p, 1 / across, 1 / down)


def resized(matrix: Matrix, across: float, down: float) -> Matrix:
    """K (9,) or P (12,) of the same image with so many times the pixels.

    The centre of its first pixel is at 0, as OpenCV and every calibration have it, so that the image begins at -0.5 and
    stays there; the zeros of a camera that is not calibrated stay too.
    """
    columns = len(matrix) // 3
    made = matrix * np.repeat([across, down, 1.0], columns)
    if matrix[0]:
        made[2] = (matrix[2] + 0.5) * across - 0.5
        made[columns + 2] = (matrix[columns + 2] + 0.5) * down - 0.5
    return made


def camera_model(info: Any) -> CameraModel:
    """Calibration of the image.

    Raises:
        InputError: the window is not one of the sensor, the camera is not calibrated, or OpenCV knows no such model.
    """
    size = image_size(info)
    if size is None:
        raise InputError("camera_info", expected="a roi within the sensor", got=f"{_window(info)} x, y, width, height")
    k, p = image_matrices(info)
    return CameraModel.of(size, info.distortion_model, info.d, k.tolist(), info.r, p.tolist())


def _window(info: Any) -> tuple[int, int, int, int]:
    """(left, top, width, height) of the window, pixels of the sensor; a window without a size is all of it."""
    roi = info.roi
    if not roi.width and not roi.height:
        return 0, 0, info.width, info.height
    return roi.x_offset, roi.y_offset, roi.width, roi.height


def _binning(info: Any) -> tuple[int, int]:
    """(across, down): pixels of the sensor for one of the image; 0 means 1."""
    return info.binning_x or 1, info.binning_y or 1


class CameraInfoCheck:
    """Keeps the newest CameraInfo of one stream.

    Args:
        required: frames without one of their own are CAMERA_INFO.
        bounds: how long one may be missing: as long as low rates are judged over.
        now_ns: the stream's begin, steady clock.
        prepare: where images are undistorted: called with each new calibration, before a frame meets it; raises where
            it cannot be used. Frames need a camera info then.
        max_pixels: of the largest image that is taken; nothing is prepared for a larger one.
    """

    def __init__(
        self, required: bool, bounds: Bounds, now_ns: int, prepare: Callable[[CameraModel], None] | None = None,
        max_pixels: int = FrameLimits.max_pixels,
    ) -> None:  # fmt: skip
        self._required, self._limit_ns = required or prepare is not None, bounds.rate_window_ns
        self._at_ns = now_ns
        self.newest: Any = None
        self._size: tuple[int, int] | None = None
        self._prepare, self._limits = prepare, FrameLimits(max_pixels=max_pixels)
        self._calibration: CameraModel | None = None
        self._problem: tuple[Reason, str] | None = None

    def note(self, message: Any, now_ns: int) -> None:
        """Take one CameraInfo."""
        self.newest, self._at_ns = message, now_ns
        self._size = image_size(message) if self._required else None
        if self._prepare is not None:
            self._calibrate(message, self._prepare)

    def _calibrate(self, message: Any, prepare: Callable[[CameraModel], None]) -> None:
        try:
            model = camera_model(message)
            if model != self._calibration:
                self._check_size(model)
                prepare(model)
        except Exception as error:
            # Numbers of any driver: what OpenCV or NumPy make of them ends no callback, and with it the process.
            reason = Reason(error.reason) if isinstance(error, FrameRejected) else Reason.CAMERA_INFO
            text = str(error) if isinstance(error, TrustSegError) else f"{type(error).__name__}: {error}"
            self._calibration, self._problem = None, (reason, " ".join(text.split()))
        else:
            self._calibration, self._problem = model, None

    def _check_size(self, model: CameraModel) -> None:
        """Maps of a size that no image has would take all of the memory."""
        try:
            check_dimensions(*model.size, self._limits)
        except FrameRejected as error:
            raise InputError("size in camera_info", expected=error.expected, got=error.got) from None

    @property
    def model(self) -> CameraModel | None:
        """Calibration of the newest CameraInfo; None where none has come, or images are not undistorted.

        Raises:
            FrameRejected: the newest one cannot be used (CAMERA_INFO), or what it was prepared for, with its reason.
        """
        if self._problem is not None:
            reason, why = self._problem
            raise FrameRejected(reason, f"the image cannot be undistorted: {why}")
        return self._calibration

    def reasons(self, frame: Frame, now_ns: int) -> Reason:
        """CAMERA_INFO when one is required and missing for too long, of another image size or of another frame_id."""
        if not self._required:
            return Reason.NONE
        info = self.newest
        fits = info is None or (self._size == frame.image.shape[:2] and info.header.frame_id == frame.frame_id)
        return Reason.NONE if fits and now_ns - self._at_ns <= self._limit_ns else Reason.CAMERA_INFO
