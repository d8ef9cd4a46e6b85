# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The hash of the software: of names and contents, not of the folder that it lies in."""

from __future__ import annotations

import shutil
from pathlib import Path

from trustseg_ros.blackbox.software import software, sources_sha256


def test_a_source_that_changes_changes_the_hash_and_a_place_does_not(tmp_path: Path) -> None:
    package = tmp_path / "a" / "package"
    (package / "inner").mkdir(parents=True)
    (package / "x.py").write_text("1")
    (package / "inner" / "y.py").write_text("2")
    (package / "notes.txt").write_text("3")
    first = sources_sha256(package)
    copied = tmp_path / "elsewhere" / "package"
    shutil.copytree(package, copied)
    (copied / "notes.txt").write_text("4")
    assert sources_sha256(copied) == first
    (copied / "inner" / "y.py").write_text("3")
    assert sources_sha256(copied) != first


def test_versions_are_named() -> None:
    found = software()
    assert {"python", "trustseg", "trustseg_ros", "mcap", "sources_sha256"} <= set(found)
