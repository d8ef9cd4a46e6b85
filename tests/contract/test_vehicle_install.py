# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a vehicle installs, into an empty environment: the runtime's locked wheels and the packages for the car."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import pytest

from trustseg.host.ros_env import find_ros

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "ros2_ws" / "src"
WHEELS = ("trustseg", "trustseg_models", "trustseg_ros")
LOCK = ROOT / "requirements" / "runtime.txt"
WORKSTATION = ("torch", "scipy", "matplotlib", "pyarrow", "sklearn", "rosbags", "ray", "trustseg_lab")
NOT_SOURCE = shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "plans", "test")
OFFLINE = ("NewConnectionError", "Failed to establish a new connection", "Name or service not known", "ProxyError")
# What an apt ROS 2 brings beside its own packages: python3-yaml.
WITH_ROS = ("yaml", "_yaml")
SIX_LINES = """
import cv2, sys, time
import trustseg
begun = time.perf_counter()
pipeline = trustseg.load("segnet_lite")
loaded = time.perf_counter() - begun
result = pipeline.process(trustseg.Frame(cv2.imread(sys.argv[1]), stamp_ns=1, color_order="bgr"))
print(result.labels.shape, result.confidence.dtype, result.verdict.severity.name, f"{loaded:.2f}")
"""
# setuptools takes longer to load than to build one of these, but keeps what it did in one folder for the next: each in
# a process of its own, which has it loaded. Stored, as the weights hardly shrink.
BUILD = """
import os, sys
import setuptools.build_meta as backend
for source in sys.argv[2:]:
    if os.fork() == 0:
        os.chdir(source)
        backend.build_wheel(sys.argv[1], {"--build-option": ["--compression=stored"]})
        sys.exit()
    assert os.wait()[1] == 0, source
"""
# Without byte code: each program here makes that of what it loads, which is a small part of what is installed.
INSTALL = ("install", "-q", "--no-deps", "--no-compile")
NODES = """
import sys
from trustseg_ros.monitor import node as monitor
from trustseg_ros.segmenter import node as segmenter
from trustseg_ros.planner.guard import FailureGuard
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


class Vehicle:
    """An environment of its own, and how to run something in it: nothing of this process's variables but PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        self.variables = {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8"}

    def run(self, *command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        """The first word is a program of the environment."""
        program = self.python.with_name(str(command[0]))
        return subprocess.run(
            [str(program), *map(str, command[1:])],
            cwd=self.folder, env={**self.variables, **more}, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip

    def good(self, *command: str | Path, **more: str) -> str:
        """Its standard output; it must end with 0."""
        ran = self.run(*command, **more)
        assert ran.returncode == 0, ran.stderr[-2000:]
        return ran.stdout

    def pip(self, *arguments: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
        """pip of this environment in that one, which needs none of its own."""
        command = [sys.executable, "-m", "pip", "--python", self.python, "--disable-pip-version-check", *arguments]
        environ = {**self.variables, **more}
        return subprocess.run(
            [*map(str, command)], cwd=self.folder, env=environ, capture_output=True, text=True, check=False, timeout=600
        )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Vehicle:
    """Wheels of the lock, and nothing of this project yet."""
    vehicle = Vehicle(tmp_path_factory.mktemp("vehicle"))
    made = [sys.executable, "-m", "venv", "--without-pip", vehicle.folder / "venv"]
    subprocess.run(made, check=True, capture_output=True)
    home = {"HOME": os.environ.get("HOME", str(vehicle.folder))}  # pip's cache
    home |= {n: value for n, value in os.environ.items() if n.lower().endswith("_proxy") or n.startswith("PIP_")}
    ran = vehicle.pip(*INSTALL, "--only-binary", ":all:", "--require-hashes", "-r", LOCK, **home)
    if ran.returncode != 0 and any(sign in ran.stderr for sign in OFFLINE):
        pytest.skip("the package index does not answer: " + ran.stderr.strip().splitlines()[-1])
    assert ran.returncode == 0, ran.stderr
    return vehicle


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel of each package for the car, built from a copy: nothing is left beside the sources."""
    folder = tmp_path_factory.mktemp("wheels")
    sources = [folder / "source" / name for name in WHEELS]
    for source in sources:
        shutil.copytree(SOURCE / source.name, source, ignore=NOT_SOURCE)
    subprocess.run([sys.executable, "-c", BUILD, folder, *sources], check=True, capture_output=True)
    return {name: next(folder.glob(f"{name}-*.whl")) for name in WHEELS}


@pytest.fixture(scope="module")
def without_models(bare: Vehicle, wheels: dict[str, Path]) -> Vehicle:
    """The code alone, as a company installs it that has models of its own; its test comes before those of `vehicle`."""
    install(bare, wheels["trustseg"], wheels["trustseg_ros"])
    return bare


@pytest.fixture(scope="module")
def vehicle(without_models: Vehicle, wheels: dict[str, Path]) -> Vehicle:
    """Everything that drives in the car."""
    install(without_models, wheels["trustseg_models"])
    return without_models


def install(vehicle: Vehicle, *wheels: Path) -> None:
    ran = vehicle.pip(*INSTALL, "--no-index", *wheels)
    assert ran.returncode == 0, ran.stderr[-2000:]


@pytest.mark.slow
def test_without_the_models_one_line_says_what_to_install(without_models: Vehicle) -> None:
    ran = without_models.run("python", "-c", "import trustseg; trustseg.load('segnet_lite')")
    assert ran.returncode == 1
    assert "install the package trustseg_models" in ran.stderr.strip().splitlines()[-1]
    ran = without_models.run("trustseg", "verify")
    assert ran.returncode == 2
    (line,) = ran.stderr.strip().splitlines()
    assert "install the package trustseg_models" in line


@pytest.mark.slow
def test_a_vehicle_gets_the_lock_and_this_project_and_nothing_else(vehicle: Vehicle) -> None:
    names = {canonical(each["name"]) for each in json.loads(vehicle.pip("list", "--format", "json").stdout)}
    locked = {canonical(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", LOCK.read_text(), re.M)}
    assert names - locked == {canonical(name) for name in WHEELS}
    assert vehicle.pip("check").returncode == 0
    found = f"import importlib.util as u; print([n for n in {WORKSTATION} if u.find_spec(n)])"
    assert vehicle.good("python", "-c", found).strip() == "[]"


@pytest.mark.slow
def test_a_vehicle_verifies_its_bundle_and_segments_an_image(
    vehicle: Vehicle, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = vehicle.run("trustseg", "verify")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    begun = time.monotonic()
    out = vehicle.good("python", "-c", SIX_LINES, SOURCE / "trustseg_models" / "engines" / "segnet_lite" / "golden.png")
    took_s = time.monotonic() - begun
    shape, dtype, severity, loaded_s = out.rsplit(maxsplit=3)
    assert (shape, dtype, severity) == ("(360, 480)", "uint8", "GOOD")
    size = sum(each.stat().st_size for each in (vehicle.folder / "venv").rglob("*") if each.is_file())
    with capsys.disabled():
        print(
            f"\nvehicle: {size / 1e6:.0f} MB installed, start to first verdict {took_s:.1f} s, "
            f"of it loading and self-test {loaded_s} s"
        )


@pytest.mark.slow
@pytest.mark.parametrize("command", ["evaluate", "run", "train"])
def test_a_command_of_the_laboratory_says_what_to_install(vehicle: Vehicle, command: str) -> None:
    ran = vehicle.run("trustseg", command, "--help")
    assert (ran.returncode, ran.stdout) == (2, "")
    (line,) = ran.stderr.strip().splitlines()
    assert f"trustseg {command}" in line
    assert "trustseg_lab" in line


@pytest.mark.slow
def test_the_nodes_start_from_what_the_car_has(vehicle: Vehicle, tmp_path: Path) -> None:
    """rclpy and the messages are shown to the environment as an apt ROS 2 would; nothing of this one's is."""
    ros = find_ros()
    if ros.workspace is None:
        pytest.skip("the workspace is not built: the messages are missing")
    for name in {*ros_modules(), *WITH_ROS}:
        place = next((Path(each) / name for each in sys.path if (Path(each) / name).exists()), None)
        if place is not None:
            (tmp_path / name).symlink_to(place)
    out = vehicle.good(
        "python", "-c", NODES, PYTHONPATH=str(tmp_path), LD_LIBRARY_PATH=os.environ.get("LD_LIBRARY_PATH", ""),
        AMENT_PREFIX_PATH=os.environ.get("AMENT_PREFIX_PATH", ""),
    )  # fmt: skip
    loaded = set(out.split())
    assert {"rclpy", "trustseg", "trustseg_ros", "trustseg_interfaces"} <= loaded
    assert loaded & set(WORKSTATION) == set()


def ros_modules() -> set[str]:
    """Top-level modules of the installed ROS 2 wheels and of the workspace's messages."""
    names = {"trustseg_interfaces"}
    for each in metadata.distributions():
        if each.metadata["Name"].lower().startswith("ros-"):
            names |= {file.parts[0] for file in each.files or [] if file.parts[0].isidentifier()}
    return names


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
