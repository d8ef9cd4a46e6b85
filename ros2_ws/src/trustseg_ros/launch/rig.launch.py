# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Several cameras: one process that segments all of them, a monitor for each, and one flag for a planner.

`ros2 launch trustseg_ros rig.launch.py --show-args` lists the arguments. Each process is started again when it ends,
unless `use_respawn` is false.
"""

import os

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import Node

from trustseg.backend_registry import CHOICE
from trustseg.errors import InputError
from trustseg.host.ros_env import ALLOCATOR, transport_environment
from trustseg.host.telemetry import OPT_OUT
from trustseg_ros.common.camera_names import camera_names, required_names

PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "profiles")
RESPAWN_DELAY_S = 0.5

COMMON = ("camera_rate_hz", "camera_rate_min_hz", "latency_budget_ms", "use_sim_time")

ARGUMENTS = {
    "cameras": ("front,left,right", "cameras, names with commas: each is the namespace of its nodes and topics"),
    "required_cameras": ("", "cameras that a planner needs, names with commas; empty: all"),
    "images": ("", "topics of the images, one for each camera with commas; empty: image in each namespace"),
    "camera_infos": ("", "topics of the sensor_msgs/CameraInfo, likewise; empty: camera_info in each namespace"),
    "profile": ("rig", "parameters to start from: rig, vehicle, demo, replay or sim (launch/profiles)"),
    "params_file": (
        [PROFILES, "/", LaunchConfiguration("profile"), ".yaml"],
        "YAML file with the parameters of all nodes, instead of a profile",
    ),
    "bundle": ("segnet_lite", "bundle to run: its name or the path of its folder"),
    "light_bundle": ("", "bundle that serves while there is no time for `bundle`; empty: as the profile says"),
    "backend": ("auto", f"inference library: {CHOICE}"),
    "precision": ("fp32", "graph of the bundle to load: fp32, fp16 or int8, where the bundle has it"),
    "image_transport": ("raw", "type of the image topics: raw or compressed"),
    "autostart": ("true", "configure and activate at start; false where a lifecycle manager does"),
    "camera_rate_hz": ("", "rate of each camera, Hz, for all nodes; empty: as the profile says"),
    "camera_rate_min_hz": ("", "lowest rate that is normal where it wanders, Hz; empty: as the profile says"),
    "latency_budget_ms": ("", "longest usual time from an image to its status, ms; empty: as the profile says"),
    "use_sim_time": ("", "take the time from /clock: true or false; empty: as the profile says"),
    "use_respawn": ("true", "start a process again when it ends; false where another supervisor does"),
    "log_level": ("info", "least severe message that is logged: debug, info, warn, error or fatal"),
}
BOOLEANS = ["true", "false", "True", "False"]
CHOICES = {"use_sim_time": ["", *BOOLEANS], "use_respawn": BOOLEANS}


def generate_launch_description() -> LaunchDescription:
    """Called by `ros2 launch`."""
    # Only what is not set already: a site's own transport profile or allocator stays.
    environment = [
        SetEnvironmentVariable(name, EnvironmentVariable(name, default_value=value))
        for name, value in {**transport_environment(), **ALLOCATOR}.items()
    ]
    environment += [SetEnvironmentVariable(name, value) for name, value in OPT_OUT.items()]
    arguments = [
        DeclareLaunchArgument(name, default_value=default, description=text, choices=CHOICES.get(name))
        for name, (default, text) in ARGUMENTS.items()
    ]
    return LaunchDescription([*arguments, *environment, OpaqueFunction(function=nodes)])


def nodes(context: LaunchContext) -> list[Node]:
    """The processes: two of the rig, and a monitor a camera."""

    def given(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    # Before anything starts: a wrong name is one line here, and would be one of a process that is started for ever.
    cameras = camera_names(given("cameras"))
    required = required_names(given("required_cameras"), cameras)
    topics = remapped("image", cameras, "images", given("images"))
    topics += remapped("camera_info", cameras, "camera_infos", given("camera_infos"))
    common = {name: LaunchConfiguration(name) for name in COMMON if given(name)}
    chosen = {
        name: LaunchConfiguration(name) for name in ("bundle", "backend", "precision", "image_transport", "autostart")
    }
    if given("light_bundle"):
        chosen["light_bundle"] = LaunchConfiguration("light_bundle")
    rig = {"cameras": ",".join(cameras)}
    file = LaunchConfiguration("params_file")
    shared = {
        "package": "trustseg_ros",
        "output": "screen",
        "emulate_tty": True,
        "respawn": given("use_respawn").lower() == "true",
        "respawn_delay": RESPAWN_DELAY_S,
        "arguments": ["--ros-args", "--log-level", LaunchConfiguration("log_level")],
    }
    monitors = [
        Node(
            name="trustseg_monitor",
            namespace=name,
            executable="monitor",
            parameters=[file, *([common] if common else [])],
            **shared,
        )
        for name in cameras
    ]
    # Without a name: it would be given to every node of the process.
    segmenter = Node(
        executable="segmenter_rig", parameters=[file, {**common, **chosen, **rig}], remappings=topics, **shared
    )
    rig_monitor = Node(
        name="trustseg_rig_monitor",
        executable="rig_monitor",
        parameters=[file, {**common, **rig, "required_cameras": ",".join(required)}],
        **shared,
    )
    return [segmenter, *monitors, rig_monitor]


def remapped(topic: str, cameras: tuple[str, ...], argument: str, text: str) -> list[tuple[str, str]]:
    """From the topic in each camera's namespace to the one that is named for it."""
    if not text:
        return []
    named = [part.strip() for part in text.split(",")]
    if len(named) != len(cameras) or not all(named):
        raise InputError(f"argument {argument}", expected=f"{len(cameras)} topics, one a camera", got=repr(text))
    resolved = {name if name.startswith("/") else f"/{camera}/{name}" for camera, name in zip(cameras, named)}
    if len(resolved) < len(named):
        raise InputError(f"argument {argument}", expected="another topic for each camera", got=repr(text))
    return [(f"/{camera}/{topic}", name) for camera, name in zip(cameras, named)]
