# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The set-up script and its locks: everything pinned by hash, no host named, and one line that says what is missing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

LOCKS = ("toolchain", "runtime", "lab", "runtime-apt", "lab-apt", "build", "ros", "dev", "ray", "security", "docs")
REQUIREMENT = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+))? \\$")


def requirements(text: str) -> list[tuple[str, str, str, int]]:
    """(name, version, marker, hashes) of every requirement in a lock; fails on a line that is none of that."""
    found: list[tuple[str, str, str, int]] = []
    for line in text.splitlines():
        match = REQUIREMENT.match(line)
        if match:
            found.append((match[1], match[2], (match[3] or "").strip(), 0))
        elif re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}( \\)?", line):
            name, version, marker, hashes = found[-1]
            found[-1] = (name, version, marker, hashes + 1)
        else:
            pytest.fail(f"neither a pinned requirement nor a hash: {line!r}")
    return found


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_by_hash(repository: Path, lock: str) -> None:
    found = requirements((repository / "requirements" / f"{lock}.txt").read_text())
    assert found
    assert all(hashes > 0 for *_, hashes in found)
    names = {name for name, *_ in found}
    assert not names & {"torch", "opencv-python", "opencv-contrib-python"}


def test_locks_that_are_installed_together_agree(repository: Path) -> None:
    seen: dict[tuple[str, str], str] = {}
    for lock in ("toolchain", "runtime", "lab", "build", "ros", "dev", "ray", "security", "docs"):
        for name, version, marker, _ in requirements((repository / "requirements" / f"{lock}.txt").read_text()):
            assert seen.setdefault((name, marker), version) == version, f"{name} in {lock}.txt"


def test_beside_an_installed_ros_numpy_is_the_one_its_messages_were_compiled_for(repository: Path) -> None:
    found = requirements((repository / "requirements" / "runtime-apt.txt").read_text())
    assert [version.split(".")[0] for name, version, *_ in found if name == "numpy"] == ["1"]


def test_missing_tools_are_named_in_one_line_before_anything_is_made(repository: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bin"
    bare.mkdir()
    for tool in ("bash", "dirname", "uname", "tr", "cut", "sha256sum", "find", "sort"):
        found = shutil.which(tool)
        assert found, tool
        (bare / tool).symlink_to(found)
    checkout = tmp_path / "checkout"
    (checkout / "scripts").mkdir(parents=True)
    shutil.copy(repository / "scripts" / "setup.sh", checkout / "scripts")
    env = {"PATH": str(bare), "HOME": str(tmp_path), "TRUSTSEG_PYTHON": os.path.realpath(shutil.which("python3") or "")}
    refused = subprocess.run([checkout / "scripts" / "setup.sh"], env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 2, refused.stderr
    apt = [line.split() for line in refused.stderr.splitlines() if "apt-get" in line]
    assert len(apt) == 1
    assert {"g++", "make"} <= set(apt[0])
    assert sorted(p.name for p in checkout.iterdir()) == ["scripts"]


def test_an_old_python_is_refused_with_the_line_to_run(repository: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    env = {**os.environ, "TRUSTSEG_PYTHON": str(old)}
    refused = subprocess.run([repository / "scripts/setup.sh"], env=env, capture_output=True, text=True, check=False)
    assert refused.returncode == 2, refused.stderr
    assert "apt-get install -y python3" in refused.stderr
