# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which software a record is of: the packages' versions, and a hash over the sources that run."""

from __future__ import annotations

import hashlib
import platform
from importlib import metadata
from pathlib import Path

import trustseg
import trustseg_ros

PACKAGES = ("trustseg", "trustseg_ros", "numpy", "opencv-python-headless", "onnxruntime", "openvino", "mcap")


def software() -> dict[str, str]:
    """Names and versions, and `sources_sha256`."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    found["sources_sha256"] = sources_sha256(*(Path(each.__path__[0]) for each in (trustseg, trustseg_ros)))
    return found


def sources_sha256(*packages: Path) -> str:
    """SHA-256 over names and contents of the packages' Python files, whatever folder they are installed in."""
    digest = hashlib.sha256()
    for package in packages:
        for file in sorted(package.rglob("*.py"), key=lambda p: p.relative_to(package).as_posix()):
            data = file.read_bytes()
            name = f"{package.name}/{file.relative_to(package).as_posix()}"
            digest.update(f"{name}\0{len(data)}\0".encode())
            digest.update(data)
    return digest.hexdigest()
