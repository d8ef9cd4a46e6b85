# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Nothing tells a user to install one of this repository's packages by name from an index."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

import pytest

from trustseg.install_hint import install_package, pip_install

ROOT = Path(__file__).resolve().parents[3]
# `pip install trustseg...`, in quotes and with options too; a path has a slash before the name.
BY_NAME = re.compile(r"pip install (?:-\S+ )*['\"]?trustseg")


def test_the_path_in_the_checkout_is_there_and_has_the_extra() -> None:
    assert pip_install("trustseg_lab") == "in the checkout of TrustSeg, pip install -e ./ros2_ws/src/trustseg_lab"
    assert pip_install("trustseg", "gpu").endswith("pip install -e './ros2_ws/src/trustseg[gpu]'")
    for package in ("trustseg", "trustseg_lab"):
        assert (ROOT / pip_install(package).split()[-1] / "setup.py").is_file()
    assert "scripts/setup.sh" in install_package("trustseg_lab")
    assert (ROOT / "scripts" / "setup.sh").is_file()


@pytest.mark.parametrize(
    ("package", "extra"),
    [("trustseg", "gpu"), ("trustseg", "signature"), ("trustseg_lab", "train"), ("trustseg_lab", "ray"),
     ("trustseg_lab", "security")],
)  # fmt: skip
def test_every_extra_that_is_named_exists(package: str, extra: str) -> None:
    assert extra in (metadata.metadata(package).get_all("Provides-Extra") or [])


def test_no_text_installs_them_by_name() -> None:
    assert BY_NAME.search("pip install 'trustseg_lab[ray]'")
    assert not BY_NAME.search("pip install -e ./ros2_ws/src/trustseg_lab")
    texts = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "ros2_ws" / "src").rglob("*.py")]
    texts += [*(ROOT / "scripts").iterdir(), *(ROOT / "docker").iterdir(), *(ROOT / "requirements").glob("*.in")]
    found = [
        str(path.relative_to(ROOT)) for path in texts if path.is_file() and BY_NAME.search(path.read_text("utf-8"))
    ]
    assert found == []
