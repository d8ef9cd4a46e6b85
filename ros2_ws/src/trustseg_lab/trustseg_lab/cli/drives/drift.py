# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg drift`: what changed between two sets of replay results."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError

MOST_ROWS, MOST_PLACES = 12, 5


def drift(
    reference: Annotated[list[Path], typer.Option(
        help="Results of trustseg replay to compare with: of one drive or of many; repeatable.",
    )],
    new: Annotated[list[Path], typer.Option(help="Results to look at; repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder for drift.html and drift.json; replaced if it holds earlier ones.")],
    fail_above: Annotated[float | None, typer.Option(
        help="Exit 1 when the stability index of any figure is above this, or of none is known; 0.25 is usually "
        "called large.",
    )] = None,
    cell: Annotated[float, typer.Option(help="Side of the cells that places are told by, metres.")] = 100.0,
    recording: Annotated[list[Path] | None, typer.Option(
        help="Where the recordings of the results are now, or a folder that holds them, for the positions; repeatable.",
    )] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print drift.json on stdout, nothing else there.")] = False,
) -> None:  # fmt: skip
    """Compare two sets of recorded drives: which figures, drives, places, classes and hours left what was known.

    Exit code 0; 1: --fail-above was exceeded, or there were too few frames to tell; 2: bad input.
    """
    from trustseg.files.json_document import print_json, write_json
    from trustseg.files.output_folder import output_folder
    from trustseg.files.whole_file import write_whole
    from trustseg_lab.drift.compare import LEAST_FRAMES, compare
    from trustseg_lab.drift.frames import read_frames
    from trustseg_lab.drift.page import TOO_FEW, page, sentence, warnings
    from trustseg_lab.drift.places import Grid

    if fail_above is not None and not 0 <= fail_above < math.inf:
        raise InputError(
            "--fail-above is no limit", expected="a number from 0", got=f"{fail_above:g}", fix="0.25 is a usual one"
        )
    grid = Grid(cell, tuple(recording or ()))
    grid.check()
    old, now = read_frames(reference, grid), read_frames(new, grid)
    if old.classes != now.classes:
        raise InputError(
            "the two sets have different classes", expected=", ".join(old.classes), got=", ".join(now.classes),
            fix="replay both with networks of the same classes",
        )  # fmt: skip
    document = compare(old, now)
    wrote = {"drift.json", "drift.html"}
    with output_folder(
        out.absolute(), replaces="drift.json", wrote=lambda path: path.as_posix() in wrote
    ) as folder:  # fmt: skip
        write_json(folder / "drift.json", document)
        write_whole(folder / "drift.html", page(document, old, now).encode())
    if as_json:
        print_json(document)
    else:
        console = PlainConsole()
        table = Table(title=sentence(document))
        for name in ("figure", "reference", "new", "PSI", "outside", "reading"):
            table.add_column(name, justify="left" if name in ("figure", "reading") else "right")
        for row in document["columns"][:MOST_ROWS]:
            values = f"{row['reference']:.3f}", f"{row['new']:.3f}", f"{row['psi']:.2f}", f"{row['outside']:.1%}"
            table.add_row(row["name"], *values, row["reading"])
        console.print(table)
        for line in warnings(document):
            console.print(line, soft_wrap=True)
        places = document["places"]
        left = [row for row in places["cells"] if row["new"]["left"] > 0][:MOST_PLACES]
        console.print(places["note"], soft_wrap=True)
        for row in left:
            line = f"out of domain at {row['place']}: {row['new']['left']:.1%} of {row['new']['frames']} frames"
            console.print(line, soft_wrap=True)
        console.print(f"{out / 'drift.html'} has the drives, hours, places and classes", soft_wrap=True)
    if fail_above is not None:
        if math.isnan(document["largest_psi"]):
            line = f"{TOO_FEW}: no figure has {LEAST_FRAMES} values in both sets, so --fail-above cannot be met"
            PlainConsole(stderr=True).print(line, soft_wrap=True)
        if not document["largest_psi"] <= fail_above:  # also where it is undefined: what was not looked at did not pass
            raise typer.Exit(1)
