"""`trustseg faults`: what can go wrong, made to go wrong, and whether the flag rose in time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from trustseg.bounds import Bounds

faults = typer.Typer(
    name="faults",
    help="Make each of 54 faults happen to the real processes, and see whether the failure flag rises in time.",
    no_args_is_help=True,
)
Rate = Annotated[float, typer.Option(help="Frames a second, 1 to 60; every bound derives from it.")]
Budget = Annotated[float, typer.Option("--latency-budget-ms", help="Longest usual time from image to status, ms.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, nothing else there.")]
BundleName = Annotated[str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")]
RATE_HZ, BUDGET_MS = 10.0, 250.0


@faults.command("list")
def list_faults(rate: Rate = RATE_HZ, budget: Budget = BUDGET_MS, as_json: AsJson = False) -> None:
    """List the faults: how each is made to happen, what must come of it, and within which time."""
    from trustseg.faults.catalogue import FAULTS

    bounds = _bounds(rate, budget)
    rows = [
        {
            "id": fault.number, "name": fault.name, "kind": way.kind, "how": way.how, "seam": way.maker,
            "bound_ms": round(fault.bound_of(way, bounds) / 1e6, 1), "states": list(way.expected.states),
            "reasons": list(way.expected.reasons), "flag": way.expected.failure,
        }
        for fault in FAULTS
        for way in fault.ways
    ]  # fmt: skip
    if as_json:
        _print_json({"faults": rows})
        return
    table = Table("#", "fault", "kind", "how", "state", "reason", "bound ms", title_justify="left")
    for each in rows:
        table.add_row(
            str(each["id"]), str(each["name"]), str(each["kind"]), str(each["how"]), " ".join(each["states"]),
            " ".join(each["reasons"]), f"{each['bound_ms']:g}",
        )  # fmt: skip
    Console(highlight=False).print(table)


@faults.command("run")
def run_faults(
    every: Annotated[bool, typer.Option("--all", help="All 54.")] = False,
    only: Annotated[str | None, typer.Option(help="Numbers of faults, such as 2,41 or 5-9.")] = None,
    trials: Annotated[int, typer.Option(help="How often each way of each fault happens.")] = 1,
    bundle: BundleName = "segnet_lite",
    backend: Annotated[str, typer.Option(help="onnxruntime or openvino.")] = "onnxruntime",
    threads: Annotated[int, typer.Option(help="Threads of the engine, 1 to 64.")] = 2,
    source: Annotated[
        Path | None,
        typer.Option("--input", metavar="FILE", help="Video, bag or folder of images. Left out: a rendered drive."),
    ] = None,
    rate: Rate = RATE_HZ,
    budget: Budget = BUDGET_MS,
    seed: Annotated[int, typer.Option(help="Of patterns and positions; the drive's street.")] = 0,
    logs: Annotated[Path | None, typer.Option(help="Folder for the logs of every process.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make faults happen to camera, segmenter, monitor and guard over ROS 2, and judge state, reason and time.

    Exit code 0: every fault was caught; 1: not so; 2: bad input.
    """
    from trustseg.errors import InputError
    from trustseg.faults.catalogue import FAULTS, parse_numbers
    from trustseg_ros.faults import run_job

    if every == (only is not None):
        raise InputError("which faults?", expected="--all or --only NUMBERS")
    options = run_job.FaultsOptions(
        faults=FAULTS if only is None else parse_numbers(only), trials=trials, bundle=bundle, backend=backend,
        threads=threads, source=source, rate_hz=rate, latency_budget_ms=budget, seed=seed, keep_logs=logs,
    )  # fmt: skip
    run_job.check_options(options)
    err = Console(stderr=True, highlight=False, soft_wrap=True)
    with _bar(err) as bar:
        task = bar.add_task("starting", total=None)

        def progress(name: str, done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        document = run_job.run_faults(options, lambda line: bar.console.print(line, markup=False), progress)
    if as_json:
        _print_json(document)
    else:
        _print_rows(Console(highlight=False), document)
    if any(each["caught"] is False for each in document["faults"]):
        raise typer.Exit(1)


def _bounds(rate: float, budget: float) -> Bounds:
    from trustseg.bounds import MS, SECOND, derive_bounds
    from trustseg.errors import InputError

    if not (1.0 <= rate <= 240.0 and 1.0 <= budget <= 5000.0):
        raise InputError("--rate or --latency-budget-ms is out of range", expected="1 to 240 Hz, 1 to 5000 ms")
    return derive_bounds(round(SECOND / rate), round(budget * MS))


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console,
        transient=True,
    )  # fmt: skip


def _print_json(document: dict[str, Any]) -> None:
    json.dump(document, sys.stdout, indent=1, allow_nan=False)
    sys.stdout.write("\n")


def _print_rows(console: Console, document: dict[str, Any]) -> None:
    table = Table("#", "fault", "how", "bound ms", "seen after ms", "state", "reasons", "caught", "why")
    words = {True: "yes", False: "NO", None: "-"}
    for each in document["faults"]:
        after = each["detected_after_ms"]["max"]
        table.add_row(
            str(each["id"]), each["name"], each["how"], f"{each['bound_ms']:g}", "-" if after is None else f"{after:g}",
            each["state"] or "-", " ".join(each["reasons"]), words[each["caught"]], each["why"],
        )  # fmt: skip
    console.print(table)
