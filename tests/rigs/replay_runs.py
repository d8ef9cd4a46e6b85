# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs `trustseg replay` in this process, holds others in the middle of their work, and reads what they wrote."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from trustseg.cli.app import main

# What differs between runs: measured times, and where the recording was.
MEASURED = {"timing.parquet", "timing.json", "report.html", "recording.json"}
# What each of the processes runs at its start. A drive that is to write a later one of its pictures says so, and waits.
HOLD = """
import os, sys, time

def hold(event, arguments, folder={folder!r}):
    if event != "os.mkdir" or "/.part-" not in str(arguments[0]) or os.path.basename(str(arguments[0])) != "drive":
        return
    if os.path.isdir(arguments[0]) and not os.path.exists(os.path.join(folder, "go-on")):
        with open(os.path.join(folder, f"held-{{os.getpid()}}"), "x"):
            pass
        while not os.path.exists(os.path.join(folder, "go-on")):
            time.sleep(0.01)

sys.addaudithook(hold)
"""


def run(bundle: Path, out: Path, inputs: Sequence[Path], *more: str) -> int:
    """Exit code of the command."""
    return main_code(["replay", *map(str, inputs), "--bundle", str(bundle), "--out", str(out), "--threads", "1", *more])


def main_code(arguments: Sequence[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in MEASURED
    }


class HeldDrives:
    """Holds every drive of the processes that have its variables in its middle, however quick they are.

    Args:
        folder: a new one.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(HOLD.format(folder=str(folder)))
        self._folder = folder
        paths = [str(folder), os.environ.get("PYTHONPATH")]
        self.variables = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def processes(self) -> list[int]:
        """Those that wait in the middle of a drive, or did."""
        return [int(path.name.partition("-")[2]) for path in self._folder.glob("held-*")]

    def go_on(self) -> None:
        """Nobody is held any longer."""
        (self._folder / "go-on").touch()
