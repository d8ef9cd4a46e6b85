# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every package that the code imports is declared: in setup.py, in package.xml, and in the list that is locked."""

from __future__ import annotations

import ast
import re
import runpy
import sys
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import setuptools

SOURCE = Path(__file__).resolve().parents[3] / "ros2_ws" / "src"
REQUIREMENTS = SOURCE.parents[1] / "requirements"
PACKAGES = ("trustseg", "trustseg_ros", "trustseg_lab")
# Which locks a package's machine installs: a vehicle's, or a workstation's.
LOCKS = {"trustseg": ("runtime",), "trustseg_ros": ("runtime",), "trustseg_lab": ("runtime", "lab")}
# Module -> what pip calls it, where the names differ; and what rosdep does.
PIP = {
    "cv2": "opencv-python-headless",
    "yaml": "pyyaml",
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "google": "protobuf",
    "prometheus_client": "prometheus-client",
    "foxglove": "foxglove-sdk",
    "pip_requirements_parser": "pip-requirements-parser",
}
ROSDEP = {
    "cv2": "python3-opencv", "yaml": "python3-yaml", "sklearn": "python3-sklearn", "PIL": "python3-pil",
    "onnxruntime": "python3-onnxruntime-pip", "rosbags": "python3-rosbags-pip",
}  # fmt: skip
# Modules that are packages of ROS 2 themselves, and what is used only where it is installed.
OF_ROS = {"rclpy", "ament_index_python", "builtin_interfaces", "diagnostic_msgs", "geometry_msgs", "lifecycle_msgs",
          "nav_msgs", "rcl_interfaces", "rosgraph_msgs", "sensor_msgs", "std_msgs", "std_srvs", "trustseg_interfaces",
          "launch", "launch_ros"}  # fmt: skip
WHERE_INSTALLED = {"vision_msgs", "tf2_msgs", "skimage"}
# Installed apart: by scripts/setup.sh --dev, with the GPU, or from a file of requirements that a message names.
NOT_LOCKED = {"torch", "ray", "onnxscript", "tensorrt", "pycuda", "cuda", "pip_requirements_parser"}
NOT_LOCKED |= {"prometheus_client", "foxglove"}
NOT_LOCKED |= {"atheris", "hypothesis"}


@cache
def imported(package: str) -> dict[str, str]:
    """Top-level module -> a file that imports it, of all that is neither Python's nor this project's library."""
    found: dict[str, str] = {}
    for path in sorted((SOURCE / package / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for top in {name.split(".")[0] for name in names} - set(PACKAGES):
                if top not in sys.stdlib_module_names:
                    found.setdefault(top, path.name)
    return found


def setup_of(package: str) -> dict[str, Any]:
    """What its setup.py hands to setuptools."""
    given: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", given.update)
        patch.chdir(SOURCE / package)
        runpy.run_path("setup.py")
    return given


def declared_to_pip(package: str) -> set[str]:
    given = setup_of(package)
    stated = [
        *given.get("install_requires", []),
        *(each for more in given.get("extras_require", {}).values() for each in more),
    ]
    return {re.split(r"[\[<>=; ]", each)[0].lower() for each in stated}


def declared_to_ros(package: str) -> tuple[set[str], str]:
    """(keys, the list of what rosdep does not install) of package.xml."""
    text = (SOURCE / package / "package.xml").read_text(encoding="utf-8")
    keys = {each.text or "" for each in ET.fromstring(text).findall("exec_depend")}
    (by_pip,) = re.findall(r"not by rosdep:([^>]*)-->", text)
    return keys, by_pip


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_imported_is_declared_to_pip(package: str) -> None:
    declared = declared_to_pip(package)
    others = imported(package).items() if package == "trustseg" else [
        (module, file) for module, file in imported(package).items() if module not in OF_ROS | WHERE_INSTALLED
    ]  # fmt: skip
    missing = [f"{module} ({file})" for module, file in others if PIP.get(module, module) not in declared]
    assert missing == []


@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_imported_is_declared_to_ros(package: str) -> None:
    keys, by_pip = declared_to_ros(package)
    for module, file in imported(package).items():
        if module in WHERE_INSTALLED:
            continue
        key = module if module in OF_ROS else ROSDEP.get(module, f"python3-{module}")
        assert key in keys or re.search(rf"\b{PIP.get(module, module)}\b", by_pip), (module, file)


@pytest.mark.parametrize("apt", ["", "-apt"])
@pytest.mark.parametrize("package", PACKAGES)
def test_what_is_imported_is_locked(package: str, apt: str) -> None:
    texts = [(REQUIREMENTS / f"{name}{apt}.txt").read_text() for name in LOCKS[package]]
    locked = {name for text in texts for name in re.findall(r"^([a-z0-9-]+)==", text, re.M)}
    modules = set(imported(package)) - OF_ROS - WHERE_INSTALLED - NOT_LOCKED
    assert {PIP.get(module, module) for module in modules} - locked == set()


def test_a_vehicle_installs_nothing_of_the_laboratory() -> None:
    for name in ("runtime.txt", "runtime-apt.txt"):
        locked = set(re.findall(r"^([a-z0-9-]+)==", (REQUIREMENTS / name).read_text(), re.M))
        assert not locked & {"torch", "scipy", "matplotlib", "pyarrow", "scikit-learn", "rosbags", "ray"}


def test_nothing_is_declared_twice_or_from_an_index_that_is_ours() -> None:
    """A name of our own in a list for pip would be looked for on an index, where anybody may offer it."""
    for package in PACKAGES:
        assert not declared_to_pip(package) & {"trustseg", "trustseg-ros", "trustseg_ros", "trustseg-interfaces"}
    assert {"trustseg", "trustseg_interfaces"} <= declared_to_ros("trustseg_ros")[0]
