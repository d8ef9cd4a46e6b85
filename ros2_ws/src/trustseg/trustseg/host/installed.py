# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether the packages that a process needs are there and new enough, before it imports them. Standard library only.

A distribution's own packages satisfy rosdep and may be older than this program needs (Debian 12: pydantic 1.10, typer
0.7): one clear line instead of an ImportError from somewhere inside. The versions stand in setup.py alone.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from importlib import metadata

OF_FRAMES = ("numpy", "opencv-python-headless", "pydantic")  # what every node with frames imports
OF_COMMAND = (*OF_FRAMES, "typer", "rich")
MODULES = {"opencv-python-headless": "cv2"}
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*>=\s*([0-9.]+)\s*$")
EXIT_USAGE = 2


def refuse_old(names: tuple[str, ...]) -> None:
    """End the process with one line and exit status 2 where a package of `names` is missing or too old."""
    found = problem(names)
    if found:
        sys.stderr.write(f"trustseg: {found}\n")
        sys.exit(EXIT_USAGE)


def problem(names: tuple[str, ...]) -> str:
    """What is missing or too old, in one line; empty where nothing is, or where this program is not installed."""
    wrong = []
    for name, least in least_versions().items():
        if name not in names:
            continue
        if importlib.util.find_spec(MODULES.get(name, name)) is None:
            wrong.append(f"{name} {least} or newer, got none")
            continue
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # a distribution's OpenCV does not say its version without being imported; 4.6 was tried
        if _number(version) < _number(least):
            wrong.append(f"{name} {least} or newer, got {version}")
    if not wrong:
        return ""
    return (
        f"packages do not fit, expected {'; '.join(wrong)}; install the locked ones into a virtual environment: "
        "pip install -r requirements/runtime-apt.txt"
    )


def least_versions() -> dict[str, str]:
    """Package -> oldest version, of what the installed trustseg always needs."""
    try:
        stated = metadata.requires("trustseg") or []
    except metadata.PackageNotFoundError:
        return {}
    found = [REQUIREMENT.match(each) for each in stated]  # those of an extra have a marker behind them
    return {each[1].lower(): each[2] for each in found if each is not None}


def _number(version: str) -> tuple[int, ...]:
    parts = [re.match(r"\d+", part) for part in f"{version}.0.0".split(".")[:3]]
    return tuple(int(each[0]) if each else 0 for each in parts)
