# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a command prints is what was said: a path is neither markup nor an emoji."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.table import Table

from trustseg.cli.app import main
from trustseg.cli.plain_console import PlainConsole

SOURCES = Path(__file__).parents[4] / "ros2_ws" / "src"
TEXT = "runs/[bold]/images:car:255 [/] [link=x] :b: [red]"


def test_text_and_cells_stay_as_they_are() -> None:
    said = io.StringIO()
    console = PlainConsole(file=said, width=120)
    table = Table("path")
    table.add_row(TEXT)
    console.print(TEXT)
    console.print(table)
    assert said.getvalue().count(TEXT) == 2


def test_an_error_names_what_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["verify", "--bundle", "nothing:car:[red]"])
    assert ended.value.code == 2
    assert "nothing:car:[red]" in capsys.readouterr().err


def test_no_command_makes_another_console() -> None:
    plain = re.compile(r"(?<![A-Za-z])Console\(")
    found = [path.name for path in SOURCES.rglob("*.py") if plain.search(path.read_text(encoding="utf-8"))]
    assert found == []
