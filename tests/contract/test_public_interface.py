# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`import trustseg`: what a user of the library meets first, and the lines of the README as printed."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest

import trustseg

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "ros2_ws" / "src" / "trustseg" / "trustseg"


def test_every_public_name_is_there_and_told_to_type_checkers() -> None:
    told = {
        (alias.asname, node.module)
        for node in ast.parse((PACKAGE / "__init__.pyi").read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == set(trustseg._DEFINED_IN.items())
    for name in trustseg.__all__:
        assert getattr(trustseg, name) is not None
        assert name in dir(trustseg)
    assert (PACKAGE / "py.typed").exists()


def test_what_is_not_public_is_said_to_be_missing() -> None:
    with pytest.raises(AttributeError, match=r"^module 'trustseg' has no attribute 'nothing'$"):
        trustseg.nothing  # noqa: B018


def test_the_version_is_that_of_the_package() -> None:
    assert trustseg.__version__ == importlib.metadata.version("trustseg")
    told = subprocess.run([sys.executable, "-m", "trustseg", "--version"], capture_output=True, text=True, check=True)
    assert told.stdout == f"trustseg {trustseg.__version__}\n"


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = "import sys, trustseg; print([m for m in ('cv2', 'numpy', 'onnxruntime', 'pydantic') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_picture_that_could_not_be_read_is_refused_in_one_line() -> None:
    from trustseg.pipeline import _checked

    with pytest.raises(
        trustseg.TrustSegError, match=r"^frame is wrong, expected uint8 \(H, W, 3\), got NoneType; check"
    ):
        _checked(trustseg.Frame(None, stamp_ns=1))  # type: ignore[arg-type]


@pytest.mark.parametrize("stamp", ["1", 1.5, None])
def test_a_stamp_that_is_no_number_of_nanoseconds_is_refused_in_one_line(stamp: object) -> None:
    import numpy as np

    from trustseg.pipeline import _checked

    image = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(trustseg.TrustSegError, match=r"^stamp is wrong, expected integer nanoseconds, got "):
        _checked(trustseg.Frame(image, stamp_ns=stamp))  # type: ignore[arg-type]
    assert _checked(trustseg.Frame(image, stamp_ns=np.int64(1))) is image  # type: ignore[arg-type]


def test_the_lines_of_the_readme_print_what_it_says(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text().split("\n## In Python\n")[1].split("\n## ")[0]
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL))
    command, *arguments = blocks["sh"].split()
    assert command == ".venv/bin/trustseg"
    subprocess.run([sys.executable, "-m", "trustseg", *arguments], cwd=tmp_path, check=True, capture_output=True)
    printed = subprocess.run(
        [sys.executable, "-c", blocks["python"]], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    assert printed.stdout == blocks["text"]


def test_the_readme_shows_what_verify_prints() -> None:
    """But for times and the last digits of sums, which are the machine's."""
    section = (ROOT / "README.md").read_text().split("\n## Quick start\n")[1].split("\n## ")[0]
    command, shown = re.findall(r"```(?:sh|text)\n(.*?)```", section, re.DOTALL)[-2:]
    name, *arguments = command.split()
    assert name == ".venv/bin/trustseg"
    ran = subprocess.run([sys.executable, "-m", "trustseg", *arguments], check=True, capture_output=True, text=True)

    def without_numbers(text: str) -> list[str]:
        return [" ".join(re.sub(r"[\d.e-]+( ?%| off| ms)", "#", line).split()) for line in text.splitlines()]

    printed = without_numbers(ran.stdout + ran.stderr)
    # tensorrt is not on every machine, and a rule of the table is as long as the times beneath it.
    told = [line for line in without_numbers(shown) if "tensorrt" not in line and re.search(r"\w", line)]
    assert [line for line in told if line not in printed] == []
    assert len(shown.splitlines()) >= 12
