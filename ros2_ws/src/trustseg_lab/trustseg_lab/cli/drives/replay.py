# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay`: a recorded drive in, the truth about the node out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import TaskID
from rich.table import Table

from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.camera.input_geometry import FIT
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg_lab.cli.drives.recording_options import (
    ALL_TOPICS,
    BACKEND,
    BUNDLE,
    END,
    INPUTS,
    PRECISION,
    START,
    THREADS,
    TOPIC,
)
from trustseg_lab.cli.geometry_options import INPUT_GEOMETRY, REGION_OF_INTEREST, UNDISTORT, geometry_of
from trustseg_lab.cli.label_options import LABEL_CLASSES, LABEL_FORMAT, LABEL_NAMES
from trustseg_lab.cli.tables.rig_table import rig_table

if TYPE_CHECKING:
    from trustseg_lab.replay.replay import ReplayResult

SHOWN_LOSSES = 5
# Heading of the printed table -> figure, unit.
FIGURES = {
    "images": ("frames", ""), "processed / rejected": ("processed", ""), "recorded time": ("duration_s", " s"),
    "failure flag up, after start-up": ("failure_share", "%"), "failures": ("failures", ""),
    "failures an hour": ("failures_per_hour", ""), "predicted quality, mean": ("predicted_miou_mean", ""),
    "mean confidence": ("mean_confidence", ""), "flicker of the mask": ("flicker", "%"), "mIoU (labels)": ("miou", ""),
    "poor frames missed (labels)": ("missed", ""),
}  # fmt: skip


def replay(
    inputs: Annotated[list[Path], INPUTS],
    out: Annotated[Path, typer.Option(help="Folder for the results; replaced if it holds those of an earlier replay.")],
    bundle: Annotated[str, BUNDLE] = DEFAULT_BUNDLE,
    topic: Annotated[list[str] | None, TOPIC] = None,
    all_topics: Annotated[bool, ALL_TOPICS] = False,
    required_topic: Annotated[
        list[str] | None, typer.Option(help="A camera that raises the flag of the rig, once for each. Default: all.")
    ] = None,
    labels: Annotated[
        str, typer.Option(help="Truth: a folder of class ids named as the images, by stamp or number; or a topic.")
    ] = "",
    void: Annotated[int | None, typer.Option(help="Id of unlabelled pixels in the labels; they are left out.")] = None,
    label_names: Annotated[str, LABEL_NAMES] = "",
    label_format: Annotated[str, LABEL_FORMAT] = "auto",
    label_classes: Annotated[str, LABEL_CLASSES] = "",
    start: Annotated[float, START] = 0.0,
    end: Annotated[float | None, END] = None,
    every: Annotated[int, typer.Option(help="Process one image out of so many; the others let time pass.")] = 1,
    rate: Annotated[
        float | None,
        typer.Option(help="Rate of the camera, Hz. Default: the median step of its stamps; folders 10."),
    ] = None,
    live: Annotated[
        bool,
        typer.Option("--live", help="Also hold stamps against the time of recording, as on the road."),
    ] = False,
    stamps: Annotated[
        str, typer.Option(help="Time of an image of a bag: its header's, or that of its recording: header or recorded.")
    ] = "header",
    frozen: Annotated[
        bool | None,
        typer.Option(help="Equal images in a row are a frozen camera. Default: yes, but not in a video."),
    ] = None,
    allow_resolution_change: Annotated[
        bool, typer.Option("--allow-resolution-change", help="Another size than the first image's is no fault.")
    ] = False,
    latency_budget_ms: Annotated[float, typer.Option(help="As the node's parameter: every bound follows.")] = 50.0,
    backend: Annotated[str | None, BACKEND] = None,
    precision: Annotated[str, PRECISION] = "fp32",
    threads: Annotated[int, THREADS] = 2,
    jobs: Annotated[int, typer.Option(help="Recordings replayed at a time, each in its own process.")] = 1,
    executor: Annotated[
        str, typer.Option(metavar="ADDRESS", help="A Ray cluster instead: ray://HOST:PORT, ray, or ray:local.")
    ] = "",
    retries: Annotated[int, typer.Option(help="How often a recording is tried again whose process was lost.")] = 1,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh",
            help="Take over no recording that an earlier run into --out has finished; OUT.unfinished is removed.",
        ),
    ] = False,
    annotated: Annotated[bool, typer.Option(help="Write annotated.mcap.")] = True,
    pictures: Annotated[
        int, typer.Option(help="Frames of the whole drive that the report shows, about 30 kB each; 0: none.")
    ] = 60,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write overlay.mp4: the mask over every image, and the flag as a bar.")
    ] = False,
    segments: Annotated[
        bool, typer.Option("--segments", help="Write segments.parquet: the objects of each mask, with predicted IoU.")
    ] = False,
    selective_risk: Annotated[
        float,
        typer.Option(help="As the node's parameter: tells what the mask keeps, and with labels how wrong that is."),
    ] = 0.0,
    missed_errors: Annotated[float, typer.Option(help="As the node's parameter: see --selective-risk.")] = 0.0,
    temporal_filter: Annotated[
        float, typer.Option(help="As the node's parameter: weight of earlier frames in the mask, up to 0.95; 0: none.")
    ] = 0.0,
    input_geometry: Annotated[str, INPUT_GEOMETRY] = FIT,
    region_of_interest: Annotated[str, REGION_OF_INTEREST] = "",
    undistort: Annotated[Path | None, UNDISTORT] = None,
    fail_on: Annotated[
        str, typer.Option(metavar="EXPR", help="Exit 1 when it holds: 'failure_share > 0.02 or miou < 0.6'.")
    ] = "",
    baseline: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Results of an earlier replay to tell the differences to.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary on stdout, nothing else there.")] = False,
) -> None:
    """Evaluate recorded drives as the node and the failure monitor would have judged them, the same in every run.

    Exit code 0; 1: a clause of --fail-on holds, or of a recording no image could be judged; 2: bad input.
    """
    from trustseg.errors import InputError
    from trustseg.files.json_document import print_json
    from trustseg_lab.replay.job import ReplayOptions
    from trustseg_lab.replay.replay import DRIVES, ReplayRequest
    from trustseg_lab.replay.replay import replay as run

    if topic and all_topics:
        raise InputError("--topic and --all-topics contradict each other", fix="give one of them")
    if stamps not in ("header", "recorded"):
        raise InputError(f"--stamps {stamps}", expected="header or recorded")
    options = ReplayOptions(
        bundle=bundle, backend=backend, precision=precision, threads=threads, labels=labels, void=void,
        label_names=label_names, label_format=label_format, label_classes=label_classes,
        start_s=start, end_s=end, every=every, rate_hz=rate,
        latency_budget_ms=latency_budget_ms, live=live,
        recorded_stamps=stamps == "recorded", frozen=frozen,
        allow_resolution_change=allow_resolution_change, annotated=annotated, pictures=pictures, overlay=overlay,
        segments=segments, selective_risk=selective_risk, missed_errors=missed_errors,
        temporal_filter=temporal_filter,
        geometry=geometry_of(input_geometry, region_of_interest, undistort),
    )  # fmt: skip
    request = ReplayRequest(
        inputs=tuple(inputs), out=out, options=options, topics=tuple(topic or ()), every_topic=all_topics,
        required_topics=tuple(required_topic or ()),
        fail_on=fail_on, baseline=baseline, jobs=jobs, executor=executor, retries=retries, fresh=fresh,
    )  # fmt: skip
    err = PlainConsole(stderr=True, soft_wrap=True)
    with Bars(err) as bar:
        bars: dict[str, TaskID] = {}

        def tick(name: str, taken: int, count: int) -> None:
            if name not in bars:
                bars[name] = bar.add_task(name, total=count or None)
            bar.update(bars[name], completed=taken)
            if name != DRIVES and taken == count:
                bar.remove_task(bars.pop(name))  # thousands of recordings are one bar and the current ones

        result = run(request, tick, lambda line: err.print(f"trustseg: {line}", style="yellow", markup=False))
    for line in result.rejected[:SHOWN_LOSSES]:
        err.print(f"trustseg: {line}", style="yellow", markup=False)
    if len(result.rejected) > SHOWN_LOSSES:
        err.print(f"trustseg: and {len(result.rejected) - SHOWN_LOSSES} more with rejected images", style="yellow")
    for line in result.losses[:SHOWN_LOSSES]:
        err.print(f"trustseg: not all of it could be read: {line}", style="yellow", markup=False)
    if len(result.losses) > SHOWN_LOSSES:
        err.print(f"trustseg: and {len(result.losses) - SHOWN_LOSSES} more such lines in summary.json", style="yellow")
    for line in result.failed:
        err.print(f"trustseg: {line}", style="red", markup=False)
    if as_json:
        print_json(result.document)
    else:
        _print(PlainConsole(), result, out)
    for fired in result.fired:
        err.print(f"trustseg: the gate fails: {fired}", style="red", markup=False)
    if result.unjudged:
        shown = ", ".join(result.unjudged[:SHOWN_LOSSES])
        err.print(f"trustseg: nothing could be judged, no image was usable: {shown}", style="red", markup=False)
    if result.failed:
        raise typer.Exit(2)
    if result.fired or result.unjudged:
        raise typer.Exit(1)


def _print(console: Console, result: ReplayResult, out: Path) -> None:
    metrics = result.document["metrics"]
    table = Table("", "", show_header=False, box=None)
    for title, (name, unit) in FIGURES.items():
        value = metrics[name]
        if value is None or value != value:
            continue
        text = f"{100 * value:.1f} %" if unit == "%" else f"{value:.6g}{unit}"
        if name == "processed":
            text += f" / {metrics['rejected']:.6g}"
        table.add_row(title, text)
    timing = result.timing
    median, worst = timing["latency_p50_ms"], timing["latency_p99_ms"]
    if median == median:
        table.add_row("an image here", f"{median:.1f} ms (median), {worst:.1f} ms (99 %)")
    table.add_row("speed here", f"{timing['frames_per_s']:.1f} images/s")
    for name, value in (result.document.get("baseline") or {}).items():
        if value == value and value:
            table.add_row(f"against the baseline: {name.replace('_', ' ')}", f"{value:.6g}")
    console.print(table)
    for rig in result.document.get("rigs", ()):
        console.print(rig_table(rig))
    console.print(f"results in {out}: report.html, summary.json, frames.parquet", markup=False)
