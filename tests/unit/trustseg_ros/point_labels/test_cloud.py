# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Clouds byte by byte: padded rows and points, both byte orders, double precision, and what is no cloud."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import PointCloud2, PointField

from trustseg.errors import InputError
from trustseg_ros.point_labels.cloud import places, with_labels

POINTS = [(1.0, 2.0, 3.0, 7), (-4.0, 5.5, 0.25, 8), (0.0, float("inf"), -1.0, 9), (10.0, 20.0, 30.0, 200)]


def cloud(order: str = "<", kind: str = "f", columns: int = 2, row_padding: int = 3, **changes: Any) -> PointCloud2:
    """Two rows of two points: ring (uint8), a byte of nothing, then z, y, x: nothing is where one expects it."""
    size = struct.calcsize(kind)
    datatype = PointField.FLOAT32 if kind == "f" else PointField.FLOAT64
    data = b""
    for number, (x, y, z, ring) in enumerate(POINTS):
        data += struct.pack(f"{order}BB3{kind}", ring, 0xEE, z, y, x)
        if number % columns == columns - 1:
            data += b"\xdd" * row_padding
    step = 2 + 3 * size
    message = PointCloud2(
        height=len(POINTS) // columns, width=columns, point_step=step, row_step=step * columns + row_padding,
        is_bigendian=order == ">", is_dense=False, data=data,
    )  # fmt: skip
    message.header.frame_id, message.header.stamp.sec = "lidar", 12
    message.fields = [PointField(name="ring", offset=0, datatype=PointField.UINT8, count=1)] + [
        PointField(name=name, offset=2 + number * size, datatype=datatype, count=1) for number, name in enumerate("zyx")
    ]
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["f", "d"])
def test_places_are_read_in_every_layout(order: str, kind: str) -> None:
    expected = [point[:3] for point in POINTS]
    assert places(cloud(order, kind)).tolist() == [list(each) for each in expected]
    assert places(cloud(order, kind, columns=4, row_padding=0)).tolist() == [list(each) for each in expected]


@pytest.mark.parametrize("order", ["<", ">"])
def test_two_fields_more_and_all_else_as_it_was(order: str) -> None:
    given = cloud(order)
    before = bytes(given.data)
    made = with_labels(given, np.array([3, 8, 255, 0], np.uint8), np.array([0.5, 0.25, 0.0, 1.0], np.float32))
    assert bytes(given.data) == before
    # 14 bytes of a point, 2 of nothing, the confidence at 16, the class at 20, 3 of nothing.
    assert (made.point_step, made.row_step, made.height, made.width) == (24, 48, 2, 2)
    assert [(f.name, f.offset, f.datatype) for f in made.fields[-2:]] == [
        ("confidence", 16, PointField.FLOAT32), ("class", 20, PointField.UINT8),
    ]  # fmt: skip
    assert made.fields[:-2] == given.fields
    assert (made.header, made.is_bigendian, made.is_dense) == (given.header, order == ">", False)
    rows = [struct.unpack(f"{order}BB3fxxfBxxx", bytes(made.data)[24 * n : 24 * n + 24]) for n in range(4)]
    assert [(ring, x, y, z) for ring, _, z, y, x, _, _ in rows] == [(r, x, y, z) for x, y, z, r in POINTS]
    assert [(confidence, class_id) for *_, confidence, class_id in rows] == [(0.5, 3), (0.25, 8), (0.0, 255), (1.0, 0)]
    assert np.array_equal(places(made), places(given))


def test_a_cloud_without_points_stays_one() -> None:
    empty = cloud(height=1, width=0, row_step=0, data=b"")
    assert places(empty).shape == (0, 3)
    made = with_labels(empty, np.empty(0, np.uint8), np.empty(0, np.float32))
    assert (len(made.data), made.point_step, len(made.fields)) == (0, 24, 6)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"fields": []}, "expected fields x, y and z of float32 or float64, got no fields"),
        ({"fields": [PointField(name=n, offset=0, datatype=PointField.INT16, count=1) for n in "xyz"]}, "got x, y, z"),
        ({"fields": [PointField(name=n, offset=0, datatype=7, count=4) for n in "xyz"]}, "got x, y, z"),
        ({"fields": [PointField(name=n, offset=12, datatype=7, count=1) for n in "xyz"]}, "4 bytes at 12"),
        ({"data": b"\x00" * 61}, "got rows of 31 and 61 bytes"),
        ({"row_step": 27}, "at least 28 bytes, got rows of 27"),
        ({"width": 1_000_000}, "at least 14000000 bytes"),
        ({"width": 1 << 30, "height": 1 << 30, "point_step": 0, "row_step": 0, "data": b""}, "4 bytes at"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_it_is(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match="point cloud") as refused:
        places(cloud(**changes))
    assert words in str(refused.value)


def test_fields_that_are_there_already_are_not_written_over() -> None:
    nothing = np.zeros(4, np.uint8), np.zeros(4, np.float32)
    with pytest.raises(InputError, match="no field named class or confidence, got confidence and class"):
        with_labels(with_labels(cloud(), *nothing), *nothing)
