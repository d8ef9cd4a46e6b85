# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every `ros2 launch` and `ros2 run` of this project that the documents print names what is there.

The command `ros2` itself is not among the wheels: launch files, arguments, executables and parameters are looked up
where it would find them.
"""

from __future__ import annotations

import ast
import itertools
import re
import runpy
import shlex
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "ros2_ws" / "src" / "trustseg_ros" / "launch"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "examples").rglob("*.md")),
]
# Executable -> node whose parameters it takes; the others take none of their own in the documents.
NODES = {"segmenter": "trustseg", "camera": "camera", "recorder": "recorder"}


def printed(kind: str) -> list[str]:
    """Each `ros2 KIND trustseg_ros ...` of a code block or between backticks, once, without its comment."""
    found: dict[str, None] = {}
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8").replace("\\\n", " ")
        for words in re.findall(rf"(ros2 {kind} trustseg_ros [^\n`]*)", text):
            found[" ".join(re.sub(r"\s#.*", "", words).split())] = None
    return list(found)


@cache
def launch_arguments(name: str) -> tuple[str, ...]:
    """Arguments that the launch file declares: the keys of its `ARGUMENTS`; test_launch.py starts it with some."""
    for node in ast.parse((LAUNCH / name).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ARGUMENTS":
            assert isinstance(node.value, ast.Dict)
            return tuple(ast.literal_eval(key) for key in node.value.keys if key is not None)
    raise AssertionError(f"{name} has no ARGUMENTS")


@cache
def executables() -> tuple[str, ...]:
    """Names that `ros2 run trustseg_ros` knows."""
    source = (ROOT / "ros2_ws" / "src" / "trustseg_ros" / "setup.py").read_text(encoding="utf-8")
    found = re.search(r"EXECUTABLES = \(([^)]*)\)", source)
    assert found
    return tuple(re.findall(r'"(\w+)"', found[1]))


@cache
def parameters() -> dict[str, set[str]]:
    """Node -> its parameters, by the generated page, which another test holds to the code."""
    pages = runpy.run_path(str(ROOT / "scripts" / "reference_pages.py"))
    found: dict[str, set[str]] = {}
    for section in pages["parameters"]().split("## ")[1:]:
        title, _, table = section.partition("\n")
        for node in re.findall(r"`(\w+)`", title):
            found.setdefault(node, set()).update(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    return found


def test_commands_are_found() -> None:
    assert len(printed("launch")) >= 4
    assert len(printed("run")) >= 3
    assert {"segmenter", "monitor", "blackbox"} <= set(executables())


@pytest.mark.parametrize("command", printed("launch"))
def test_a_printed_launch_names_arguments_and_profiles_that_are_there(command: str) -> None:
    _, _, _, file, *given = shlex.split(command)
    declared = launch_arguments(file)
    for each in given:
        if each.startswith("--"):
            continue
        name, _, value = each.partition(":=")
        assert name in declared, f"{file} declares {', '.join(declared)}"
        if name == "profile":
            assert (LAUNCH / "profiles" / f"{value}.yaml").is_file()


@pytest.mark.parametrize("command", printed("run"))
def test_a_printed_run_names_an_executable_and_its_parameters(command: str) -> None:
    _, _, _, executable, *given = shlex.split(command)
    assert executable in executables()
    node = NODES.get(executable, f"trustseg_{executable}")
    for flag, value in itertools.pairwise(given):
        if flag == "-p":
            assert value.partition(":=")[0] in parameters()[node]
