# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg watch`: the running system in a browser, and in Foxglove."""

from __future__ import annotations

from typing import Annotated

import typer

from trustseg.cli.plain_console import PlainConsole


def watch(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0: a free one.")] = 8080,
    address: Annotated[
        str, typer.Option(help="Address to serve on; 0.0.0.0: to every machine that asks.")
    ] = "127.0.0.1",
    foxglove: Annotated[bool, typer.Option("--foxglove", help="Also serve to Foxglove, over its WebSocket.")] = False,
    foxglove_port: Annotated[int, typer.Option(min=0, max=65535, help="Port of that; 0: a free one.")] = 8765,
    simulation: Annotated[
        bool, typer.Option("--simulation", help="Also believe verdicts on recorded or simulated frames.")
    ] = False,
) -> None:
    """Show mask, confidence, flag, reasons and times of the nodes that run in this ROS domain.

    The pictures cost the segmentation node time: they are asked for only while a page is open. Ends with Ctrl-C.
    """
    from trustseg_lab.watch.watcher import WatchOptions
    from trustseg_lab.watch.watcher import watch as run

    console = PlainConsole(soft_wrap=True)
    code = run(
        WatchOptions(address, port, foxglove_port if foxglove else None, simulation),
        lambda line: console.print(line, markup=False),
    )
    if code:
        raise typer.Exit(code)
