# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lens of the newest camera_info, for masks of whatever size."""

from __future__ import annotations

from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, Image

from trustseg.errors import InputError
from trustseg_ros.ground_grid.projection import Lens
from trustseg_ros.segmenter.messages import scaled_camera_info


class CameraLens:
    """Keeps the newest camera_info, and its lens for masks of one size, which is made anew when either changes."""

    def __init__(self) -> None:
        self._info: CameraInfo | None = None
        self._lens: Lens | None = None
        self._lens_of: Any = None

    def note(self, message: CameraInfo) -> None:
        """Take one camera_info."""
        self._info = message

    def of(self, mask: Image) -> Lens:
        """That of an image of the mask's size; the same object as long as nothing changes.

        Raises:
            InputError: no camera_info of the mask's frame_id with a matrix has arrived, or its camera cannot be used.
        """
        size = (mask.height, mask.width)
        info = None if self._info is None else scaled_camera_info(self._info, mask.header, size)
        if info is None or self._info is None or self._info.header.frame_id != mask.header.frame_id or not info.k[0]:
            camera = mask.header.frame_id or "the camera"
            raise InputError(f"no camera_info with the matrix of {camera} has arrived")
        of = (size, tuple(info.k), tuple(info.d), info.distortion_model)
        if self._lens is None or of != self._lens_of:
            self._lens = Lens(size, np.reshape(info.k, (3, 3)), np.array(info.d, float), info.distortion_model)
            self._lens_of = of
        return self._lens
