# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/parameters.md, docs/commands.md and the messages of docs/topics.md, between the markers of each file.

    .venv/bin/python scripts/reference_pages.py

tests/unit/repository/test_reference_pages.py fails when a page is older than the code.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
MESSAGES = ROOT / "ros2_ws" / "src" / "trustseg_interfaces" / "msg"
BEGIN = "<!-- written by scripts/reference_pages.py -->\n"
END = "<!-- end of what is written -->\n"


def parameters() -> str:
    """One table for each node; what two nodes share stands first."""
    from trustseg_lab.tools.video_decoder import VideoDecoderConfig
    from trustseg_ros.blackbox.config import BlackboxConfig
    from trustseg_ros.common.parameters import CameraConfig, MonitorConfig, RecorderConfig, SegmenterConfig, Timing
    from trustseg_ros.ground_grid.config import GroundGridConfig
    from trustseg_ros.operations.node import OperationsConfig
    from trustseg_ros.point_labels.config import PointLabelsConfig
    from trustseg_ros.rig.node import RigConfig
    from trustseg_ros.rig_monitor.node import RigMonitorConfig

    shared = {each.name for each in dataclasses.fields(Timing)}
    kinds: tuple[tuple[str, type, set[str]], ...] = (
        (
            "All nodes: equal in `trustseg`, `trustseg_monitor`, `trustseg_rig_monitor`, `trustseg_ground_grid`, "
            "`trustseg_point_labels`, `trustseg_blackbox` and `trustseg_operations`",
            Timing,
            set(),
        ),
        ("The segmentation node, `trustseg`", SegmenterConfig, shared),
        ("The failure monitor, `trustseg_monitor`", MonitorConfig, shared),
        ("The process of several cameras, `segmenter_rig`", RigConfig, set()),
        ("The rig's monitor, `trustseg_rig_monitor`", RigMonitorConfig, shared),
        ("The ground grid, `trustseg_ground_grid`", GroundGridConfig, shared),
        ("The point labels, `trustseg_point_labels`", PointLabelsConfig, shared),
        ("The bridge to operations, `trustseg_operations`", OperationsConfig, shared),
        ("The black box, `trustseg_blackbox`", BlackboxConfig, shared),
        ("The camera process, `camera`", CameraConfig, set()),
        ("The recorder, `recorder`", RecorderConfig, set()),
        ("The decoder of live video, `video_decoder`", VideoDecoderConfig, set()),
    )
    parts = []
    for title, kind, left_out in kinds:
        fields = [each for each in dataclasses.fields(kind) if each.name not in left_out]
        rows = "\n".join(_parameter_row(each) for each in fields)
        parts.append(
            f"## {title}\n\n| parameter | default | allowed | may change | meaning |\n|---|---|---|---|---|\n{rows}\n"
        )
    return "\n".join(parts)


def commands() -> str:
    """Every command and subcommand with its arguments, options and defaults, as typer documents them."""
    import typer
    from typer.cli import get_docs_for_click

    from trustseg.cli.app import build_app

    command = typer.main.get_command(build_app())
    context = command.make_context("trustseg", [], resilient_parsing=True)
    text = get_docs_for_click(obj=command, ctx=context, name="trustseg")
    text = text[text.index("## `trustseg ") :]
    # The lists of subcommands cut each help text short; the sections that follow have it whole.
    text = re.sub(r"\*\*Commands\*\*:\n\n(?:\* .*\n)+\n?", "", text)
    return text.rstrip() + "\n"


def messages() -> str:
    """One section for each message: what it is, its constants, and its fields with type, default and comment."""
    return "\n".join(_message(path) for path in sorted(MESSAGES.glob("*.msg")))


PAGES: dict[str, Callable[[], str]] = {"parameters.md": parameters, "commands.md": commands, "topics.md": messages}


def whole(page: str) -> str:
    """The page's file with what the code says now."""
    before, _, rest = (DOCS / page).read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{PAGES[page]()}\n{END}{after}"


def _message(path: Path) -> str:
    text = re.sub(r"^# SPDX.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE).lstrip()
    head, _, body = text.partition("\n\n")
    about = " ".join(line.removeprefix("#").strip() for line in head.splitlines())
    constants: dict[str, list[str]] = {}
    group, rows = "", []
    for line in body.splitlines():
        declared, _, comment = (part.strip() for part in line.partition("#"))
        if not declared:
            group = comment or group
        elif "=" in declared:
            value = declared.partition(" ")[2].replace(" = ", " ")
            constants.setdefault(group, []).append(f"{value.rpartition(' ')[2]} `{value.rpartition(' ')[0]}`")
        else:
            kind, name, *default = declared.split()
            rows.append(f"| `{name}` | {kind} | {' '.join(default)} | {comment} |")
    lists = "".join(f"- {name or 'constants'}: {', '.join(values)}\n" for name, values in constants.items())
    table = "| field | type | default | meaning |\n|---|---|---|---|\n" + "\n".join(rows)
    return f"### {path.stem}\n\n{about}\n\n{lists}\n{table}\n"


def _parameter_row(each: dataclasses.Field[Any]) -> str:
    data = each.metadata
    default = f"`{each.default}`" if each.default != "" else "empty"
    if data["choices"]:
        allowed = ", ".join(f"`{choice}`" for choice in data["choices"])
    elif data["minimum"] is not None:
        least, most = f"{data['minimum']:,.12g}", data["maximum"]
        allowed = f"from {least}" if most is None else f"{least} to {most:,.12g}"
    else:
        allowed = {bool: "`True`, `False`", str: "text"}[type(each.default)]
    changes = "any time" if data["live"] else "unconfigured" if data["idle"] else "start"
    return f"| `{each.name}` | {default} | {allowed} | {changes} | {data['description']} |"


if __name__ == "__main__":
    from trustseg.host import ros_env

    ros_env.enter()
    for name in PAGES:
        (DOCS / name).write_text(whole(name), encoding="utf-8")
        print(f"docs/{name}")
