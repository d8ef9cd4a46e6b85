# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A test that kills its process fails alone: what shares the run with it runs once, and the run ends."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from patience import WAIT_S

FILES = 8
TESTS = 3
# Late in the run: its process has done whole files by then.
DEADLY = (5, 1)
SUITE = """
import os
import signal
import time

import pytest


@pytest.mark.parametrize("number", range({tests}))
def test_here(number):
    with open({told!r}, "a") as told:
        told.write("{file}-%d\\n" % number)
    time.sleep(0.05)
    if number == {deadly}:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_the_others_run_once_and_the_run_ends(repository: Path, tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    for name in ("conftest.py", "room.py", "crash_safe.py", "file_order.py"):
        shutil.copy(repository / "tests" / name, tests / name)
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = tests\nmarkers =\n    alone\n    unit\n")
    told = tmp_path / "told"
    for file in range(FILES):
        deadly = DEADLY[1] if file == DEADLY[0] else -1
        suite = SUITE.format(tests=TESTS, told=str(told), file=file, deadly=deadly)
        (tests / f"test_{file}.py").write_text(suite)
    # Each process would load every plugin that is installed.
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    ran = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-p", "xdist", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder",
            "tests",
        ],
        cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        timeout=WAIT_S,
    )  # fmt: skip
    name = f"tests/test_{DEADLY[0]}.py::test_here[{DEADLY[1]}]"
    assert f"1 failed, {FILES * TESTS - 1} passed" in ran.stdout.splitlines()[-1], ran.stdout
    assert f"FAILED {name}" in ran.stdout or f"crashed while running '{name}'" in ran.stdout, ran.stdout
    assert sorted(told.read_text().split()) == sorted(f"{file}-{n}" for file in range(FILES) for n in range(TESTS))
