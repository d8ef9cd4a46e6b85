# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packaging of the trained bundles: data under a licence of their own, so that the code installs without them."""

from __future__ import annotations

import os

from setuptools import setup

NAME = "trustseg_models"
BUILT_HERE = (".plan", ".engine", ".timing")


def tree(folder: str) -> list[tuple[str, list[str]]]:
    """(destination, files) of each folder below `folder`; what was built on this machine stays out."""
    found = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each != "plans")
        files = [os.path.join(root, name) for name in sorted(names) if not name.endswith(BUILT_HERE)]
        if files:
            found.append((os.path.join("share", NAME, root), files))
    return found


setup(
    name=NAME,
    version="0.1.0",
    description="Trained bundles of TrustSeg with their calibration; research only",
    license="CC-BY-NC-4.0",
    maintainer="TrustSeg maintainers",
    maintainer_email="maintainers@trustseg.invalid",
    python_requires=">=3.10",
    packages=[NAME],
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml", "LICENSE"]),
        *tree("engines"),
        *tree("calibration"),
    ],
    extras_require={"test": ["pytest"]},
    zip_safe=False,
)
