# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parameters of the ground grid's node, and what the geometry makes of them."""

from __future__ import annotations

from dataclasses import dataclass

from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.errors import InputError
from trustseg_ros.common.parameters import ParameterError, parameter
from trustseg_ros.common.transforms import MountFromTf
from trustseg_ros.ground_grid.camera_lens import ImageSeen
from trustseg_ros.ground_grid.projection import CameraMount, GridShape

MOST_CELLS = 1_000_000


@dataclass(frozen=True)
class GroundGridConfig(MountFromTf, ImageSeen):
    """Parameters of the ground grid `trustseg_ground_grid`."""

    bundle: str = parameter(DEFAULT_BUNDLE, "bundle that the segmentation node runs: its class names are taken")
    light_bundle: str = parameter("", "light bundle that it runs beside it; empty: none")
    free_classes: str = parameter("road", "names of the classes that can be driven on, with commas")
    base_frame: str = parameter("base_link", "frame_id of the grid: x ahead, y left, on the ground (REP 103)")
    camera_height_m: float = parameter(
        0.0, "height of the camera above the ground, m; must be given unless tf says it", minimum=0.0, maximum=20.0
    )
    camera_x_m: float = parameter(0.0, "camera ahead of the base frame, m", minimum=-50.0, maximum=50.0)
    camera_y_m: float = parameter(0.0, "camera to the left of the base frame, m", minimum=-50.0, maximum=50.0)
    camera_roll_deg: float = parameter(0.0, "roll of the camera (REP 103), degrees", minimum=-45.0, maximum=45.0)
    camera_pitch_deg: float = parameter(
        0.0, "pitch of the camera, positive looks down, degrees", minimum=-45.0, maximum=80.0
    )
    camera_yaw_deg: float = parameter(
        0.0, "yaw of the camera, positive looks left, degrees", minimum=-180.0, maximum=180.0
    )
    pitch_error_deg: float = parameter(
        0.5, "bound of the error of the pitch while driving, slopes included, degrees", minimum=0.0, maximum=20.0
    )
    max_error_m: float = parameter(
        3.0, "cells whose distance may be wrong by more stay unknown, m", minimum=0.01, maximum=1000.0
    )
    obstacle_foot_m: float = parameter(
        0.25, "how high above the road the lowest visible part of an obstacle may be (kerb, underbody), m",
        minimum=0.0, maximum=1.0,
    )  # fmt: skip
    from_m: float = parameter(0.0, "where the grid begins ahead of the base frame, m", minimum=-100.0, maximum=1000.0)
    to_m: float = parameter(40.0, "where the grid ends, m", minimum=-100.0, maximum=1000.0)
    width_m: float = parameter(20.0, "width of the grid, m", minimum=0.1, maximum=1000.0)
    cell_m: float = parameter(0.2, "edge of a cell, m", minimum=0.01, maximum=10.0)
    corridor_width_m: float = parameter(2.5, "width of the corridor of ~/free_distance, m", minimum=0.1, maximum=100.0)
    min_confidence: float = parameter(
        0.7, "calibrated confidence below which a pixel is not known", minimum=0.0, maximum=1.0
    )
    max_unsure_share: float = parameter(
        0.25, "share of a cell's pixels below min_confidence from which on it is unknown", minimum=0.0, maximum=1.0
    )
    visible_share: float = parameter(
        1.0, "share of the image's height, from the top, above the vehicle's own bonnet", minimum=0.01, maximum=1.0
    )
    simulation: bool = parameter(False, "also believe verdicts on recorded or simulated frames: never in a vehicle")
    autostart: bool = parameter(False, "configure and activate at start, without a lifecycle manager")

    @property
    def mount(self) -> CameraMount | None:
        """Where the camera is; None: tf says it.

        Raises:
            ParameterError: its height was not given, or given although tf says it.
        """
        self.check_mount_is_said_once(
            self.camera_height_m, self.camera_x_m, self.camera_y_m, self.camera_roll_deg, self.camera_pitch_deg,
            self.camera_yaw_deg,
        )  # fmt: skip
        if self.mount_from_tf:
            return None
        if not self.camera_height_m > 0:
            raise ParameterError(
                "parameter camera_height_m", expected="the height of the camera above the ground, m", got="0",
                fix="measure it and give it, every distance follows from it; or take it from tf (mount_from_tf)",
            )  # fmt: skip
        return CameraMount(
            self.camera_height_m, self.camera_x_m, self.camera_y_m, self.camera_roll_deg, self.camera_pitch_deg,
            self.camera_yaw_deg,
        )  # fmt: skip

    @property
    def shape(self) -> GridShape:
        """The grid.

        Raises:
            ParameterError: it ends where it begins, or has too many cells.
        """
        shape = GridShape(self.from_m, self.to_m, self.width_m, self.cell_m)
        if self.to_m <= self.from_m:
            raise ParameterError("parameter to_m", expected=f"more than from_m ({self.from_m:g})", got=f"{self.to_m:g}")
        rows, columns = shape.size
        if rows * columns > MOST_CELLS:
            raise ParameterError(
                "parameter cell_m", expected=f"at most {MOST_CELLS} cells", got=f"{columns} x {rows} cells",
                fix="take larger cells or a smaller grid",
            )  # fmt: skip
        return shape

    def free_ids(self, names: dict[str, int]) -> list[int]:
        """Ids of the free classes among a bundle's `names`.

        Raises:
            InputError: a name that the bundle does not have, or none at all.
        """
        wanted = [name.strip() for name in self.free_classes.split(",") if name.strip()]
        unknown = [name for name in wanted if name not in names]
        if unknown or not wanted:
            expected = f"some of {', '.join(names)}"
            raise InputError("parameter free_classes", expected=expected, got=", ".join(unknown) or "no class")
        return [names[name] for name in wanted]
