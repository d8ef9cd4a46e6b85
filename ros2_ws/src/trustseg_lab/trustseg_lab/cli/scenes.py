# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg scenes`: a rendered drive with exact labels as images, a video or a bag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console

from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg.files.json_document import print_json
from trustseg_lab.cli.extras import refuse_unused
from trustseg_lab.cli.image_size import parse_size


def scenes(
    out: Annotated[Path, typer.Option(help="Folder for the result; new or empty.")],
    frames: Annotated[int, typer.Option(min=1, help="Number of frames.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Which street, light and traffic; equal seeds, equal images.")] = 0,
    size: Annotated[str, typer.Option(help="HEIGHTxWIDTH in pixels.")] = "360x480",
    format_: Annotated[str, typer.Option("--format", help="images, video (H.264), or bag (MCAP).")] = "images",
    fps: Annotated[float, typer.Option(help="Frames per second of the drive.")] = 10.0,
    start: Annotated[int, typer.Option(min=0, help="First frame of the drive.")] = 0,
    condition: Annotated[
        list[str] | None,
        typer.Option(help="KIND or KIND:SEVERITY with severity 0 to 1, such as fog:0.6; may be given again."),
    ] = None,
    cargo: Annotated[
        list[str] | None,
        typer.Option(help="box, tyre, tree or animal: lies on the lane, 255 in the labels; may be given again."),
    ] = None,
    random_places: Annotated[
        bool, typer.Option("--random", help="Every frame from another drive (for training); images only.")
    ] = False,
    depth: Annotated[bool, typer.Option("--depth", help="Also write depth, 16-bit PNG in centimetres.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON, nothing else.")] = False,
) -> None:  # fmt: skip
    """Render a drive through a street, with exact labels in eleven classes; weather and lens faults on request."""
    if random_places:
        refuse_unused(scenes, locals(), "fps start", "with --random")
    from trustseg.files.output_folder import output_folder
    from trustseg_lab.scenes import Drive, apply_conditions, parse_cargo, parse_condition, random_frame
    from trustseg_lab.scenes.drive import MIN_SIZE, SceneFrame
    from trustseg_lab.scenes.writers import writer

    height_width = parse_size(size, least=MIN_SIZE)
    conditions = [parse_condition(text) for text in condition or []]
    things = [parse_cargo(text) for text in cargo or []]
    if random_places and things:
        raise InputError("--cargo", expected="a drive", got="--random", fix="leave one of them out")
    if random_places and format_ != "images":
        raise InputError("--random", expected="--format images", got=f"--format {format_}")
    drive = Drive(seed, height_width, fps)

    def frame(number: int) -> SceneFrame:
        if not random_places:
            lost = drive.scattered(start + number, things) if things else []
            return drive.frame(start + number, conditions, lost)
        made = random_frame(seed + number, height_width)
        image = apply_conditions(conditions, made.image_rgb, made.depth_m, seed, number)
        return SceneFrame(image, made.labels, made.depth_m, made.stamp_ns)

    err = PlainConsole(stderr=True)
    began = perf_counter()
    with output_folder(out) as folder, writer(format_, folder, height_width, fps, depth=depth) as add:
        for number in _tracked(frames, err):
            add(number, frame(number))
    seconds = perf_counter() - began
    if as_json:
        summary = {"out": str(out), "frames": frames, "seed": seed, "size": list(height_width), "format": format_,
                   "conditions": conditions, "cargo": things, "seconds": round(seconds, 3)}  # fmt: skip
        print_json(summary)
    else:
        PlainConsole().print(f"{frames} frames in {seconds:.1f} s ({frames / seconds:.1f} a second): {out}")
        if not random_places:
            PlainConsole(soft_wrap=True).print(f"replay with: trustseg replay {out} --labels {out}/labels --out DIR")


def _tracked(count: int, console: Console) -> Iterator[int]:
    """0 to count - 1 with a progress bar."""
    with Bars(console) as bars:
        task = bars.add_task("render", total=count)
        for number in range(count):
            yield number
            bars.advance(task)
