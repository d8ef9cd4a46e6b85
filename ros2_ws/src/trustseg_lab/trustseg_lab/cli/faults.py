# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults`: what can go wrong, made to go wrong, and whether the flag rose in time."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from trustseg.backend_registry import CHOICE
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.files.json_document import print_json
from trustseg_lab.cli.image_size import parse_size
from trustseg_lab.cli.subcommands.faults_health import measure
from trustseg_lab.cli.subcommands.faults_soak import fuzz, soak

if TYPE_CHECKING:
    from trustseg.bounds import Bounds

faults = typer.Typer(
    name="faults",
    help="Make faults happen to the real processes and see whether the failure flag rises in time, and only then.",
    no_args_is_help=True,
)
faults.command("measure")(measure)
faults.command("soak")(soak)
faults.command("fuzz")(fuzz)
Rate = Annotated[float, typer.Option(help="Frames a second, 1 to 60; every bound derives from it.")]
Precision = Annotated[str, typer.Option(help="Which graph of the bundle.")]
Budget = Annotated[float, typer.Option("--latency-budget-ms", help="Longest usual time from image to status, ms.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, nothing else there.")]
BackendName = Annotated[str, typer.Option(help=f"{CHOICE}.")]
Threads = Annotated[int, typer.Option(help="Threads of the engine, 1 to 64.")]
InputFile = Annotated[
    Path | None,
    typer.Option("--input", metavar="FILE", help="Video, bag or folder of images. Left out: a rendered drive."),
]
CameraSize = Annotated[
    str | None, typer.Option("--camera-size", help="HEIGHTxWIDTH of the rendered drive, pixels. Default: 480x640.")
]
Logs = Annotated[Path | None, typer.Option(help="Folder for the logs of every process.")]
BundleName = Annotated[str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")]
RATE_HZ, BUDGET_MS = 10.0, 250.0
WIDEST = 1000  # columns, to measure in


@faults.command("list")
def list_faults(rate: Rate = RATE_HZ, budget: Budget = BUDGET_MS, as_json: AsJson = False) -> None:
    """List the faults: how each is made to happen, what must come of it, and within which time."""
    from trustseg_lab.faults.catalogue import FAULTS
    from trustseg_lab.faults.false_alarms import CALM

    bounds = _bounds(rate, budget)
    rows: list[dict[str, Any]] = [
        {
            "id": fault.number, "name": fault.name, "kind": way.kind, "how": way.how, "seam": way.maker,
            "bound_ms": round(fault.bound_of(way, bounds) / 1e6, 1), "states": list(way.expected.states),
            "reasons": list(way.expected.reasons), "flag": way.expected.failure,
        }
        for fault in FAULTS
        for way in fault.ways
    ]  # fmt: skip
    calm = [
        {"id": each.number, "name": each.name, "kind": each.kind or "nothing",
         "most_up_percent": round(100.0 * each.most_up_share, 3)}
        for each in CALM
    ]  # fmt: skip
    if as_json:
        print_json({"faults": rows, "false_alarms": calm})
        return
    table = Table(title_justify="left")
    for name in ("#", "fault", "kind", "how", "state", "reason", "bound ms"):
        # What must be typed stands in one piece; nothing is cut, however narrow the terminal is.
        table.add_column(name, no_wrap=name in ("kind", "state", "reason"), overflow="fold")
    for each in rows:
        table.add_row(
            str(each["id"]), str(each["name"]), str(each["kind"]), str(each["how"]), "\n".join(each["states"]),
            "\n".join(each["reasons"]), f"{each['bound_ms']:g}",
        )  # fmt: skip
    console = PlainConsole()
    console.width = max(console.width, PlainConsole(width=WIDEST).measure(table).minimum)
    console.print(table)


@faults.command("run")
def run_faults(
    every: Annotated[bool, typer.Option("--all", help="Every fault, and every false-alarm row.")] = False,
    only: Annotated[str | None, typer.Option(help="Numbers of faults, such as 2,41 or 5-9.")] = None,
    trials: Annotated[int, typer.Option(help="How often each way of each fault happens.")] = 1,
    minutes: Annotated[float, typer.Option(help="How long each false-alarm row is watched.")] = 10.0,
    bundle: BundleName = DEFAULT_BUNDLE,
    backend: BackendName = "onnxruntime",
    precision: Precision = "fp32",
    threads: Threads = 2,
    source: InputFile = None,
    camera_size: CameraSize = None,
    rate: Rate = RATE_HZ,
    budget: Budget = BUDGET_MS,
    seed: Annotated[int, typer.Option(min=0, help="Of patterns and positions; the drive's street.")] = 0,
    logs: Logs = None,
    as_json: AsJson = False,
) -> None:
    """Make faults happen to camera, segmenter, monitor and guard over ROS 2, and judge state, reason and time.

    Exit code 0: every fault was caught and no false-alarm row had the flag up for too long; 1: not so; 2: bad input.
    """
    from trustseg.errors import InputError
    from trustseg_lab.faults.catalogue import FAULTS, parse_numbers
    from trustseg_lab.faults.false_alarms import CALM
    from trustseg_lab.faults.rig import run_faults as run_job
    from trustseg_lab.harness.rendered import CAMERA_SIZE
    from trustseg_lab.scenes.drive import MIN_SIZE

    if every == (only is not None):
        raise InputError("which faults?", expected="--all or --only NUMBERS")
    if source is not None and camera_size is not None:
        raise InputError("--camera-size is of the rendered drive", got="--input too", fix="leave one of them out")
    size = CAMERA_SIZE if camera_size is None else parse_size(camera_size, "--camera-size", MIN_SIZE)
    chosen, calm = (FAULTS, CALM) if only is None else parse_numbers(only)
    options = run_job.FaultsOptions(
        faults=chosen, calm=calm, trials=trials, calm_minutes=minutes, bundle=bundle, backend=backend,
        precision=precision, threads=threads, source=source, rate_hz=rate, latency_budget_ms=budget, seed=seed,
        camera_size=size, keep_logs=logs,
    )  # fmt: skip
    run_job.check_options(options)
    err = PlainConsole(stderr=True, soft_wrap=True)
    with Bars(err) as bar:
        task = bar.add_task("starting", total=None)

        def progress(name: str, done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        document = run_job.run_faults(options, lambda line: bar.console.print(line, markup=False), progress)
    if as_json:
        print_json(document)
    else:
        _print_rows(PlainConsole(), document)
    alarmed = any(not each["quiet"] for each in document["false_alarms"])
    if alarmed or any(each["caught"] is False for each in document["faults"]):
        raise typer.Exit(1)


@faults.command("inject")
def inject_fault(
    kind: Annotated[str, typer.Argument(help="Kind of fault, as `trustseg faults list` names it.")],
    duration: Annotated[str, typer.Option("--for", help="How long: 5s, 500ms.")] = "5s",
    seed: Annotated[int, typer.Option(min=0, help="Of patterns and positions.")] = 0,
    severity: Annotated[float, typer.Option(help="Of faults of the image, 0 to 1; 0: one to be noticed.")] = 0.0,
    namespace: Annotated[str, typer.Option(help="Namespace of the camera's nodes.")] = "",
) -> None:
    """Make one fault happen to the system that runs in this ROS domain, and end it again.

    Faults of the camera need the injector between camera and segmenter; those of the backend a segmenter that was
    started with fault_injection:=true; the others send a signal. Exit code 2: nobody is there who could make it.
    """
    from trustseg_lab.faults.rig.inject import inject, parse_duration

    err = PlainConsole(stderr=True, soft_wrap=True)
    inject(kind, parse_duration(duration), seed, severity, namespace, lambda line: err.print(line, markup=False))


@faults.command("chaos")
def chaos(
    count: Annotated[int, typer.Option(help="How many faults, one after the other.")] = 1000,
    within: Annotated[float, typer.Option(help="Begin no further fault after this many seconds; 0: no limit.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Which faults, for how long.")] = 0,
    bundle: BundleName = DEFAULT_BUNDLE,
    backend: BackendName = "onnxruntime",
    threads: Threads = 2,
    source: InputFile = None,
    rate: Rate = RATE_HZ,
    budget: Budget = BUDGET_MS,
    logs: Logs = None,
    as_json: AsJson = False,
) -> None:
    """Make random faults happen in sequence, and see whether the flag was ever down when it must not be.

    Latches are reset as an operator would, each time with a line on stderr. Exit code 1: the flag was down while a
    fault was there for longer than its bound, or the system did not come to OK at the end.
    """
    from trustseg.errors import InputError
    from trustseg_lab.faults.rig.chaos import run_chaos
    from trustseg_lab.faults.rig.run_faults import FaultsOptions, check_options

    if count < 1:
        raise InputError("--count is out of range", expected="at least 1", got=str(count))
    options = FaultsOptions(
        faults=(), bundle=bundle, backend=backend, threads=threads, source=source, rate_hz=rate,
        latency_budget_ms=budget, seed=seed, keep_logs=logs,
    )  # fmt: skip
    check_options(options)
    err = PlainConsole(stderr=True, soft_wrap=True)
    with Bars(err) as bar:
        task = bar.add_task("starting", total=count)

        def progress(name: str, done: int, total: int) -> None:
            bar.update(task, description=name, completed=done, total=total)

        document = run_chaos(options, count, within, lambda line: bar.console.print(line, markup=False), progress)
    if as_json:
        print_json(document)
    else:
        PlainConsole(soft_wrap=True).print(
            f"{document['faults']} faults in {document['duration_s']:.0f} s, {document['from_ok']} of them from OK; "
            f"{len(document['unsafe'])} unsafe; ended {'in OK' if document['ended_ok'] else 'NOT in OK'}; "
            f"{document['resets_by_the_operator']} latches reset"
        )
    if document["unsafe"] or not document["ended_ok"]:
        raise typer.Exit(1)


@faults.command("table")
def table(
    document: Annotated[Path, typer.Argument(help="What `trustseg faults run --json` printed; `-` is stdin.")],
) -> None:
    """Print the rows of a run as a Markdown table, for documents."""
    from trustseg.errors import InputError
    from trustseg_lab.data.documents import parse_json
    from trustseg_lab.faults.markdown import markdown_table

    try:
        text = sys.stdin.read() if str(document) == "-" else document.read_text(encoding="utf-8")
        parsed = parse_json(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{document} cannot be read", got=str(error)) from error
    sys.stdout.write(markdown_table(parsed))


def _bounds(rate: float, budget: float) -> Bounds:
    from trustseg.bounds import MS, SECOND, derive_bounds
    from trustseg.errors import InputError

    if not (1.0 <= rate <= 240.0 and 1.0 <= budget <= 5000.0):
        raise InputError("--rate or --latency-budget-ms is out of range", expected="1 to 240 Hz, 1 to 5000 ms")
    return derive_bounds(round(SECOND / rate), round(budget * MS))


def _print_rows(console: Console, document: dict[str, Any]) -> None:
    table = Table("#", "fault", "how", "bound ms", "seen after ms", "state", "reasons", "caught", "why")
    words = {True: "yes", False: "NO", None: "-"}
    for each in document["faults"]:
        after = each["detected_after_ms"]["max"]
        table.add_row(
            str(each["id"]), each["name"], each["how"], f"{each['bound_ms']:g}", "-" if after is None else f"{after:g}",
            each["state"] or "-", " ".join(each["reasons"]), words[each["caught"]], each["why"],
        )  # fmt: skip
    if document["faults"]:
        console.print(table)
    if document["false_alarms"]:
        table = Table(
            "#", "no fault", "watched s", "flag up %", "without stalls %", "at most %", "rises", "after stalls",
            "reasons", "quiet", "why",
        )  # fmt: skip
        for each in document["false_alarms"]:
            table.add_row(
                str(each["id"]), each["name"], f"{each['watched_s']:g}", f"{each['flag_up_percent']:g}",
                "not known" if each["stalls"] is None else f"{each['without_stalls_percent']:g}",
                f"{each['most_up_percent']:g}", str(each["rises"]),
                "-" if each["stalls"] is None else str(each["rises_after_stalls"]),
                " ".join(each["reasons"]), words[each["quiet"]], each["why"],
            )  # fmt: skip
        console.print(table)
