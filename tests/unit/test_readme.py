"""The README says what the code does: parameters, commands, files."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from trustseg.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_parameter_table_equals_the_declared_parameters() -> None:
    pytest.importorskip("rclpy", reason="ROS 2 is not installed")
    from trustseg_ros.parameters import MonitorConfig, SegmenterConfig

    declared = {}
    for node, kind in (("trustseg", SegmenterConfig), ("trustseg_monitor", MonitorConfig)):
        for each in dataclasses.fields(kind):
            nodes = declared.setdefault(each.name, ([], str(each.default), each.metadata["description"]))[0]
            nodes.append(node)
    section = README.split("## Parameters")[1].split("\n## ")[0]
    rows = [cells(line) for line in section.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): (row[1].split(", "), row[2].strip("`"), row[3]) for row in rows}
    assert {name: (nodes, default, text) for name, (nodes, default, text) in declared.items()} == told


def test_command_table_equals_the_commands() -> None:
    section = README.split("## The command")[1].split("### ")[0]
    assert set(re.findall(r"^\| `trustseg ([a-z-]+)`", section, re.MULTILINE)) == set(COMMANDS)


def test_every_linked_file_exists_and_nothing_is_left_open() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert "@@" not in README
