# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""No seed of any command is below 0, which numpy's generators do not take: a traceback after minutes of work."""

from __future__ import annotations

import re
from pathlib import Path

COMMANDS = Path(__file__).parents[4] / "docs" / "commands.md"  # what typer knows; a test holds it to that


def test_every_seed_begins_at_0() -> None:
    parts = re.split(r"^#+ `(trustseg [^`]*)`$", COMMANDS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    lines = {name: re.findall(r"^\* `--seed .*$", text, re.MULTILINE) for name, text in zip(*[iter(parts[1:])] * 2)}
    found = {name: line for name, (line,) in ((name, each) for name, each in lines.items() if each)}
    assert {"trustseg calibrate", "trustseg fit-confidence", "trustseg train", "trustseg run"} <= set(found)
    assert [line for line in found.values() if "x>=0" not in line] == []
