# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg mine`: from recordings to the frames most worth a label."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import TaskID
from rich.table import Table

from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg_lab.cli.drives.recording_options import (
    ALL_TOPICS,
    BACKEND,
    BUNDLE,
    END,
    PRECISION,
    START,
    THREADS,
    TOPIC,
)

MOST_ROWS = 20


def mine(
    inputs: Annotated[list[Path], typer.Argument(
        metavar="INPUT...", help="Bags, videos, folders of images, or results of trustseg replay.",
    )],
    out: Annotated[Path, typer.Option(
        help="Folder for the frames; replaced if it holds those of an earlier run, as they were written.",
    )],
    budget: Annotated[int, typer.Option(help="Frames at most.")] = 50,
    by: Annotated[
        str,
        typer.Option(
            help="Criteria with commas: uncertain, failing, strange, changing, disagreeing. Default: all, the last one "
            "where the bundle is a pair of networks or --against is given."
        ),
    ] = "",
    against: Annotated[
        str,
        typer.Option(
            metavar="BUNDLE",
            help="A second bundle of the same classes: how far its mask differs is the criterion disagreeing. It sees "
            "each frame once; of replay results only a preselection of four times the budget is segmented again.",
        ),
    ] = "",
    confidence: Annotated[
        float, typer.Option(help="Pixels with less calibrated confidence are left void in the proposed labels.")
    ] = 0.9,
    duplicates: Annotated[
        float, typer.Option(help="Mean difference in grey levels up to which two images are near-duplicates.")
    ] = 4.0,
    export: Annotated[
        list[str] | None,
        typer.Option(help="Also write what a labelling tool imports: cvat, coco, cityscapes or label-studio; repeat."),
    ] = None,
    bundle: Annotated[str, BUNDLE] = DEFAULT_BUNDLE,
    topic: Annotated[list[str] | None, TOPIC] = None,
    all_topics: Annotated[bool, ALL_TOPICS] = False,
    start: Annotated[float, START] = 0.0,
    end: Annotated[float | None, END] = None,
    every: Annotated[int, typer.Option(help="Look at one image out of so many.")] = 1,
    recording: Annotated[list[Path] | None, typer.Option(
        help="Where the recording of replay results is now, or a folder that holds it, where it was moved; repeat.",
    )] = None,
    backend: Annotated[str | None, BACKEND] = None,
    precision: Annotated[str, PRECISION] = "fp32",
    threads: Annotated[int, THREADS] = 2,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print mined.json on stdout, nothing else there.")
    ] = False,
) -> None:  # fmt: skip
    """Choose the frames most worth a label: by several criteria, and different from each other.

    Results of `trustseg replay` are ranked by their tables: only chosen frames are read and segmented.

    Writes images/, labels/ (the network's mask, unsure pixels void: 255), classes.json, mined.json and a contact sheet.
    Once people have corrected the labels, calibrate takes `--data OUT/images:OUT/labels:255`, and train
    `--images OUT/images --labels OUT/labels --classes OUT/classes.json`.
    """
    from trustseg.errors import InputError
    from trustseg.files.json_document import print_json
    from trustseg_lab.data.mined_set import LIST
    from trustseg_lab.mining.mine import MiningRequest
    from trustseg_lab.mining.mine import mine as run
    from trustseg_lab.replay.job import ReplayOptions

    if topic and all_topics:
        raise InputError("--topic and --all-topics contradict each other", fix="give one of them")
    options = ReplayOptions(
        bundle=bundle, backend=backend, precision=precision, threads=threads, start_s=start, end_s=end, every=every,
        allow_resolution_change=True,
    )  # fmt: skip
    names = tuple(name.strip() for name in by.split(",") if name.strip()) if by else None
    request = MiningRequest(
        inputs=tuple(inputs), out=out, options=options, budget=budget, by=names, against=against, confidence=confidence,
        duplicate_levels=duplicates, topics=tuple(topic or ()), every_topic=all_topics, exports=tuple(export or ()),
        recordings=tuple(recording or ()),
    )  # fmt: skip
    err = PlainConsole(stderr=True, soft_wrap=True)
    with Bars(err) as bar:
        bars: dict[str, TaskID] = {}

        def tick(name: str, done: int, count: int) -> None:
            if name not in bars:
                bars[name] = bar.add_task(name, total=count or None)
            bar.update(bars[name], completed=done)

        document = run(request, tick)
    for line in document["failed"]:
        err.print(f"trustseg: {line}", style="yellow", markup=False)
    if as_json:
        print_json(document)
    else:
        _print(document, out / LIST)


def _print(document: dict[str, Any], where: Path) -> None:
    console = PlainConsole()
    table = Table(title=f"{len(document['frames'])} of {document['candidates']} frames")
    for name in ("#", "recording", "at s", "worth", "reason", "proposed"):
        table.add_column(name, justify="left" if name in ("recording", "reason") else "right")
    for number, row in enumerate(document["frames"][:MOST_ROWS]):
        table.add_row(
            str(number), row["recording"], f"{row['since_s']:.1f}", f"{row['worth']:.2f}", row["reason"],
            f"{row['labelled_share']:.0%}",
        )  # fmt: skip
    console.print(table)
    more = len(document["frames"]) - MOST_ROWS
    if more > 0:
        console.print(f"and {more} more")
    if len(document["frames"]) < document["budget"]:
        console.print(
            "all others are near-duplicates of these" if document["candidates"] > len(document["frames"]) else ""
        )
    if document["preselected"] is not None:
        console.print(
            f"disagreement was asked of {document['preselected']} preselected frames; only these were chosen from"
        )
    unusable = ", ".join(f"{count} {why}" for why, count in document["unusable"].items())
    if unusable:
        console.print(f"left out, nobody could label them: {unusable}", markup=False)
    made = ", ".join(["images", "labels", where.name, "contact_sheet.png", *document["exports"]])
    console.print(f"in {where.parent}: {made}", soft_wrap=True, markup=False)
