# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs `trustseg replay` in this process and reads what it wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from trustseg.cli.app import main

# What differs between runs: measured times, and where the recording was.
MEASURED = {"timing.parquet", "timing.json", "report.html", "recording.json"}


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
