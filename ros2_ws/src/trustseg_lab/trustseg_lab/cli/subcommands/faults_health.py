# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults measure`: the input checks on clean and damaged streams, detection and false alarms in one row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole

if TYPE_CHECKING:
    from trustseg_lab.faults.health_streams import Stream
    from trustseg_lab.faults.health_table import HealthTable

STREAM_FRAMES = 52


def measure(
    stills: Annotated[
        list[Path] | None,
        typer.Option(metavar="FOLDER", help="Images of a drive in their order; faults put on them."),
    ] = None,
    video: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A drive; as it is, damaged, and through five encoders.")
    ] = None,
    clean: Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help="Images for false alarms alone; no fault put on them.")
    ] = None,
    drives: Annotated[int, typer.Option(min=0, max=100, help="Rendered drives; 0: nothing rendered.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Of the first rendered drive.")] = 201,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")] = False,
) -> None:
    """Measure the input checks: detection by fault and severity, false alarms on clean frames in the same row.

    Exit code 1 when a clean real frame was flagged.
    """
    from trustseg.files.json_document import print_json
    from trustseg_lab.faults.health_table import HealthTable

    err = PlainConsole(stderr=True)
    table = HealthTable()
    with Bars(err) as bar:
        task = bar.add_task("streams", total=None)
        for stream in _streams(stills or [], video, clean or [], drives, seed):
            table.add(stream)
            bar.update(task, advance=1, description=stream.group)
    if as_json:
        print_json(_document(table))
    else:
        _print(PlainConsole(), table)
    if any(each.accused for each in table.clean() if each.group not in ("weather",)):
        raise typer.Exit(1)


def _streams(stills: list[Path], video: Path | None, clean: list[Path], drives: int, seed: int) -> Iterator[Stream]:
    from trustseg_lab.faults.health_streams import overlay_streams

    damaged: list[Stream] = []
    for stream in _without_overlays(stills, video, clean, drives, seed):
        if stream.damaged:
            damaged.append(stream)
        yield stream
    # After the others, whose faults are made with the number of their stream.
    for stream in damaged:
        yield from overlay_streams(stream)


def _without_overlays(
    stills: list[Path], video: Path | None, clean: list[Path], drives: int, seed: int
) -> Iterator[Stream]:
    from trustseg_lab.faults import health_streams as source

    for folder in stills:
        yield from source.folder_streams(folder, STREAM_FRAMES, "stills", True)
    for folder in clean:
        yield from source.folder_streams(folder, STREAM_FRAMES, "other stills", False)
    if video is not None:
        frames = source.video_frames(video)
        yield source.Stream("video", frames, False)
        for start in range(0, len(frames) - STREAM_FRAMES + 1, STREAM_FRAMES):
            yield source.Stream("video, damaged", frames[start : start + STREAM_FRAMES], True)
        yield from source.encoded_streams(frames)
    if drives:
        yield from source.rendered_streams(range(seed, seed + drives), STREAM_FRAMES)
        yield from source.weather_streams(seed)
        yield from source.standstill_streams(seed)


def _document(table: HealthTable) -> dict[str, Any]:
    return {
        "clean": table.clean(),
        "faults": [
            {
                "fault": row.number, "kind": row.kind, "severity": row.severity,
                "reason": " or ".join(row.reason.names()),
                "within_frames": row.within, "found": groups, "clean_frames_accused": accused, "clean_frames": frames,
            }
            for row, groups, (accused, frames) in table.found()
        ],
    }  # fmt: skip


def _print(console: Console, table: HealthTable) -> None:
    console.width = max(console.width, 110)
    shown = Table(title="false alarms on clean streams", title_justify="left")
    for heading in ("group", "streams", "frames", "accused frames", "believed in streams"):
        shown.add_column(heading)
    for each in table.clean():
        accused = ", ".join(f"{name} {count}" for name, count in each.accused.items()) or "0"
        believed = ", ".join(f"{name} {count}" for name, count in each.believed.items()) or "0"
        shown.add_row(each.group, str(each.streams), str(each.frames), accused, believed)
    console.print(shown)
    groups = [each.group for each in table.clean()]
    damaged = [name for name in groups if any(f.group == name for _, found, _ in table.found() for f in found)]
    shown = Table(title="found in time, of streams with the fault", title_justify="left")
    for heading in ("#", "fault", "severity", "reason", "frames", *damaged, "false alarms"):
        shown.add_column(heading, justify="left" if heading in ("fault", "reason") else "right")
    for row, found, (accused_frames, frames) in table.found():
        cells = {each.group: f"{each.found} of {each.streams}" for each in found}
        shown.add_row(
            row.number, row.kind, f"{row.severity:g}", " or ".join(row.reason.names()), f"<= {row.within}",
            *(cells.get(name, "-") for name in damaged), f"{accused_frames} of {frames}",
        )  # fmt: skip
    console.print(shown)
