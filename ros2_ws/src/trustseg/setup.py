# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packaging of the library and the command `trustseg`, for `pip install` and `colcon build` (ament_python)."""

from __future__ import annotations

from setuptools import find_packages, setup

NAME = "trustseg"


setup(
    name=NAME,
    version="0.1.0",
    description="Semantic segmentation for driving that says when it must not be trusted",
    license="Apache-2.0",
    maintainer="TrustSeg maintainers",
    maintainer_email="maintainers@trustseg.invalid",
    python_requires=">=3.10",
    packages=find_packages(include=[NAME, f"{NAME}.*"]),
    package_data={NAME: ["py.typed", "*.pyi", "resources/*"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
    ],
    install_requires=[
        "numpy>=1.21",
        "opencv-python-headless>=4.6",
        "onnxruntime>=1.16",
        "pydantic>=2",
        "typer>=0.12",
        "rich>=13",
    ],
    extras_require={
        "test": ["pytest"],
        "openvino": ["openvino>=2024.0"],
        "gpu": ["tensorrt>=8.6", "pycuda>=2022.2", "cuda-python>=12", "onnx>=1.15", "protobuf>=3.20"],
        "signature": ["cryptography>=41"],
    },
    zip_safe=False,
    entry_points={"console_scripts": ["trustseg = trustseg.cli.start:main"]},
)
