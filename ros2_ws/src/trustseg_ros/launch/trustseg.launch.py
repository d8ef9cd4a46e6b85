# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One camera's segmentation node and its failure monitor, and with `blackbox:=true` its black box.

`ros2 launch trustseg_ros trustseg.launch.py --show-args` lists the arguments. Each process is started again when it
ends, unless `use_respawn` is false; the monitor latches when that happens to the node too often.
For several cameras rig.launch.py starts one engine for all; or include this file once a camera, each with its own
`namespace`.
"""

import os

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node

from trustseg.backend_registry import CHOICE
from trustseg.host.ros_env import ALLOCATOR, transport_environment
from trustseg.host.telemetry import OPT_OUT

PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "profiles")
RESPAWN_DELAY_S = 0.5

COMMON = ("camera_rate_hz", "camera_rate_min_hz", "latency_budget_ms", "use_sim_time")

ARGUMENTS = {
    "namespace": ("", "namespace of both nodes and of the topics below; one a camera"),
    "profile": ("vehicle", "parameters to start from: vehicle, demo, replay or sim (launch/profiles)"),
    "params_file": (
        [PROFILES, "/", LaunchConfiguration("profile"), ".yaml"],
        "YAML file with the parameters of both nodes, instead of a profile",
    ),
    "bundle": ("segnet_lite", "bundle to run: its name or the path of its folder"),
    "light_bundle": ("", "bundle that serves while there is no time for `bundle`; empty: as the profile says"),
    "backend": ("auto", f"inference library: {CHOICE}"),
    "precision": ("fp32", "graph of the bundle to load: fp32, fp16 or int8, where the bundle has it"),
    "image": ("image", "topic of the camera's images (sensor_msgs/Image, or CompressedImage with image_transport)"),
    "camera_info": ("camera_info", "topic of the camera's sensor_msgs/CameraInfo; optional"),
    "image_transport": ("raw", "type of the image topic: raw or compressed"),
    "autostart": ("true", "configure and activate at start; false where a lifecycle manager does"),
    "camera_rate_hz": ("", "rate of the camera, Hz, for both nodes; empty: as the profile says"),
    "camera_rate_min_hz": ("", "lowest rate that is normal where it wanders, Hz; empty: as the profile says"),
    "latency_budget_ms": ("", "longest usual time from an image to its status, ms; empty: as the profile says"),
    "use_sim_time": ("", "take the time from /clock: true or false; empty: as the profile says"),
    "use_respawn": ("true", "start a node again when it ends; false where another supervisor does"),
    "blackbox": ("false", "also keep the last seconds and record what lies around a failure: true or false"),
    "blackbox_output": ("", "folder for the records; empty: as the profile says"),
    "log_level": ("info", "least severe message that is logged: debug, info, warn, error or fatal"),
}


BOOLEANS = ["true", "false", "True", "False"]
CHOICES = {"use_sim_time": ["", *BOOLEANS], "use_respawn": BOOLEANS, "blackbox": BOOLEANS}


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
    """The nodes; a function because an empty argument leaves a parameter as the profile has it."""
    # Of all nodes: their bounds must be equal, and so must their clocks.
    common = {name: LaunchConfiguration(name) for name in COMMON if LaunchConfiguration(name).perform(context)}
    chosen = {
        name: LaunchConfiguration(name) for name in ("bundle", "backend", "precision", "image_transport", "autostart")
    }
    if LaunchConfiguration("light_bundle").perform(context):
        chosen["light_bundle"] = LaunchConfiguration("light_bundle")
    remappings = [
        ("image", LaunchConfiguration("image")),
        ("camera_info", LaunchConfiguration("camera_info")),
    ]
    shared = {
        "package": "trustseg_ros",
        "namespace": LaunchConfiguration("namespace"),
        "output": "screen",
        "emulate_tty": True,
        "respawn": LaunchConfiguration("use_respawn").perform(context).lower() == "true",
        "respawn_delay": RESPAWN_DELAY_S,
        "arguments": ["--ros-args", "--log-level", LaunchConfiguration("log_level")],
    }
    made = [
        LifecycleNode(
            name="trustseg",
            executable="segmenter",
            parameters=[LaunchConfiguration("params_file"), {**common, **chosen}],
            remappings=remappings,
            **shared,
        ),
        Node(
            name="trustseg_monitor",
            executable="monitor",
            parameters=[LaunchConfiguration("params_file"), *([common] if common else [])],
            **shared,
        ),
    ]
    if LaunchConfiguration("blackbox").perform(context).lower() == "true":
        output = LaunchConfiguration("blackbox_output")
        given = {**common, "image_transport": chosen["image_transport"]}
        given |= {"output": output} if output.perform(context) else {}
        made.append(
            Node(
                name="trustseg_blackbox",
                executable="blackbox",
                parameters=[LaunchConfiguration("params_file"), given],
                remappings=remappings,
                **shared,
            )
        )
    return made
