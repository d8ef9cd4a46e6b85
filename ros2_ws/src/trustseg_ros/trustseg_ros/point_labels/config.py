# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the point labels' node: above all where the camera is, seen from the sensor that makes the clouds."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg_ros.common.parameters import ParameterError, parameter
from trustseg_ros.common.transforms import MountFromTf
from trustseg_ros.ground_grid.camera_lens import ImageSeen
from trustseg_ros.ground_grid.projection import CameraMount


@dataclass(frozen=True)
class PointLabelsConfig(MountFromTf, ImageSeen):
    """Parameters of the point labels `trustseg_point_labels`."""

    cloud_frame: str = parameter(
        "",
        "frame_id of the clouds, in whose axes (x ahead, y left, z up) the camera's place is given; must be given "
        "unless tf says it",
    )
    camera_x_m: float = parameter(0.0, "camera ahead of the origin of the clouds, m", minimum=-50.0, maximum=50.0)
    camera_y_m: float = parameter(0.0, "camera to the left of it, m", minimum=-50.0, maximum=50.0)
    camera_z_m: float = parameter(0.0, "camera above it, m", minimum=-50.0, maximum=50.0)
    camera_roll_deg: float = parameter(0.0, "roll of the camera (REP 103), degrees", minimum=-180.0, maximum=180.0)
    camera_pitch_deg: float = parameter(
        0.0, "pitch of the camera, positive looks down, degrees", minimum=-90.0, maximum=90.0
    )
    camera_yaw_deg: float = parameter(
        0.0, "yaw of the camera, positive looks left, degrees", minimum=-180.0, maximum=180.0
    )
    max_stamp_difference_ms: float = parameter(
        50.0, "largest difference of the stamps of cloud and mask, ms", minimum=0.0, maximum=1000.0
    )
    simulation: bool = parameter(False, "also believe verdicts on recorded or simulated frames: never in a vehicle")
    autostart: bool = parameter(False, "configure and activate at start, without a lifecycle manager")

    @property
    def mount(self) -> CameraMount | None:
        """Where the camera is in the axes of the clouds; None: tf says it.

        Raises:
            ParameterError: nobody said whose axes these are, or tf says it too.
        """
        self.check_mount_is_said_once(
            self.camera_x_m, self.camera_y_m, self.camera_z_m, self.camera_roll_deg, self.camera_pitch_deg,
            self.camera_yaw_deg,
        )  # fmt: skip
        if self.mount_from_tf:
            return None
        if not self.cloud_frame:
            raise ParameterError(
                "parameter cloud_frame", expected="the frame_id of the clouds", got="nothing",
                fix="give it with the camera's place in its axes: every label follows from them",
            )  # fmt: skip
        return CameraMount(
            self.camera_z_m, self.camera_x_m, self.camera_y_m, self.camera_roll_deg, self.camera_pitch_deg,
            self.camera_yaw_deg,
        )  # fmt: skip
