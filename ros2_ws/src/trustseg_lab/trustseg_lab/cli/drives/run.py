# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg run`: a drive goes through the real node, and images come out."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from trustseg.backend_registry import CHOICE
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.cli.plain_console import PlainConsole
from trustseg.files.json_document import print_json

EXIT_INTERRUPTED = 130


def run(
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="Your own footage: video, ROS 2 bag (folder, .mcap, .db3) or folder of images. "
            "Left out: a rendered drive.",
        ),
    ] = None,
    topic: Annotated[str | None, typer.Option(help="Image topic of the bag; needed only when it has several.")] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the results; replaced if it holds those of an earlier drive.")
    ] = Path("out/demo"),
    rate: Annotated[
        float | None,
        typer.Option(help="Images a second, 1 to 60. Default: 10, or the footage's own if lower."),
    ] = None,
    duration: Annotated[
        float | None,
        typer.Option(help="Seconds, 2 to 3600. Default: as the faults need (67); 60 of your footage."),
    ] = None,
    trouble: Annotated[
        str | None,
        typer.Option(
            help="What happens on the way: all, none, or some of fog,night,dirt,cargo,frozen,stop,kill in your order "
            "(your own footage: frozen,stop,kill; cargo, a box ahead, is not in all: only a bundle with a plane of "
            "unknown objects notices it). Default: all for the rendered drive, none for your own footage."
        ),
    ] = None,
    no_trouble: Annotated[bool, typer.Option("--no-trouble", help="The same as --trouble none.")] = False,
    bundle: Annotated[
        str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")
    ] = DEFAULT_BUNDLE,
    backend: Annotated[str, typer.Option(help=f"{CHOICE}.")] = "auto",
    threads: Annotated[int, typer.Option(help="Threads of the engine, 1 to 64.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Which street is rendered.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print summary.json on stdout, nothing else there.")] = False,
) -> None:
    """Drive through camera, segmentation node and failure monitor over ROS 2, and show when the flag was up and why.

    Exit code 0: every failure was flagged and no frame lost; 1: not so; 2: bad input.
    """
    from trustseg.errors import InputError
    from trustseg_lab.demo.main_job import RunOptions, run_drive
    from trustseg_lab.demo.printed_report import print_report

    if no_trouble and trouble not in (None, "none"):
        raise InputError("--no-trouble and --trouble contradict each other", fix="give one of them")
    err = PlainConsole(stderr=True)
    options = RunOptions(
        out=out, source=source, topic=topic, rate_hz=rate, duration_s=duration,
        trouble="none" if no_trouble else trouble,
        bundle=bundle, backend=backend, threads=threads, seed=seed,
    )  # fmt: skip
    try:
        summary = run_drive(options, err)
    except KeyboardInterrupt:
        # The end has begun: one more Ctrl-C would end the interpreter by the signal, without this status.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        err.print("trustseg: interrupted; every process has ended, nothing was written", style="red")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    if as_json:
        print_json(summary.to_json())
    else:
        print_report(PlainConsole(), summary, out)
    if not summary.ok:
        raise typer.Exit(1)
