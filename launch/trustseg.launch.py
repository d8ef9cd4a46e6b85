"""One camera's segmentation node and its failure monitor: `ros2 launch trustseg_ros trustseg.launch.py --show-args`.

Both are started again when they end; the monitor latches when that happens too often. For several cameras include this
file once a camera, each with its own `namespace`.
"""

import os

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, SetEnvironmentVariable
from launch.substitutions import EnvironmentVariable, LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node

from trustseg.backend_names import CHOICE
from trustseg.ros_env import ALLOCATOR, transport_environment
from trustseg.telemetry import OPT_OUT

PROFILES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "profiles")
RESPAWN_DELAY_S = 0.5

ARGUMENTS = {
    "namespace": ("", "namespace of both nodes and of the topics below; one a camera"),
    "profile": ("vehicle", "parameters to start from: vehicle, demo, replay or sim (launch/profiles)"),
    "params_file": (
        [PROFILES, "/", LaunchConfiguration("profile"), ".yaml"],
        "YAML file with the parameters of both nodes, instead of a profile",
    ),
    "bundle": ("segnet_lite", "bundle to run: its name or the path of its folder"),
    "backend": ("auto", f"inference library: {CHOICE}"),
    "precision": ("fp32", "graph of the bundle to load: fp32, fp16 or int8, where the bundle has it"),
    "image": ("image", "topic of the camera's images (sensor_msgs/Image, or CompressedImage with image_transport)"),
    "camera_info": ("camera_info", "topic of the camera's sensor_msgs/CameraInfo; optional"),
    "image_transport": ("raw", "type of the image topic: raw or compressed"),
    "autostart": ("true", "configure and activate at start; false where a lifecycle manager does"),
    "log_level": ("info", "least severe message that is logged: debug, info, warn, error or fatal"),
}


def generate_launch_description() -> LaunchDescription:
    """Called by `ros2 launch`."""
    # Only what is not set already: a site's own transport profile or allocator stays.
    environment = [
        SetEnvironmentVariable(name, EnvironmentVariable(name, default_value=value))
        for name, value in {**transport_environment(), **ALLOCATOR}.items()
    ]
    environment += [SetEnvironmentVariable(name, value) for name, value in OPT_OUT.items()]
    shared = {
        "package": "trustseg_ros",
        "namespace": LaunchConfiguration("namespace"),
        "output": "screen",
        "emulate_tty": True,
        "respawn": True,
        "respawn_delay": RESPAWN_DELAY_S,
        "arguments": ["--ros-args", "--log-level", LaunchConfiguration("log_level")],
    }
    chosen = {
        name: LaunchConfiguration(name) for name in ("bundle", "backend", "precision", "image_transport", "autostart")
    }
    return LaunchDescription(
        [
            *(DeclareLaunchArgument(n, default_value=d, description=text) for n, (d, text) in ARGUMENTS.items()),
            *environment,
            LifecycleNode(
                name="trustseg",
                executable="segmenter",
                parameters=[LaunchConfiguration("params_file"), chosen],
                remappings=[
                    ("image", LaunchConfiguration("image")),
                    ("camera_info", LaunchConfiguration("camera_info")),
                ],
                **shared,
            ),
            Node(
                name="trustseg_monitor",
                executable="monitor",
                parameters=[LaunchConfiguration("params_file")],
                **shared,
            ),
        ]
    )
