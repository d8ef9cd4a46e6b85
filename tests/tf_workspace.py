# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""tf2_msgs for processes of tests: what ROS 2 installs of it, or built here, where the ROS wheels have it not."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_directory

CMAKE = """cmake_minimum_required(VERSION 3.8)
project(tf2_msgs)
find_package(ament_cmake REQUIRED)
find_package(geometry_msgs REQUIRED)
find_package(rosidl_default_generators REQUIRED)
rosidl_generate_interfaces(${PROJECT_NAME} "msg/TFMessage.msg" DEPENDENCIES geometry_msgs)
ament_package()
"""
PACKAGE = """<?xml version="1.0"?>
<package format="3">
  <name>tf2_msgs</name>
  <version>0.0.0</version>
  <description>The message of tf, for tests.</description>
  <maintainer email="maintainers@trustseg.invalid">TrustSeg maintainers</maintainer>
  <license>Apache-2.0</license>
  <buildtool_depend>ament_cmake</buildtool_depend>
  <buildtool_depend>rosidl_default_generators</buildtool_depend>
  <depend>geometry_msgs</depend>
  <exec_depend>rosidl_default_runtime</exec_depend>
  <member_of_group>rosidl_interface_packages</member_of_group>
  <export><build_type>ament_cmake</build_type></export>
</package>
"""
MESSAGE = "geometry_msgs/TransformStamped[] transforms\n"
# Whose version is a part of what is built.
BUILT_WITH = ("geometry_msgs", "rclpy", "rosidl_default_generators", "rosidl_typesupport_fastrtps_c")
# Says one transform: on /tf_static once, for whoever comes later, on /tf twenty times a second.
SAYER = """
import sys
import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.qos import QoSDurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

topic, parent, child, *numbers = sys.argv[1:]
rclpy.init()
node = rclpy.create_node("sayer_of_" + child)
kept = QoSDurabilityPolicy.TRANSIENT_LOCAL if topic == "/tf_static" else QoSDurabilityPolicy.VOLATILE
out = node.create_publisher(TFMessage, topic, QoSProfile(depth=100, durability=kept))

def say():
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id, message.header.stamp = parent, node.get_clock().now().to_msg()
    move, turn = message.transform.translation, message.transform.rotation
    move.x, move.y, move.z, turn.x, turn.y, turn.z, turn.w = map(float, numbers)
    out.publish(TFMessage(transforms=[message]))

say()
if topic == "/tf":
    node.create_timer(0.05, say)
rclpy.spin(node)
"""


def tf_environment(base: dict[str, str], cache: Path) -> dict[str, str]:
    """Variables, beside `base`, of a process that can import tf2_msgs.

    Where it is not installed it is built, which takes ten seconds of a core, and kept in `cache` for as long as Python
    and the ROS packages that it is built with are the same.
    """
    try:
        get_package_prefix("tf2_msgs")
        return {}
    except PackageNotFoundError:
        pass
    versions = [Path(get_package_share_directory(name), "package.xml").read_text() for name in BUILT_WITH]
    key = "\n".join((CMAKE, PACKAGE, MESSAGE, sys.version, base["AMENT_PREFIX_PATH"], *versions))
    folder = cache / hashlib.sha256(key.encode()).hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    prefixes, install = base["AMENT_PREFIX_PATH"], folder / "install"
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "built").exists():
            for left in ("src", "build", "install", "log"):  # of a build that was broken off
                shutil.rmtree(folder / left, ignore_errors=True)
            _build(base, folder)
            (folder / "built").touch()
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return {
        "AMENT_PREFIX_PATH": f"{install}:{prefixes}",
        "PYTHONPATH": f"{install / 'lib' / python / 'site-packages'}:{base.get('PYTHONPATH', '')}",
        "LD_LIBRARY_PATH": f"{install / 'lib'}:{base.get('LD_LIBRARY_PATH', '')}",
    }


def _build(base: dict[str, str], folder: Path) -> None:
    source = folder / "src" / "tf2_msgs"
    (source / "msg").mkdir(parents=True)
    (source / "CMakeLists.txt").write_text(CMAKE)
    (source / "package.xml").write_text(PACKAGE)
    (source / "msg" / "TFMessage.msg").write_text(MESSAGE)
    built = subprocess.run(
        [
            sys.executable, "-m", "colcon", "--log-base", "log", "build", "--merge-install", "--cmake-args",
            "-DBUILD_TESTING=OFF", f"-DPython3_EXECUTABLE={sys.executable}", "--no-warn-unused-cli",
        ],
        cwd=folder, capture_output=True, text=True, check=False,
        env={
            **base, "CMAKE_PREFIX_PATH": base["AMENT_PREFIX_PATH"],
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        },
    )  # fmt: skip
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]


def say_tf(
    topic: str, parent: str, child: str, place: Sequence[float], turn: Sequence[float] = (0, 0, 0, 1)
) -> list[str]:
    """Command of a process that says where `child` is in `parent`: metres, and a quaternion (x, y, z, w)."""
    return [sys.executable, "-c", SAYER, topic, parent, child, *map(str, (*place, *turn))]
