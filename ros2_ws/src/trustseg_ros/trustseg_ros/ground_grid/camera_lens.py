# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The lens of the newest camera_info, for masks of whatever size, of the raw or of the rectified image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sensor_msgs.msg import CameraInfo, Image

from trustseg.errors import InputError
from trustseg_ros.common.parameters import parameter
from trustseg_ros.ground_grid.projection import Lens
from trustseg_ros.segmenter.messages import scaled_camera_info


@dataclass(frozen=True)
class ImageSeen:
    """Parameters of a node that projects into masks: of which image they are, which a camera_info does not tell."""

    rectified: bool = parameter(
        False,
        "the masks are of a rectified image (image_proc's image_rect): camera_info's P holds for it, K, D and R do not",
    )


class CameraLens:
    """Keeps the newest camera_info, and its lens for masks of one size, which is made anew when either changes.

    Args:
        rectified: the masks are of the image that image_proc has rectified. Its camera_info is the raw image's, whose
            matrix K and distortion D no longer hold: the matrix is P's first three columns, and nothing is distorted.
    """

    def __init__(self, rectified: bool = False) -> None:
        self._rectified = rectified
        self._info: CameraInfo | None = None
        self._lens: Lens | None = None
        self._lens_of: Any = None

    def note(self, message: CameraInfo) -> None:
        """Take one camera_info."""
        self._info = message

    def of(self, mask: Image) -> Lens:
        """That of an image of the mask's size; the same object as long as nothing changes.

        Raises:
            InputError: no camera_info of the mask's frame_id with the matrix of its image has arrived, or its camera
                cannot be used.
        """
        size = (mask.height, mask.width)
        info = None if self._info is None else scaled_camera_info(self._info, mask.header, size)
        of = None if info is None else (size, *self._intrinsics(info))
        if of is None or self._info is None or self._info.header.frame_id != mask.header.frame_id or not of[1][0]:
            camera = mask.header.frame_id or "the camera"
            raise InputError(f"no camera_info with the matrix {'P ' if self._rectified else ''}of {camera} has arrived")
        if self._lens is None or of != self._lens_of:
            _, k, d, model = of
            self._lens, self._lens_of = Lens(size, np.reshape(k, (3, 3)), np.array(d, float), model), of
        return self._lens

    def _intrinsics(self, info: CameraInfo) -> tuple[tuple[float, ...], tuple[float, ...], str]:
        """Matrix of the mask's image (9,), row by row, coefficients and model of its distortion."""
        if self._rectified:
            return tuple(np.reshape(info.p, (3, 4))[:, :3].ravel().tolist()), (), ""
        return tuple(info.k), tuple(info.d), info.distortion_model
