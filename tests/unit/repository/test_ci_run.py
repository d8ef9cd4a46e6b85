# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The check of a change runs what failed once more, says so in its last lines, and fails where a test fails twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TEST_SH = """#!/usr/bin/env bash
printf 'run\\n' >> runs
[[ ! -f lint_fails ]] || status=1
if [[ ${{1:-}} == --fast ]]; then shift; set -- -k "not broken" "$@"; fi
PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 "{python}" -m pytest -q "$@" tests || exit $?
exit ${{status:-0}}
"""
SUITE = """
from pathlib import Path

import pytest


def test_steady():
    assert True


@pytest.mark.parametrize("where", ["a b", "c"])
def test_flaky(where):
    mark = Path("seen " + where)
    before, _ = mark.exists(), mark.touch()
    assert before or where not in Path("flaky").read_text()


def test_broken():
    assert not Path("broken").exists()


def test_left_out():
    pytest.skip("not here")
"""


@pytest.fixture
def checkout(repository: Path, tmp_path: Path) -> Path:
    """A checkout whose suite is five tests: two fail at first when `flaky` names them, one always beside `broken`."""
    root = tmp_path / "checkout"
    (root / ".ci").mkdir(parents=True)
    shutil.copy(repository / ".ci" / "run", root / ".ci" / "run")
    (root / "test.sh").write_text(TEST_SH.format(python=sys.executable))
    (root / "test.sh").chmod(0o755)
    (root / "tests").mkdir()
    (root / "tests" / "test_tiny.py").write_text(SUITE)
    (root / "pytest.ini").write_text("[pytest]\n")
    (root / "flaky").write_text("")
    return root


def ci(root: Path, *arguments: str) -> tuple[int, list[str], int]:
    """Exit status, lines of the output, and how often the suite was run."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    ran = subprocess.run(
        [root / ".ci" / "run", *arguments], env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False,
    )  # fmt: skip
    return ran.returncode, ran.stdout.splitlines(), len((root / "runs").read_text().split())


def test_what_passes_at_once_is_run_once_and_pytest_has_the_last_word(checkout: Path) -> None:
    status, lines, runs = ci(checkout)
    assert (status, runs) == (0, 1)
    assert "4 passed, 1 skipped in" in lines[-1]
    assert not any("twice" in line for line in lines)


def test_what_passes_the_second_time_is_named_in_the_last_lines(checkout: Path) -> None:
    (checkout / "flaky").write_text("a b, c")
    status, lines, runs = ci(checkout)
    assert (status, runs) == (0, 2)
    assert lines[-4:] == [
        "== 2 tests were run twice:",
        "==   tests/test_tiny.py::test_flaky[a b]: passed the second time",
        "==   tests/test_tiny.py::test_flaky[c]: passed the second time",
        "4 passed, 0 failed, 0 errors, 1 skipped, both runs together; 2 of these tests were run twice",
    ]


def test_what_fails_twice_fails(checkout: Path) -> None:
    (checkout / "flaky").write_text("c")
    (checkout / "broken").touch()
    status, lines, runs = ci(checkout)
    assert (status, runs) == (1, 2)
    assert set(lines[-3:-1]) == {
        "==   tests/test_tiny.py::test_flaky[c]: passed the second time",
        "==   tests/test_tiny.py::test_broken: failed again",
    }
    assert lines[-1].startswith("3 passed, 1 failed, 0 errors, 1 skipped, both runs together; 2 of")


def test_failures_of_an_earlier_run_are_not_counted(checkout: Path) -> None:
    (checkout / "broken").touch()
    assert ci(checkout)[0] == 1
    (checkout / "broken").unlink()
    (checkout / "flaky").write_text("c")
    (checkout / "seen c").unlink()
    status, lines, _ = ci(checkout)
    assert (status, lines[-3]) == (0, "== 1 tests were run twice:")


def test_a_test_that_cannot_be_loaded_is_a_failure(checkout: Path) -> None:
    (checkout / "tests" / "test_unloadable.py").write_text("import no_such_module\n")
    status, lines, runs = ci(checkout)
    assert (status != 0, runs) == (True, 2)
    assert lines[-2] == "==   tests/test_unloadable.py: failed again"
    assert " 0 failed, 1 errors, " in lines[-1]


def test_a_linter_that_fails_fails_though_every_test_passes(checkout: Path) -> None:
    (checkout / "lint_fails").touch()
    status, lines, runs = ci(checkout)
    assert (status != 0, runs) == (True, 2)
    assert lines[-1].startswith("== no test was run twice: 4 passed, 1 skipped in")


def test_what_is_for_the_script_comes_first_in_both_runs(checkout: Path) -> None:
    (checkout / "flaky").write_text("c")
    (checkout / "broken").touch()
    status, lines, runs = ci(checkout, "--fast")
    assert (status, runs, lines[-3]) == (0, 2, "== 1 tests were run twice:")


def test_arguments_reach_both_runs(checkout: Path) -> None:
    (checkout / "flaky").write_text("a b, c")
    status, lines, _ = ci(checkout, "-k", "flaky")
    assert (status, lines[-1]) == (
        0, "2 passed, 0 failed, 0 errors, 0 skipped, both runs together; 2 of these tests were run twice",
    )  # fmt: skip
