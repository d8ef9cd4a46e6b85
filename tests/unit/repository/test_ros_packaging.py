# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Executables of trustseg_ros: short names where `ros2 run` looks, none that a pip user's PATH could mix up."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from trustseg.host.ros_env import find_ros

ROOT = Path(__file__).resolve().parents[3]
NAMES = (
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


def test_a_wheel_puts_no_bare_name_on_the_path(tmp_path: Path) -> None:
    # A copy: what setuptools leaves beside the sources must not meet what colcon left there.
    source = tmp_path / "trustseg_ros"
    ignored = {".git", "__pycache__", "trustseg_ros.egg-info", "build"}
    _copy(ROOT / "ros2_ws" / "src" / "trustseg_ros", source, ignored)
    command = [
        sys.executable,
        "-c",
        "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))",
        tmp_path,
    ]
    subprocess.run(list(map(str, command)), cwd=source, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith("entry_points.txt"))
        points = ConfigParser()
        points.read_string(archive.read(name).decode())
    assert dict(points["console_scripts"]) == {f"trustseg_{n}": f"trustseg_ros.start:{n}" for n in NAMES}


def test_the_checkouts_environment_has_none_either_and_the_workspace_has_them_all() -> None:
    workspace = find_ros().workspace
    if workspace is None:
        pytest.skip("the workspace is not built")
    folder = workspace / "lib" / "trustseg_ros"
    assert all(os.access(folder / name, os.X_OK) for name in NAMES)
    # Every one starts: its function is found by its name.
    from trustseg_ros import start

    assert all(callable(getattr(start, name)) for name in NAMES)
    if ROOT in workspace.parents:  # made by scripts/setup.sh
        assert [name for name in NAMES if (Path(sys.prefix) / "bin" / name).exists()] == []


def _copy(source: Path, target: Path, ignored: set[str]) -> None:
    """The tree with links followed, as a checkout on another machine has it."""
    target.mkdir()
    for each in source.iterdir():
        if each.name in ignored:
            continue
        if each.is_dir():
            _copy(each, target / each.name, ignored)
        else:
            (target / each.name).write_bytes(each.read_bytes())
