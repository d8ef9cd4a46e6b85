# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The camera's place is believed for one frame of clouds, which must be named."""

from __future__ import annotations

import pytest

from trustseg_ros.common.parameters import ParameterError
from trustseg_ros.ground_grid.projection import CameraMount
from trustseg_ros.point_labels.config import PointLabelsConfig


def test_whose_axes_the_cameras_place_is_in_must_be_said() -> None:
    with pytest.raises(ParameterError, match="parameter cloud_frame, expected the frame_id of the clouds"):
        _ = PointLabelsConfig(camera_x_m=1.0).mount


def test_place_and_angles_are_the_cameras() -> None:
    config = PointLabelsConfig(
        cloud_frame="lidar", camera_x_m=1.0, camera_y_m=2.0, camera_z_m=-3.0, camera_roll_deg=4.0, camera_pitch_deg=5.0,
        camera_yaw_deg=6.0,
    )  # fmt: skip
    assert config.mount == CameraMount(-3.0, 1.0, 2.0, 4.0, 5.0, 6.0)


@pytest.mark.parametrize("name", ["x_m", "y_m", "z_m", "roll_deg", "pitch_deg", "yaw_deg"])
def test_tf_or_the_parameters_say_where_the_camera_is_and_never_both(name: str) -> None:
    assert PointLabelsConfig(mount_from_tf=True).mount is None
    assert PointLabelsConfig(mount_from_tf=True, cloud_frame="lidar").mount is None
    with pytest.raises(ParameterError, match="mount_from_tf"):
        _ = PointLabelsConfig(mount_from_tf=True, **{f"camera_{name}": 1.0}).mount
