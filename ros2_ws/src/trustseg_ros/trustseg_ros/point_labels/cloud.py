# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""sensor_msgs/PointCloud2: reading the places of its points, and the same cloud with two more fields."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import PointCloud2, PointField

from trustseg.errors import InputError
from trustseg.types import Float32Array, UInt8Array

Float64 = npt.NDArray[np.float64]
CLASS, CONFIDENCE = "class", "confidence"
FLOATS = {PointField.FLOAT32: "f4", PointField.FLOAT64: "f8"}
WORD = 4  # new fields begin at a multiple of it, as readers that map points to structs want


def places(cloud: PointCloud2) -> Float64:
    """Metres in the cloud's own axes, float64 (points, 3), row by row of an organised cloud.

    Raises:
        InputError: no fields x, y and z of floating point, or the data are not as long as the sizes say.
    """
    fields = {field.name: field for field in cloud.fields}
    rows = _rows(cloud)
    parts = []
    for name in ("x", "y", "z"):
        field = fields.get(name)
        kind = None if field is None else FLOATS.get(field.datatype)
        if field is None or kind is None or field.count > 1:
            found = ", ".join(fields) or "no fields"
            raise InputError("point cloud", expected="fields x, y and z of float32 or float64", got=found)
        size = np.dtype(kind).itemsize
        if field.offset + size > cloud.point_step:
            raise InputError(
                f"field {name} of a point cloud", expected=f"within the {cloud.point_step} bytes of a point",
                got=f"{size} bytes at {field.offset}",
            )  # fmt: skip
        points = rows.reshape(cloud.height, cloud.width, cloud.point_step)
        bytes_ = np.ascontiguousarray(points[..., field.offset : field.offset + size])
        parts.append(bytes_.view(f"{_order(cloud)}{kind}").astype(np.float64).reshape(-1))
    return np.stack(parts, axis=-1)


def with_labels(cloud: PointCloud2, classes: UInt8Array, confidence: Float32Array) -> PointCloud2:
    """The cloud with the fields `class` (uint8) and `confidence` (float32) behind those that it has.

    Args:
        cloud: untouched. classes: (points,), ids. confidence: (points,), 0..1.

    Raises:
        InputError: it has a field of one of these names, or its data are not as long as the sizes say.
    """
    taken = [field.name for field in cloud.fields if field.name in (CLASS, CONFIDENCE)]
    if taken:
        raise InputError("point cloud", expected=f"no field named {CLASS} or {CONFIDENCE}", got=" and ".join(taken))
    old, start = cloud.point_step, -(-cloud.point_step // WORD) * WORD
    step = start + 2 * WORD
    points = np.zeros((cloud.height, cloud.width, step), np.uint8)
    if points.size:
        points[..., :old] = _rows(cloud).reshape(cloud.height, cloud.width, old)
        shape = (cloud.height, cloud.width, 1)
        points[..., start : start + WORD] = confidence.astype(f"{_order(cloud)}f4").reshape(shape).view(np.uint8)
        points[..., start + WORD :][..., :1] = classes.reshape(shape)
    made = PointCloud2(
        header=cloud.header, height=cloud.height, width=cloud.width, is_bigendian=cloud.is_bigendian, point_step=step,
        row_step=step * cloud.width, is_dense=cloud.is_dense,
    )  # fmt: skip
    made.fields = [
        *cloud.fields,
        PointField(name=CONFIDENCE, offset=start, datatype=PointField.FLOAT32, count=1),
        PointField(name=CLASS, offset=start + WORD, datatype=PointField.UINT8, count=1),
    ]
    # rclpy takes an array.array as it is; every other type costs a copy element by element.
    made.data = array.array("B", points.tobytes())
    return made


def _order(cloud: Any) -> str:
    return ">" if cloud.is_bigendian else "<"


def _rows(cloud: PointCloud2) -> UInt8Array:
    """uint8 (height, width x point_step), a view without what pads the rows."""
    needed = cloud.width * cloud.point_step
    if cloud.row_step < needed or len(cloud.data) < cloud.row_step * cloud.height:
        raise InputError(
            "point cloud", expected=f"{cloud.height} rows of at least {needed} bytes",
            got=f"rows of {cloud.row_step} and {len(cloud.data)} bytes",
        )  # fmt: skip
    whole = np.frombuffer(memoryview(cloud.data), np.uint8)[: cloud.row_step * cloud.height]
    return whole.reshape(cloud.height, cloud.row_step)[:, :needed]
