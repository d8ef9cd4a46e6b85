# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Packages that are too old or missing: one line and exit status 2 before anything of them is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from trustseg.host import installed


def pretend(folder: Path, name: str, version: str) -> Path:
    """A distribution `name` of that version whose module cannot be imported, as an older one's names cannot."""
    (folder / f"{name}-{version}.dist-info").mkdir(parents=True)
    (folder / f"{name}-{version}.dist-info" / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    )
    (folder / name).mkdir()
    (folder / name / "__init__.py").write_text("raise ImportError('imported')\n")
    return folder


@pytest.mark.parametrize(("name", "version"), [("pydantic", "1.10.4"), ("typer", "0.7.0"), ("rich", "11.2.0")])
def test_an_old_package_is_one_line_and_exit_status_2(tmp_path: Path, name: str, version: str) -> None:
    path = os.pathsep.join([str(pretend(tmp_path, name, version)), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "trustseg", "replay", "--help"]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    least = installed.least_versions()[name]
    assert ended.stderr.startswith(f"trustseg: packages do not fit, expected {name} {least} or newer, got {version}; ")
    assert ended.stderr.count("\n") == 1


def test_the_node_says_so_too(tmp_path: Path) -> None:
    path = os.pathsep.join([str(pretend(tmp_path, "pydantic", "1.10.4")), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", "from trustseg_ros.start import segmenter; segmenter()"]
    ended = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert "expected pydantic 2 or newer, got 1.10.4" in ended.stderr


def test_what_is_here_fits() -> None:
    assert installed.problem(installed.OF_COMMAND) == ""
    assert set(installed.OF_COMMAND) <= set(installed.least_versions())


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installed, "least_versions", lambda: {"numpy": "1.21", "nothing-of-this-name": "3"})
    assert "expected nothing-of-this-name 3 or newer, got none" in installed.problem(("numpy", "nothing-of-this-name"))
    assert installed.problem(("numpy",)) == ""


@pytest.mark.parametrize(
    ("have", "least", "fits"),
    [("2.0", "2", True), ("2", "2.0.0", True), ("1.10.4", "2", False), ("0.12.0", "0.12", True), ("0.9", "0.12", False),
     ("4.10.0.84", "4.6", True), ("2.0rc1", "2", True), ("13.7", "13", True)],
)  # fmt: skip
def test_versions_are_compared_as_numbers(monkeypatch: pytest.MonkeyPatch, have: str, least: str, fits: bool) -> None:
    monkeypatch.setattr(installed, "least_versions", lambda: {"numpy": least})
    monkeypatch.setattr(metadata, "version", lambda name: have)
    assert (installed.problem(("numpy",)) == "") is fits
