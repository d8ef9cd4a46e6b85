# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The command as a user types it: one clear line for what cannot be understood, and the promised exit codes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import trustseg
from trustseg.cli import app


def run(capsys: pytest.CaptureFixture[str], *args: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        app.main(list(args))
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("nope",), "nope"),
        (("evaluate",), "--bundle"),
        (("run", "--rate", "abc"), "--rate"),
        (("run", "--nope"), "--nope"),
        (("verify", "--bundle", "no/such/bundle"), "no/such/bundle"),
        # What the system refuses before anything is opened, as a folder above that is locked does too.
        (("replay", "x" * 300, "--out", "out"), "cannot be used, got File name too long"),
        (
            ("evaluate", "--bundle", "tiny\udcff" * 200, "--images", "i", "--labels", "l", "--out", "o"),
            "File name too long",
        ),
    ],
)
def test_what_cannot_be_understood_is_one_line(
    capsys: pytest.CaptureFixture[str], args: tuple[str, ...], says: str
) -> None:
    code, out, err = run(capsys, *args)
    assert code == app.EXIT_USAGE
    assert out == ""
    assert err.startswith("trustseg: ")
    assert err.count("\n") == 1
    assert says in err


@pytest.mark.parametrize("name", sorted(app.commands()))
def test_every_command_has_help_for_each_of_its_options(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == app.EXIT_GOOD
    assert "Usage:" in out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == app.EXIT_GOOD
    assert [name for name in app.commands() if name not in out] == []


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_standard_files_it_runs_as_with_them(closed: str, tmp_path: Path) -> None:
    """Its words must not go into the first file that it opens, nor end in a traceback."""
    left = "" if "2>&-" in closed else f" 2>{tmp_path}/errors"
    printed = "" if " >&-" in f" {closed}" else f" >{tmp_path}/printed"
    command = f'"$0" -m trustseg --version {closed}{left}{printed}'
    ran = subprocess.run(["sh", "-c", command, sys.executable], check=False, capture_output=True)
    assert ran.returncode == 0
    told = [each.read_text() for each in tmp_path.iterdir() if each.read_text()]
    assert told == ([f"trustseg {trustseg.__version__}\n"] if printed else [])


@pytest.mark.parametrize("args", [("--version",), ("env", "--json")])
def test_an_output_that_cannot_be_written_is_one_line(args: tuple[str, ...]) -> None:
    """Also where it is kept in memory until the end, as of every program whose output is no terminal."""
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "trustseg", *args]
        ran = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=buffered)
    line = "trustseg: the output cannot be written, got No space left on device; free some space there\n"
    assert (ran.returncode, ran.stderr) == (2, line)


def test_a_device_that_failed_is_not_taken_for_that_of_the_output() -> None:
    """EIO names no file, whether it comes from a write or from reading a recording."""
    program = """
from trustseg.cli import app
def command(**_):
    with open("/proc/self/mem", "rb") as unmapped:
        unmapped.read(1)
app.build_app = lambda only: command
app.main([])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ran.returncode == app.EXIT_USAGE
    assert ran.stderr == (
        "trustseg: an input cannot be read or the output cannot be written, got Input/output error; "
        "check the devices that they are on\n"
    )
