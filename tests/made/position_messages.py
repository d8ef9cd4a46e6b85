# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Messages that say where a vehicle is, for the bags of `bag_factory`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bag_factory import STORE

STRAIGHT = (0.0, 0.0, 0.0, 1.0)


def _type(name: str) -> Any:
    return STORE.types[name]


def _header(stamp_ns: int, frame: str) -> Any:
    stamp = _type("builtin_interfaces/msg/Time")(sec=stamp_ns // 10**9, nanosec=stamp_ns % 10**9)
    return _type("std_msgs/msg/Header")(stamp=stamp, frame_id=frame)


def fix(stamp_ns: int, latitude: float, longitude: float, status: int = 0) -> tuple[int, str, Any]:
    """NavSatFix; status -1 says that there is no fix."""
    kind = "sensor_msgs/msg/NavSatFix"
    message = _type(kind)(
        header=_header(stamp_ns, "gps"), status=_type("sensor_msgs/msg/NavSatStatus")(status=status, service=1),
        latitude=latitude, longitude=longitude, altitude=0.0, position_covariance=np.zeros(9),
        position_covariance_type=0,
    )  # fmt: skip
    return stamp_ns, kind, message


def _point(x: float, y: float) -> Any:
    return _type("geometry_msgs/msg/Point")(x=x, y=y, z=0.0)


def _turn(quaternion: tuple[float, float, float, float]) -> Any:
    return _type("geometry_msgs/msg/Quaternion")(**dict(zip("xyzw", quaternion, strict=True)))


def odometry(stamp_ns: int, x: float, y: float, frame: str = "odom") -> tuple[int, str, Any]:
    """Odometry that stands still."""
    kind, still = "nav_msgs/msg/Odometry", _type("geometry_msgs/msg/Vector3")(x=0.0, y=0.0, z=0.0)
    message = _type(kind)(
        header=_header(stamp_ns, frame), child_frame_id="base_link",
        pose=_type("geometry_msgs/msg/PoseWithCovariance")(
            pose=_type("geometry_msgs/msg/Pose")(position=_point(x, y), orientation=_turn(STRAIGHT)),
            covariance=np.zeros(36),
        ),
        twist=_type("geometry_msgs/msg/TwistWithCovariance")(
            twist=_type("geometry_msgs/msg/Twist")(linear=still, angular=still), covariance=np.zeros(36)
        ),
    )  # fmt: skip
    return stamp_ns, kind, message


def tf(
    stamp_ns: int, parent: str, child: str, x: float, y: float,
    quaternion: tuple[float, float, float, float] = STRAIGHT,
) -> tuple[int, str, Any]:  # fmt: skip
    """TFMessage of one transform."""
    kind = "tf2_msgs/msg/TFMessage"
    move = _type("geometry_msgs/msg/Transform")(
        translation=_type("geometry_msgs/msg/Vector3")(x=x, y=y, z=0.0), rotation=_turn(quaternion)
    )
    stamped = _type("geometry_msgs/msg/TransformStamped")(
        header=_header(stamp_ns, parent), child_frame_id=child, transform=move
    )
    return stamp_ns, kind, _type(kind)(transforms=[stamped])


def writing(topic: str, messages: Sequence[tuple[int, str, Any]], late_ns: int = 0) -> Callable[[Any], None]:
    """For `extra` of `bag_factory.write_bag`: recorded `late_ns` after their stamps."""

    def write(writer: Any) -> None:
        connection = writer.add_connection(topic, messages[0][1], typestore=STORE)
        for stamp_ns, kind, message in messages:
            writer.write(connection, stamp_ns + late_ns, STORE.serialize_cdr(message, kind))

    return write
