# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the results of a replay depend on."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "trustseg", "numpy", "opencv-python-headless", "onnxruntime", "openvino", "rosbags", "mcap", "pyarrow", "av",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Name -> version of Python and the packages that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
