# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg bench`: what the engine, the pipeline and ROS cost, against the budget of the path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from trustseg.backend_registry import BACKENDS, CHOICE
from trustseg.bundle import DEFAULT_BUNDLE
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import BackendError
from trustseg_lab.cli.extras import refuse_unused
from trustseg_lab.cli.image_size import parse_size

if TYPE_CHECKING:
    from trustseg_lab.bench.path_timing import PathTiming
    from trustseg_lab.bench.session import RosTiming


def bench(
    bundle: Annotated[
        str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")
    ] = DEFAULT_BUNDLE,
    backend: Annotated[str, typer.Option(help=f"{CHOICE}; or all: each of {', '.join(BACKENDS)}.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="Which graph of the bundle; all: every graph and short arithmetic, engines only.")
    ] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the engine.")] = 2,
    size: Annotated[str, typer.Option(help="Camera frame, HEIGHTxWIDTH in pixels.")] = "720x1280",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; engine and pipeline take turns within each.")] = 5,
    calls: Annotated[int, typer.Option(min=2, help="Calls of each kind in a round.")] = 40,
    ros: Annotated[bool, typer.Option("--ros", help="Also through the real node: publish to status received.")] = False,
    rate: Annotated[
        float | None,
        typer.Option(min=0.5, max=240, help="Frames a second with --ros; default: what the engine can hold."),
    ] = None,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="INPUT", help="Instead: `trustseg replay` on INPUT against decoding and inference alone."),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Exit code 1 when the budget is missed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON on stdout.")] = False,
) -> None:
    """Time the camera-to-message path in one run: bare engine, pipeline, and with --ros the real node."""
    from trustseg.backends import select_backend, try_backend
    from trustseg.bundle.loading import load_bundle
    from trustseg.files.json_document import print_json
    from trustseg_lab.bench.path_timing import bench_frames, bench_paths

    if replay is not None:
        refuse_unused(bench, locals(), "size calls ros rate", "with --replay")
    elif precision == "all":
        refuse_unused(bench, locals(), "size ros rate check", "with --precision all")
    elif not ros:
        refuse_unused(bench, locals(), "rate", "without --ros")
    height, width = parse_size(size)
    err = PlainConsole(stderr=True)
    if replay is not None:
        from trustseg_lab.cli.subcommands.bench_replay import bench_replay
        from trustseg_lab.replay.job import ReplayOptions

        with Bars(err) as progress:
            task = progress.add_task("bench", total=rounds + 1)
            chosen = None if backend in ("all", "auto") else backend  # None: the card's own, as a replay takes it
            asked = ReplayOptions(bundle, chosen, precision, threads)
            good = bench_replay(replay, asked, rounds, as_json, lambda: progress.advance(task))
        if check and not good:
            raise typer.Exit(1)
        return
    if precision == "all":
        from trustseg_lab.cli.tables.bench_table import bench_precisions

        loaded = load_bundle(bundle, draft=True)
        names = BACKENDS if backend in ("all", "auto") else (backend,)
        with Bars(err) as progress:
            task = progress.add_task("bench", total=rounds)
            bench_precisions(
                loaded, names, tuple(loaded.card.models), threads, rounds, calls, as_json,
                lambda: progress.advance(task),
            )  # fmt: skip
        return
    loaded = load_bundle(bundle)
    names = BACKENDS if backend == "all" else (backend,)
    engines = []
    try:
        for name in names:
            if backend != "all":
                engines.append(select_backend(name, loaded, precision, threads))
                continue
            candidate, engine = try_backend(name, loaded, precision, threads)
            if engine is not None:
                engines.append(engine)
            elif not candidate.missing:
                raise BackendError(f"backend {name} does not run bundle {loaded.card.name}", got=candidate.why)
        frames = bench_frames(height, width)
        with Bars(err) as progress:
            task = progress.add_task("bench", total=rounds)
            paths = bench_paths(loaded, engines, frames, rounds, calls, lambda: progress.advance(task))
    finally:
        for engine in engines:
            engine.close()
    node = None
    if ros:
        from trustseg_lab.bench.session import BenchOptions, bench_node

        best = min(paths, key=lambda path: path.pipeline.median_ms)
        options = BenchOptions(
            bundle=str(loaded.path), backend=best.backend, threads=threads, precision=precision, height=height,
            width=width, frames=max(20, rounds * calls), rate_hz=rate or sustainable_rate(best.pipeline.median_ms),
        )  # fmt: skip
        with err.status("through the node ..."):
            node = bench_node(options, best.added.median_ms)
    if as_json:
        document = _document(loaded.card.name, (height, width), paths, node)
        print_json(document)
    else:
        _print(PlainConsole(), (height, width), paths, node)
    missed = not all(path.within_budget for path in paths) or (node is not None and not node.within_budget)
    if check and missed:
        raise typer.Exit(1)


def sustainable_rate(pipeline_ms: float, share: float = 0.6, most_hz: float = 30.0) -> float:
    """Frames a second that take `share` of the pipeline's time: room for the transport on the same cores."""
    return round(min(most_hz, max(0.5, 1e3 * share / pipeline_ms)), 1)


def _document(bundle: str, size: tuple[int, int], paths: list[PathTiming], node: RosTiming | None) -> dict[str, Any]:
    from trustseg_lab.bench.path_timing import BUDGET, PIPELINE_BUDGET_MS, ROS_BUDGET_MS

    return {
        "bundle": bundle, "height": size[0], "width": size[1], "budget": BUDGET,
        "pipeline_budget_ms": PIPELINE_BUDGET_MS, "ros_budget_ms": ROS_BUDGET_MS, "paths": paths, "ros": node,
    }  # fmt: skip


def _print(console: Console, size: tuple[int, int], paths: list[PathTiming], node: RosTiming | None) -> None:
    from trustseg_lab.bench.path_timing import BUDGET, PIPELINE, PIPELINE_BUDGET_MS, ROS, ROS_BUDGET_MS

    fastest = min(paths, key=lambda path: path.pipeline.median_ms)
    table = Table("stage", "budget", "median", "p99", "what", title_justify="left")
    table.title = f"camera to message at {size[1]} x {size[0]}, {fastest.backend}, milliseconds"
    for stage in BUDGET:
        timing = fastest.engine if stage.budget_ms is None else fastest.stages.get(stage.name)
        if node is not None and stage.part == ROS:
            timing = node.stages[stage.name]
        figures = ("-", "-") if timing is None else (f"{timing.median_ms:.2f}", f"{timing.p99_ms:.2f}")
        table.add_row(stage.name, "-" if stage.budget_ms is None else f"{stage.budget_ms:.1f}", *figures, stage.what)
    totals = [("pipeline adds", PIPELINE_BUDGET_MS, fastest.added, PIPELINE)]
    if node is not None:
        totals.append(("ROS adds", ROS_BUDGET_MS, node.added, ROS))
    table.add_section()
    for name, budget, timing, _ in totals:
        verdict = "within budget" if timing.median_ms <= budget else "over budget"
        table.add_row(name, f"{budget:.1f}", f"{timing.median_ms:.2f}", f"{timing.p99_ms:.2f}", verdict)
    console.print(table)
    table = Table("path", "median", "p99", "rounds", "ratio", "CPU %", "MB", title="in one run, taking turns",
                  title_justify="left")  # fmt: skip
    for path in paths:
        table.add_row(f"{path.backend} engine", *_row(path.engine), "1.00", "", "")
        table.add_row(
            f"{path.backend} pipeline", *_row(path.pipeline), f"{path.ratio:.2f}", f"{path.cpu_percent:.0f}",
            f"{path.memory_mb:.0f}",
        )  # fmt: skip
    if node is not None:
        ratio = node.total.median_ms / fastest.engine.median_ms
        table.add_row(
            "publish to status", *_row(node.total), f"{ratio:.2f}", f"{node.cpu_percent:.0f}", f"{node.memory_mb:.0f}"
        )
    console.print(table)
    if node is not None:
        console.print(
            f"{node.sent} frames at {node.rate_hz:g} Hz through the node: {node.processed} processed, "
            f"{node.skipped} overtaken, {node.lost} lost" + (f": {node.lost_where.describe()}" if node.lost else "")
        )


def _row(timing: Any) -> tuple[str, str, str]:
    spread = f"{timing.least_round_ms:.1f}-{timing.most_round_ms:.1f}"
    return f"{timing.median_ms:.2f}", f"{timing.p99_ms:.2f}", spread
