# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cells by hand, for the camera of test_projection.py: free before a foot, unknown behind it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trustseg_ros.ground_grid.occupancy import FREE, OCCUPIED, UNKNOWN, GroundGrid
from trustseg_ros.ground_grid.projection import CameraMount, GridShape, Lens, footprints

K = np.array([[100.0, 0.0, 100.0], [0.0, 100.0, 60.0], [0.0, 0.0, 1.0]])
SIZE = (121, 201)
ROAD, CAR = 3, 8
SHAPE = GridShape(4.0, 12.0, 4.0, 1.0)


def grid(least: int = 128, most_unsure: float = 0.25, lowest_row: int = 121) -> GroundGrid:
    lens, mount = Lens(SIZE, K, np.zeros(5)), CameraMount(1.5)
    cells = footprints(SHAPE, lens, mount, pitch_error_deg=0.0, most_error_m=99.0, lowest_row=lowest_row)
    return GroundGrid(SHAPE, cells, [ROAD], least_confidence=least, most_unsure=most_unsure, lowest_row=lowest_row)


def scene() -> tuple[np.ndarray, np.ndarray]:
    """Road below the horizon, sky (class 0) above; sure everywhere."""
    labels = np.full(SIZE, ROAD, np.uint8)
    labels[:60] = 0
    return labels, np.full(SIZE, 255, np.uint8)


def test_an_empty_road_is_free() -> None:
    assert (grid().occupancy(*scene()) == FREE).all()


def test_before_at_and_behind_a_car() -> None:
    labels, sure = scene()
    # Rear of a car: its foot in row 79, 150/19 = 7.9 m ahead; the cell 7..8 has rows 79 to 81, the one before is clear
    # from row 80 on. y 0 to -1 there: columns 100 to 112.
    labels[60:80, 101:113] = CAR
    values = grid().occupancy(labels, sure)
    # Row y -1..0: free to 7; the edge at 8 m is in row 79 too, so both its cells have it; nothing is known behind them.
    assert values[1].tolist() == [FREE, FREE, FREE, OCCUPIED, OCCUPIED, UNKNOWN, UNKNOWN, UNKNOWN]
    # y 0..1 is not touched but where cells share the column of the edge: all free.
    assert values[2].tolist() == [FREE] * 8


def test_an_obstacle_within_the_error_of_its_distance_leaves_no_cell_free() -> None:
    labels, sure = scene()
    # Foot at row 78, of x = 150/18 = 8.33; the cell 7..8 ends at row 78.75 -> 79, clear at 60+150/(8+.44) = 77.8 -> 78.
    labels[60:79, 101:113] = CAR
    values = grid().occupancy(labels, sure)[1].tolist()
    assert values[:5] == [FREE, FREE, FREE, UNKNOWN, OCCUPIED]


def test_what_the_network_is_not_sure_of_is_unknown() -> None:
    labels, sure = scene()
    cells = grid().cells
    top, bottom, left, right = (int(part[2, 2]) for part in (cells.top, cells.bottom, cells.left, cells.right))
    area = (bottom - top + 1) * (right - left + 1)
    block = sure[top : bottom + 1, left : right + 1]
    rows = int(0.25 * (bottom - top + 1))
    block[:rows] = 127
    assert rows * block.shape[1] <= 0.25 * area
    assert grid().occupancy(labels, sure)[2, 2] == FREE
    block[: rows + 2] = 127
    assert grid().occupancy(labels, sure)[2, 2] == UNKNOWN
    labels[60:121, left:right] = CAR
    sure[:] = 127
    assert (grid().occupancy(labels, sure) == UNKNOWN).all()


def test_the_bonnet_is_neither_obstacle_nor_ground() -> None:
    labels, sure = scene()
    labels[95:] = CAR
    assert (grid().occupancy(labels, sure) != FREE).all()
    values = grid(lowest_row=95).occupancy(labels, sure)
    # Rows up to 94 show x >= 150 / 34.5 = 4.35: the first cell is not all seen.
    assert (values[:, 0] == UNKNOWN).all()
    assert (values[:, 1:] == FREE).all()


def test_classes_of_cells() -> None:
    labels, sure = scene()
    labels[60:80, 100:113] = CAR
    made = grid()
    classes = made.classes(labels, made.occupancy(labels, sure))
    assert classes[1].tolist() == [ROAD, ROAD, ROAD, CAR, CAR, UNKNOWN, UNKNOWN, UNKNOWN]


def test_free_distance_of_the_corridor() -> None:
    labels, sure = scene()
    made = grid()
    found = made.free_distance(made.occupancy(labels, sure), 2.0)
    assert (found.from_m, found.to_m, found.free_m) == (4.0, 12.0, 12.0)
    labels[60:80, 101:113] = CAR
    assert made.free_distance(made.occupancy(labels, sure), 2.0).free_m == 7.0
    labels[60:121, 101:113] = CAR
    assert made.free_distance(made.occupancy(labels, sure), 2.0).free_m == 0.0
    # Beside the corridor it does not count: y -2..-1 at 7.5 m is right of column 117.
    labels, sure = scene()
    labels[60:81, 118:126] = CAR
    assert made.free_distance(made.occupancy(labels, sure), 2.0).free_m == 12.0


def test_nothing_seen_is_no_distance() -> None:
    made = grid(lowest_row=61)
    assert made.free_distance(np.full(SHAPE.size, UNKNOWN, np.int8), 2.0).free_m == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 120), st.integers(0, 200), st.integers(1, 30), st.integers(1, 30)), max_size=4)
)
def test_no_cell_with_an_obstacles_foot_is_ever_free(boxes: list[tuple[int, int, int, int]]) -> None:
    labels, sure = scene()
    for row, column, height, width in boxes:
        labels[row : row + height, column : column + width] = CAR
    made = grid()
    values, cells = made.occupancy(labels, sure), made.cells
    for index in np.ndindex(values.shape):
        columns = labels[60:, cells.left[index] : cells.right[index] + 1] != ROAD
        foot = 60 + np.flatnonzero(columns.any(axis=1)).max(initial=-1)
        if foot >= cells.clear[index]:
            assert values[index] != FREE
        if values[index] == OCCUPIED:
            assert cells.top[index] <= foot <= cells.bottom[index]


def test_a_scene_that_is_all_obstacle_or_all_void_is_never_free() -> None:
    for value in (CAR, 255):
        values = grid().occupancy(np.full(SIZE, value, np.uint8), np.full(SIZE, 255, np.uint8))
        assert (values != FREE).all()
