# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The grid against the exact geometry of rendered drives: depth says where each pixel is."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg_lab.scenes.classes import PAVEMENT, ROAD
from trustseg_lab.scenes.drive import Drive
from trustseg_ros.ground_grid.occupancy import FREE, OCCUPIED, GroundGrid
from trustseg_ros.ground_grid.projection import CameraMount, GridShape, Lens, footprints

SHAPE = GridShape(3.0, 23.0, 12.0, 0.5)
SURE, FOOT_M = 255, 0.3


def grid_of(drive: Drive, k: int) -> tuple[GroundGrid, np.ndarray, np.ndarray]:
    """(grid, its occupancy, ground points of every pixel with their height: (H, W, 3) in the vehicle's axes)."""
    camera, frame = drive.camera(k), drive.frame(k)
    # The vehicle's axes are the camera's heading on the ground; the renderer's pitch and roll look up and to the left.
    mount = CameraMount(
        camera.position[1], roll_deg=float(np.degrees(camera.roll)), pitch_deg=-float(np.degrees(camera.pitch))
    )
    lens = Lens(drive.size, camera.intrinsics(), np.zeros(5))
    cells = footprints(
        SHAPE, lens, mount, pitch_error_deg=0.0, most_error_m=9.0, lowest_row=drive.size[0], foot_m=FOOT_M
    )
    made = GroundGrid(
        SHAPE, cells, [ROAD, PAVEMENT], least_confidence=128, most_unsure=0.25, lowest_row=drive.size[0]
    )  # fmt: skip
    dx, dy, dz = (part.astype(np.float64) for part in camera.rays())
    depth = frame.depth_m.astype(np.float64)
    depth[np.isinf(depth)] = 1e6  # the sky
    right = dx * depth * np.cos(camera.yaw) - dz * depth * np.sin(camera.yaw)
    ahead = dx * depth * np.sin(camera.yaw) + dz * depth * np.cos(camera.yaw)
    points = np.stack([ahead, -right, camera.position[1] + dy * depth], axis=-1)
    return made, made.occupancy(frame.labels, np.full(drive.size, SURE, np.uint8)), points


@pytest.mark.parametrize("seed", [3, 8])
@pytest.mark.slow
def test_ground_that_is_seen_is_free_and_no_foot_is(seed: int) -> None:
    drive = Drive(seed, (180, 240))
    k = 7
    made, values, points = grid_of(drive, k)
    labels = drive.frame(k).labels
    column = np.floor((points[..., 0] - SHAPE.from_m) / SHAPE.cell_m)
    row = np.floor((points[..., 1] - SHAPE.right_m) / SHAPE.cell_m)
    inside = (column >= 0) & (column < SHAPE.size[1]) & (row >= 0) & (row < SHAPE.size[0])
    low = np.abs(points[..., 2]) < 0.02
    ground = np.isin(labels, (ROAD, PAVEMENT)) & low & inside
    shown = np.zeros(SHAPE.size, np.int64)
    np.add.at(shown, (row[ground].astype(int), column[ground].astype(int)), 1)
    # Something that stands inside a cell: a pixel of it within 0.3 m of the road.
    feet = ~np.isin(labels, (ROAD, PAVEMENT)) & (points[..., 2] < FOOT_M) & inside
    standing = np.zeros(SHAPE.size, bool)
    standing[row[feet].astype(int), column[feet].astype(int)] = True
    seen = made.cells.seen
    assert (standing & seen).sum() >= 5
    assert (values[standing & seen] != FREE).all()
    assert (values[standing & seen] == OCCUPIED).any()
    # Road that is seen and known to half a metre is free, or within the error of an obstacle's distance.
    near = seen & (made.cells.error_m < 0.5) & (shown >= 4) & ~standing
    assert near.sum() >= 100
    assert (values[near] == FREE).mean() > 0.9
    assert (values[near] != OCCUPIED).all()
