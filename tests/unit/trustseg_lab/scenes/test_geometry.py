# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Perspective, depth and motion of rendered scenes against hand arithmetic."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from trustseg_lab.scenes import Drive, SceneFrame
from trustseg_lab.scenes.camera import Camera
from trustseg_lab.scenes.canvas import Canvas, Quad, premultiplied
from trustseg_lab.scenes.classes import POLE, ROAD, SKY

SIZE = (200, 300)
# 1 m is 400 px at 1 m distance; the principal point is (149.5, 99.5).
LEVEL = Camera(SIZE, 400.0, (0.0, 1.4, 0.0))


def board(x: float, top: float, z: float, width: float, height: float, label: int = POLE) -> Quad:
    """An upright opaque board facing the camera."""
    texture = premultiplied(np.full((32, 32, 3), 200.0), np.ones((32, 32)))
    return Quad((x, top, z), (width, 0, 0), (0, -height, 0), texture, label)


def test_projection_of_points_by_hand() -> None:
    # A point on the ground 14 m ahead, 0.7 m right: x = 149.5 + 400 * 0.7 / 14, y = 99.5 + 400 * 1.4 / 14.
    assert LEVEL.project(np.array([0.7, 0.0, 14.0])) == pytest.approx([169.5, 139.5, 14.0])
    # The same from 4 m further on.
    nearer = Camera(SIZE, 400.0, (0.0, 1.4, 4.0))
    assert nearer.project(np.array([0.7, 0.0, 14.0])) == pytest.approx([177.5, 155.5, 10.0])


def test_turns_have_the_stated_sense() -> None:
    ahead = np.array([0.0, 1.4, 10.0])
    right = Camera(SIZE, 400.0, (0.0, 1.4, 0.0), yaw=0.1).project(ahead)
    up = Camera(SIZE, 400.0, (0.0, 1.4, 0.0), pitch=0.1).project(ahead)
    assert right[0] == pytest.approx(149.5 - 400 * np.tan(0.1))  # turned right: what was ahead is left
    assert up[1] == pytest.approx(99.5 + 400 * np.tan(0.1))  # looking up: the horizon sinks


@pytest.mark.parametrize("distance", [5.0, 10.0, 20.0])
def test_a_board_shrinks_with_distance_and_carries_its_depth(distance: float) -> None:
    canvas = Canvas(LEVEL, SKY)
    canvas.draw([board(-0.5, 1.9, distance, 1.0, 1.0)])
    ys, xs = np.nonzero(canvas.labels == POLE)
    side = 400.0 / distance
    assert np.ptp(xs) + 1 == pytest.approx(side, abs=1.01)
    assert np.ptp(ys) + 1 == pytest.approx(side, abs=1.01)
    assert xs.mean() == pytest.approx(149.5, abs=0.51)
    assert 1 / canvas.inverse_depth[canvas.labels == POLE] == pytest.approx(distance, rel=1e-5)
    assert np.array_equal(canvas.inverse_depth > 0, canvas.labels == POLE)


def test_what_is_nearer_hides_what_is_farther_in_any_order() -> None:
    near, far = board(-0.2, 1.6, 4.0, 0.4, 0.4, label=1), board(-1.0, 2.4, 8.0, 2.0, 2.0, label=2)
    for quads in ([near, far], [far, near]):
        canvas = Canvas(LEVEL, SKY)
        canvas.draw(quads)
        assert canvas.labels[99, 149] == 1
        assert canvas.labels[99, 110] == 2


def test_a_slanted_wall_has_the_depth_of_its_plane() -> None:
    # The plane X = 2 from z = 2 to z = 22: a ray through pixel x meets it at z = 2 * 400 / (x - 149.5).
    wall = Quad((2.0, 3.0, 22.0), (0, 0, -20.0), (0, -3.0, 0), board(0, 0, 0, 1, 1).texture, POLE)
    canvas = Canvas(LEVEL, SKY)
    canvas.draw([wall])
    for x in (200, 240, 280):
        assert canvas.labels[100, x] == POLE
        assert 1 / canvas.inverse_depth[100, x] == pytest.approx(800 / (x - 149.5), rel=1e-5)


def test_nothing_is_drawn_from_behind_or_behind_the_camera() -> None:
    canvas = Canvas(LEVEL, SKY)
    back = Quad((0.5, 1.9, 5.0), (-1.0, 0, 0), (0, -1.0, 0), board(0, 0, 0, 1, 1).texture, POLE)
    canvas.draw([back, board(-0.5, 1.9, -5.0, 1.0, 1.0)])
    assert not (canvas.labels == POLE).any()


def test_a_wall_that_passes_the_camera_is_cut() -> None:
    wall = Quad((-2.0, 3.0, -6.0), (0, 0, 18.0), (0, -3.0, 0), board(0, 0, 0, 1, 1).texture, POLE)
    canvas = Canvas(LEVEL, SKY)
    canvas.draw([wall])
    xs = np.nonzero((canvas.labels == POLE).any(0))[0]
    # It runs from the left edge (z = 2 * 400 / 149.5 = 5.4 m) to its far end (x = 149.5 - 800 / 12 = 82.8).
    assert (xs[0], xs[-1]) == (0, 82)


@pytest.fixture(scope="module")
def pair() -> tuple[Drive, SceneFrame, SceneFrame]:
    drive = Drive(5, (240, 320))
    return drive, drive.frame(40), drive.frame(41)


def test_the_sky_and_only_the_sky_is_infinitely_far(pair: tuple[Drive, SceneFrame, SceneFrame]) -> None:
    for frame in pair[1:]:
        assert np.array_equal(np.isinf(frame.depth_m), frame.labels == SKY)
        assert frame.depth_m.min() > 0.2


def test_road_pixels_lie_in_the_plane_of_the_road(pair: tuple[Drive, SceneFrame, SceneFrame]) -> None:
    drive, frame, _ = pair
    camera = drive.camera(40)
    ys, xs = np.nonzero(frame.labels == ROAD)
    depth = frame.depth_m[ys, xs].astype(float)
    cx, cy = camera.center
    # Height above the road of the point at this depth, with the turns undone one by one: roll, then pitch.
    right, down = (xs - cx) / camera.focal_px, (ys - cy) / camera.focal_px
    up = -down * np.cos(camera.roll) - right * np.sin(camera.roll)
    height = camera.position[1] + depth * (np.sin(camera.pitch) + up * np.cos(camera.pitch))
    assert len(xs) > 10_000
    assert np.abs(height / depth).max() < 1e-4


def test_the_picture_of_the_road_moves_as_the_car_does(pair: tuple[Drive, SceneFrame, SceneFrame]) -> None:
    drive, before, after = pair
    here, there = drive.camera(41), drive.camera(40)
    assert here.position[2] - there.position[2] > 0.3
    ys, xs = np.nonzero((after.labels == ROAD) & (after.depth_m < 12))
    depth = after.depth_m[ys, xs].astype(float)[:, None]
    cx, cy = here.center
    rays = np.stack([(xs - cx) / here.focal_px, (ys - cy) / here.focal_px, np.ones(len(xs))], 1)
    world = (rays * depth) @ here.rotation() + np.array(here.position)
    old = there.project(world).astype(np.float32)
    gray = [cv2.cvtColor(f.image_rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) for f in (before, after)]
    fine = [g - cv2.GaussianBlur(g, (0, 0), 6) for g in gray]
    inside = (old[:, 0] > 0) & (old[:, 0] < 319) & (old[:, 1] > 0) & (old[:, 1] < 239)
    followed = cv2.remap(fine[0], old[inside, 0], old[inside, 1], cv2.INTER_LINEAR).ravel()
    now, still = fine[1][ys[inside], xs[inside]], fine[0][ys[inside], xs[inside]]
    matched = np.corrcoef(followed, now)[0, 1]
    assert matched > 0.5
    assert matched > np.corrcoef(still, now)[0, 1] + 0.2
