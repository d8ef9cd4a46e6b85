# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""docs/parameters.md, docs/commands.md and the messages of docs/topics.md are what the code says now."""

from __future__ import annotations

import dataclasses
import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import typer

import trustseg
from trustseg.cli.app import build_app, commands

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "reference_pages.py"))


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SCRIPT["PAGES"])
def test_a_page_is_as_new_as_the_code(name: str) -> None:
    if name == "parameters.md":
        pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    assert page(name) == SCRIPT["whole"](name), "run: .venv/bin/python scripts/reference_pages.py"


def test_every_parameter_stands_there_once_for_its_node_with_its_default() -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from trustseg_ros.common.parameters import CameraConfig, MonitorConfig, RecorderConfig, SegmenterConfig

    sections = page("parameters.md").split("\n## ")
    both = sections[1]
    for title, kind in (
        ("`trustseg`\n", SegmenterConfig), ("`trustseg_monitor`\n", MonitorConfig), ("`camera`\n", CameraConfig),
        ("`recorder`\n", RecorderConfig),
    ):  # fmt: skip
        own = next(each for each in sections[2:] if title in each)
        for field in dataclasses.fields(kind):
            rows = re.findall(rf"^\| `{field.name}` \|(.*)$", own + (both if "trustseg" in title else ""), re.MULTILINE)
            assert len(rows) == 1, (title, field.name)
            assert (f"`{field.default}`" if field.default != "" else "empty") in rows[0]
            assert field.metadata["description"] in rows[0]


def leaves(command: Any, name: str) -> dict[str, Any]:
    """Every command that can be called, by its whole name."""
    if not hasattr(command, "commands"):
        return {name: command}
    return {k: v for sub, each in command.commands.items() for k, v in leaves(each, f"{name} {sub}").items()}


def test_every_command_and_option_stands_there() -> None:
    text = page("commands.md")
    assert set(re.findall(r"^\| `trustseg ([a-z-]+)`", text, re.MULTILINE)) == set(commands())
    found = leaves(typer.main.get_command(build_app()), "trustseg")
    assert len(found) > len(commands())
    for name, command in found.items():
        section = re.split(r"^##+ ", text.split(f"# `{name}`\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
        for parameter in command.params:
            words = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar or parameter.name]
            assert all(word in section for word in words), (name, parameter.name)


def test_every_field_and_constant_of_the_messages_stands_there() -> None:
    sections = page("topics.md").split("\n### ")
    paths = sorted((ROOT / "ros2_ws" / "src" / "trustseg_interfaces" / "msg").glob("*.msg"))
    assert len(paths) == 4
    for path in paths:
        section = next(each for each in sections if each.startswith(f"{path.stem}\n"))
        declared = [line.split("#")[0] for line in path.read_text(encoding="utf-8").splitlines()]
        constants = [line.split()[1] for line in declared if "=" in line]
        fields = [line.split()[1] for line in declared if line.strip() and "=" not in line]
        assert re.findall(r"^\| `(\w+)`", section, re.MULTILINE) == fields
        assert re.findall(r"\d `(\w+)`", section) == constants


def test_every_public_name_of_the_library_stands_there() -> None:
    shown = re.findall(r"^::: trustseg\.(\w+)$", page("python.md"), re.MULTILINE)
    assert sorted(shown) == sorted(name for name in trustseg.__all__ if not name.startswith("__"))
