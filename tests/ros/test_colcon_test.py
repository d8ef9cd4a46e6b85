# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`colcon test` finds tests in every package, and they pass."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from trustseg.host.ros_env import find_ros

PACKAGES = ("trustseg", "trustseg_lab", "trustseg_models", "trustseg_ros")


def counts(report: Path) -> tuple[int, int]:
    """(tests, those that failed or could not run) of a report in JUnit's format."""
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    return sum(int(s.attrib["tests"]) for s in suites), sum(
        int(s.attrib["failures"]) + int(s.attrib["errors"]) + int(s.attrib["skipped"]) for s in suites
    )


@pytest.mark.slow
def test_colcon_test_runs_the_tests_of_the_python_packages(repository: Path, tmp_path: Path) -> None:
    workspace = find_ros().workspace
    if workspace is None:
        pytest.skip("the workspace is not built")
    ran = subprocess.run(
        [
            sys.executable, "-m", "colcon", "--log-base", tmp_path / "log", "test", "--merge-install",
            "--base-paths", "ros2_ws/src", "--install-base", workspace, "--build-base", tmp_path / "build",
            "--test-result-base", tmp_path, "--packages-select", *PACKAGES, "--return-code-on-test-failure",
        ],
        cwd=repository, env=dict(os.environ), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    for package in PACKAGES:
        tests, failed = counts(tmp_path / package / "pytest.xml")
        assert tests >= 2, package
        assert failed == 0, package


def test_the_messages_pass_the_tests_that_their_package_registers(repository: Path, tmp_path: Path) -> None:
    """CMake registers the file with ctest where BUILD_TESTING is on; the set-up builds without."""
    package = repository / "ros2_ws" / "src" / "trustseg_interfaces"
    (name,) = [file.name for file in (package / "test").glob("test_*.py")]
    assert f"ament_add_pytest_test(messages test/{name})" in (package / "CMakeLists.txt").read_text()
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", package / "test"]
    ran = subprocess.run(list(map(str, command)), cwd=package, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-3000:]
    assert counts(report) == (4, 0)
