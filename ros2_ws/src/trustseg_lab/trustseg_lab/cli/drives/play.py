# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg play`: a bag to live nodes, for machines without rosbag2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustseg.cli.plain_console import PlainConsole


def play(
    bag: Annotated[Path, typer.Argument(help="ROS 2 bag (folder, .mcap, .db3) or ROS 1 bag.")],
    topic: Annotated[list[str] | None, typer.Option(help="Play only this topic; may be repeated.")] = None,
    remap: Annotated[
        list[str] | None, typer.Option(metavar="FROM:=TO", help="Publish a topic under another name; may be repeated.")
    ] = None,
    rate: Annotated[float, typer.Option(help="Times as fast as recorded, 0.01 to 100.")] = 1.0,
    loop: Annotated[bool, typer.Option("--loop", help="Begin again at the end; stamps and /clock step back.")] = False,
    start: Annotated[float, typer.Option(help="Seconds after the first message to begin at.")] = 0.0,
    end: Annotated[float | None, typer.Option(help="Seconds after the first message to end before.")] = None,
    clock: Annotated[bool, typer.Option("--clock", help="Publish /clock, for nodes with use_sim_time.")] = False,
    clock_hz: Annotated[float, typer.Option(help="Rate of /clock, 1 to 1000.")] = 100.0,
    wait_for: Annotated[int, typer.Option(help="Subscriptions to wait for before the first message.")] = 0,
) -> None:
    """Publish a recording in its own time. The node must run with mode:=replay, or mode:=sim and use_sim_time.

    Exit code 0 at the end or after Ctrl-C; 2: bad input.
    """
    from trustseg.errors import InputError
    from trustseg_lab.tools.player import PlayOptions
    from trustseg_lab.tools.player import play as run

    for name, value, low, high in (("--rate", rate, 0.01, 100.0), ("--clock-hz", clock_hz, 1.0, 1000.0)):
        if not low <= value <= high:
            raise InputError(f"{name} {value:g} is out of range", expected=f"{low:g} to {high:g}")
    if start < 0 or (end is not None and end <= start):
        raise InputError("--start and --end", expected="0 <= start < end", got=f"{start:g} and {end}")
    names = []
    for each in remap or []:
        source, sign, target = each.partition(":=")
        if not sign or not source or not target:
            raise InputError(f"--remap {each}", expected="FROM:=TO, such as /camera/image_raw:=/image")
        names.append((source, target))
    options = PlayOptions(
        bag=bag, topics=tuple(topic or ()), names=tuple(names), rate=rate, loop=loop, start_s=start, end_s=end,
        clock_hz=clock_hz if clock else 0.0, wait_for=wait_for,
    )  # fmt: skip
    err = PlainConsole(stderr=True, soft_wrap=True)
    code = run(options, lambda line: err.print(f"trustseg: {line}", style="yellow", markup=False))
    if code:
        raise typer.Exit(code)
