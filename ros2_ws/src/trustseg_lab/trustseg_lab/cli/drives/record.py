# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg record`: live topics into an MCAP bag, for machines without rosbag2."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trustseg.cli.plain_console import PlainConsole


def record(
    out: Annotated[Path, typer.Option(help="Folder of the bag; must not exist.")],
    topics: Annotated[
        list[str] | None, typer.Argument(metavar="[TOPIC]...", help="Topics to record; left out: all of them.")
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds; left out: until Ctrl-C.")] = None,
    humble: Annotated[bool, typer.Option("--humble", help="Metadata that rosbag2 of Humble reads.")] = False,
) -> None:
    """Record live topics as MCAP, readable by rosbag2, Foxglove and `trustseg replay`.

    Exit code 0 at the end or after Ctrl-C; 1: the disk failed, nothing is left; 2: bad input.
    """
    from trustseg.errors import InputError
    from trustseg_lab.tools.topic_recorder import RecordOptions
    from trustseg_lab.tools.topic_recorder import record as run

    if duration is not None and not duration > 0:
        raise InputError(f"--duration {duration:g} is out of range", expected="above 0 s")
    names = tuple(each if each.startswith("/") else f"/{each}" for each in topics or ())
    err = PlainConsole(stderr=True, soft_wrap=True)
    code = run(
        RecordOptions(out, names, duration, 8 if humble else 9),
        lambda line: err.print(f"trustseg: {line}", style="yellow", markup=False),
    )
    if code:
        raise typer.Exit(code)
