# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The development container: what ./test.sh asks of a machine, and the same commands as outside of it."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / ".devcontainer"
SETTINGS = json.loads((FOLDER / "devcontainer.json").read_text(encoding="utf-8"))


def test_it_sets_up_and_then_runs_the_fast_tests() -> None:
    assert SETTINGS["postCreateCommand"] == "./test.sh --fast"
    for command in (SETTINGS["onCreateCommand"], SETTINGS["postCreateCommand"]):
        program, _, option = command.partition(" ")
        script = ROOT / program
        assert os.access(script, os.X_OK)
        assert f"== {option} " in script.read_text(encoding="utf-8")


def test_its_image_has_what_the_set_up_asks_for_and_is_not_root() -> None:
    text = (FOLDER / SETTINGS["build"]["dockerfile"]).read_text(encoding="utf-8")
    installed = set(re.sub(r"\\\n", " ", text).split("--no-install-recommends", 1)[1].split("&&")[0].split())
    script = (ROOT / "scripts" / "setup.sh").read_text(encoding="utf-8")
    check = script.split("check_machine() {", 1)[1].split("\n}", 1)[0]
    asked = {word for group in re.findall(r"missing\+=\(([^)]*)\)", check) for word in group.split()}
    asked = {word for word in asked if not re.match(r"python3\.\d", word)}
    assert asked == {"python3", "python3-venv", "python3-dev", "g++", "make"}
    assert asked <= installed
    assert re.findall(r"^USER (\w+)$", text, re.MULTILINE) == [SETTINGS["remoteUser"]]
