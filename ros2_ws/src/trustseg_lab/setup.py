# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packaging of the laboratory (ament_python): what a workstation has and a vehicle does without."""

from __future__ import annotations

from setuptools import find_packages, setup

NAME = "trustseg_lab"
# Nodes beside the vehicle. `ros2 run trustseg_ros camera` and the like find them here (trustseg_ros/start.py).
EXECUTABLES = {
    "camera": f"{NAME}.tools.camera:main",
    "recorder": f"{NAME}.tools.recorder:main",
    "injector": f"{NAME}.faults.rig.injector:main",
    "video_decoder": f"{NAME}.tools.video_decoder:main",
}
COMMANDS = {
    "run": "drives.run:run",
    "replay": "drives.replay:replay",
    "play": "drives.play:play",
    "record": "drives.record:record",
    "watch": "drives.watch:watch",
    "mine": "drives.mine:mine",
    "drift": "drives.drift:drift",
    "evaluate": "evaluate:evaluate",
    "evaluate-unknown": "evaluate_unknown:evaluate_unknown",
    "train": "train:train",
    "fit-confidence": "fit_confidence:fit_confidence",
    "calibrate": "calibrate:calibrate",
    "export": "export:export",
    "wrap": "wrap:wrap",
    "security": "security:security",
    "bench": "bench:bench",
    "benchmark": "benchmark:benchmark",
    "faults": "faults:faults",
    "scenes": "scenes:scenes",
}

setup(
    name=NAME,
    version="0.1.0",
    description="The laboratory of TrustSeg: recordings, replay, evaluation, calibration, training, faults, demo",
    license="Apache-2.0",
    maintainer="TrustSeg maintainers",
    maintainer_email="maintainers@trustseg.invalid",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed", "**/*.yaml", "recordings/msg/*.msg", "**/resources/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    # The library and the nodes come from the same workspace (package.xml), never from an index.
    install_requires=[
        "numpy>=1.21",
        "opencv-python-headless>=4.6",
        "pydantic>=2",
        "typer>=0.12",
        "rich>=13",
        "pyyaml>=6",
        "packaging>=21",
        "onnx>=1.15",
        "onnxruntime>=1.16",
        "rosbags>=0.10",
        "mcap>=1.1",
        "av>=14",
        "pyarrow>=14",
        "zstandard>=0.18",
        "lz4>=4",
        "scikit-learn>=1.3",
        "scipy>=1.9",
        "threadpoolctl>=3",
        "matplotlib>=3.7",
        "pillow>=9",
        "psutil>=5.9",
        "pycocotools>=2.0.8",
    ],
    extras_require={
        "test": ["pytest"],
        "openvino": ["openvino>=2024.0"],
        "train": ["torch==2.13.0", "onnxscript>=0.5", "safetensors>=0.4"],
        "security": ["cyclonedx-bom>=7", "pip-audit>=2.10", "pip-requirements-parser>=32"],
        "fuzz": ["atheris>=2.3", "hypothesis>=6.100"],
        "watch": ["foxglove-sdk>=0.15"],
        "ray": ["ray[client]>=2.9"],
    },
    zip_safe=False,
    entry_points={
        "trustseg.commands": [f"{name} = {NAME}.cli.{where}" for name, where in COMMANDS.items()],
        "trustseg.executables": [f"{name} = {where}" for name, where in EXECUTABLES.items()],
    },
)
