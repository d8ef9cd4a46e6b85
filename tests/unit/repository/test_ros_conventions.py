# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a ROS reviewer asks of every package, and the licence and copyright line of every source file."""

from __future__ import annotations

import re
import runpy
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import setuptools

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "ros2_ws" / "src"
PACKAGES = sorted(each.parent for each in SOURCE.glob("*/package.xml"))
LEVELS = {"trustseg": 4, "trustseg_ros": 4, "trustseg_interfaces": 4, "trustseg_lab": 5, "trustseg_models": 5}
LICENCES = {"trustseg_models": "CC-BY-NC-4.0"}
every_package = pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)


def manifest(package: Path) -> ElementTree.Element:
    return ElementTree.parse(package / "package.xml").getroot()


def text(package: Path, name: str) -> str:
    return manifest(package).findtext(name) or ""


def handed_to_setuptools(package: Path) -> dict[str, Any]:
    given: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", given.update)
        patch.chdir(package)
        runpy.run_path("setup.py")
    return given


def test_these_are_the_packages() -> None:
    assert {package.name for package in PACKAGES} == set(LEVELS)


@every_package
def test_the_manifest_says_where_the_package_comes_from_and_under_which_licence(package: Path) -> None:
    assert text(package, "name") == package.name
    assert text(package, "license") == LICENCES.get(package.name, "Apache-2.0")
    urls = {each.get("type"): each.text or "" for each in manifest(package).findall("url")}
    assert set(urls) == {"website", "repository", "bugtracker"}
    assert all(url.startswith("https://") for url in urls.values())


@every_package
def test_manifest_packaging_and_changelog_agree(package: Path) -> None:
    log = (package / "CHANGELOG.rst").read_text(encoding="utf-8").splitlines()
    assert log[1] == f"Changelog for package {package.name}"
    assert log[0] == log[2] == "^" * len(log[1])
    assert "Forthcoming" in log or text(package, "version") in "\n".join(log)
    if (package / "setup.py").is_file():
        given = handed_to_setuptools(package)
        assert (given["name"], given["version"]) == (package.name, text(package, "version"))
        assert given["license"] == text(package, "license")
        assert given["extras_require"]["test"] == ["pytest"]  # by which `colcon test` knows what to run


@every_package
def test_the_level_of_quality_is_declared(package: Path) -> None:
    declared = (package / "QUALITY_DECLARATION.md").read_text(encoding="utf-8")
    assert re.findall(r"\*\*Quality Level (\d)\*\*", declared) == [str(LEVELS[package.name])]
    for heading in (
        "Version policy",
        "Change control",
        "Documentation",
        "Testing",
        "Dependencies",
        "Platforms",
        "Security",
    ):
        assert re.search(rf"^## \d {heading}$", declared, re.M), heading
    assert (package / "README.md").read_text(encoding="utf-8").startswith(f"# {package.name}\n")
    assert list((package / "test").glob("test_*.py"))


@every_package
def test_a_release_of_the_package_has_everything_that_it_installs(package: Path) -> None:
    assert [str(each) for each in package.rglob("*") if each.is_symlink()] == []
    licence = (package / "LICENSE").read_bytes()
    assert (licence == (ROOT / "LICENSE").read_bytes()) is (package.name not in LICENCES)


def test_the_laboratory_reads_bags_by_the_same_messages() -> None:
    """It has them too, for bags on a machine without ROS 2; a link would break in a release."""
    own, copied = (
        SOURCE / "trustseg_interfaces" / "msg",
        SOURCE / "trustseg_lab" / "trustseg_lab" / "recordings" / "msg",
    )
    assert {f.name: f.read_bytes() for f in copied.iterdir()} == {f.name: f.read_bytes() for f in own.iterdir()}


def test_what_a_vehicle_reads_is_installed() -> None:
    """(destination, name) of every data file."""
    installed: set[tuple[str, str]] = set()
    for name in ("trustseg_ros", "trustseg_models"):
        for folder, files in handed_to_setuptools(SOURCE / name)["data_files"]:
            installed |= {(folder, Path(file).name) for file in files}
    wanted = {("share/trustseg_ros/launch", "trustseg.launch.py")}
    wanted |= {("share/trustseg_ros/launch/profiles", each.name) for each in (ROOT / "launch/profiles").iterdir()}
    for top in ("engines", "calibration"):
        for each in (ROOT / top).glob("*/*"):
            if each.is_file():
                wanted.add((f"share/trustseg_models/{top}/{each.parent.name}", each.name))
    assert len(wanted) > 20
    assert wanted <= installed


def sources() -> list[Path]:
    """Every source file of the repository that is not built or installed."""
    kinds = ("*.py", "*.pyi", "*.sh", "*.msg", "CMakeLists.txt", "Dockerfile")
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", "--", *kinds], cwd=ROOT, capture_output=True, text=True, check=True)
        return [ROOT / line for line in listed.stdout.splitlines()]
    folders = ("docker", "examples", "ros2_ws/src", "scripts", "tests")
    return [file for folder in folders for kind in kinds for file in (ROOT / folder).rglob(kind)]


def test_every_source_file_states_licence_and_copyright() -> None:
    found = sources()
    assert len(found) > 500
    for file in found:
        head = file.read_text(encoding="utf-8").splitlines()[:5]
        assert any("SPDX-License-Identifier: Apache-2.0" in line for line in head), file
        assert any(re.search(r"SPDX-FileCopyrightText: \d{4} TrustSeg maintainers", line) for line in head), file
