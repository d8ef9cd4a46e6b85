# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packaging of the ROS 2 nodes: `colcon build` (ament_python) puts the executables where launch files look for them."""

from __future__ import annotations

import sys
from glob import glob

from setuptools import find_packages, setup

NAME = "trustseg_ros"
EXECUTABLES = (
    "segmenter",
    "monitor",
    "segmenter_rig",
    "rig_monitor",
    "ground_grid",
    "point_labels",
    "blackbox",
    "operations",
    "camera",
    "recorder",
    "injector",
    "video_decoder",
)
# colcon puts them into lib/trustseg_ros (setup.cfg), where `ros2 run` and launch files look. Those of a wheel come to
# lie on the user's PATH, where a bare `camera` or `monitor` would be anybody's.
PREFIX = f"{NAME.removesuffix('_ros')}_" if {"bdist_wheel", "dist_info"} & set(sys.argv) else ""

setup(
    name=NAME,
    version="0.1.0",
    description="ROS 2 nodes of TrustSeg: the segmenter, the failure monitor, and the guard for a planner",
    license="Apache-2.0",
    maintainer="TrustSeg maintainers",
    maintainer_email="maintainers@trustseg.invalid",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", sorted(glob("launch/*.launch.py"))),
        (f"share/{NAME}/launch/profiles", sorted(glob("launch/profiles/*.yaml"))),
    ],
    # The library itself, trustseg, comes from the same workspace (package.xml), never from an index.
    install_requires=["numpy>=1.21", "opencv-python-headless>=4.6", "mcap>=1.1"],
    extras_require={"test": ["pytest"], "metrics": ["prometheus-client>=0.19"], "fault-injection": ["onnx>=1.15"]},
    zip_safe=False,
    entry_points={"console_scripts": [f"{PREFIX}{name} = {NAME}.start:{name}" for name in EXECUTABLES]},
)
