# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writes docs/parameters.md and docs/commands.md from the code, between the markers of each file.

    .venv/bin/python scripts/reference_pages.py

tests/unit/repository/test_reference_pages.py fails when a page is older than the code.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
BEGIN = "<!-- written by scripts/reference_pages.py -->\n"
END = "<!-- end of what is written -->\n"


def parameters() -> str:
    """One table for each node; what two nodes share stands first."""
    from trustseg_ros.common.parameters import CameraConfig, MonitorConfig, RecorderConfig, SegmenterConfig, Timing

    shared = {each.name for each in dataclasses.fields(Timing)}
    kinds: tuple[tuple[str, type, set[str]], ...] = (
        ("Both nodes: equal in `trustseg` and `trustseg_monitor`", Timing, set()),
        ("The segmentation node, `trustseg`", SegmenterConfig, shared),
        ("The failure monitor, `trustseg_monitor`", MonitorConfig, shared),
        ("The camera process, `camera`", CameraConfig, set()),
        ("The recorder, `recorder`", RecorderConfig, set()),
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


PAGES: dict[str, Callable[[], str]] = {"parameters.md": parameters, "commands.md": commands}


def whole(page: str) -> str:
    """The page's file with what the code says now."""
    before, _, rest = (DOCS / page).read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n{PAGES[page]()}\n{END}{after}"


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
