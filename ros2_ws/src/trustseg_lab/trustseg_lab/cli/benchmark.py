# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg benchmark`: every published way to tell a segmentation's failures, on one set of views."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from trustseg.backend_registry import CHOICE
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg_lab.cli.label_options import LABEL_CLASSES, LABEL_FORMAT, read_as

if TYPE_CHECKING:
    from trustseg_lab.benchmark.passes.runner import BundlePasses
    from trustseg_lab.benchmark.run_benchmark import BundleRun

DOCUMENT, REPORT, PASSES = "benchmark.json", "report.html", "passes"
SHOWN_ROWS = 12
PASS_KINDS = ("flip", "tta", "dropout", "drop_weights", "members", "odin")
COLUMNS = {"pixel": ("auroc", "fpr95", "aupr_error", "ece"), "image": ("auroc", "fpr95", "aurc", "spearman"),
           "class": ("auroc", "pearson", "spearman"), "region": ("auroc", "auroc_half", "r2")}  # fmt: skip


def benchmark(
    bundle: Annotated[
        list[str] | None,
        typer.Option(help="Bundle to judge; repeatable: each is judged, the others are its ensemble's members."),
    ] = None,
    member: Annotated[
        list[str] | None, typer.Option(help="Another bundle of the ensemble that is not judged itself. Repeatable.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="IMAGES:LABELS[:VOID], seen clean, under fitted and under held-out kinds. Repeatable."),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="NAME=IMAGES:LABELS[:VOID], judged as it is, never learned from. Repeatable."),
    ] = None,
    pool: Annotated[
        Path | None,
        typer.Option(
            help="Folder of trustseg mine: its frames are the references of row 40, and the unlabelled frames of rows "
            "44 and 45, which are then taught within the run."
        ),
    ] = None,
    label_format: Annotated[str, LABEL_FORMAT] = "auto",
    label_classes: Annotated[str, LABEL_CLASSES] = "",
    methods: Annotated[str, typer.Option(help="all, or names and numbers of --list, with commas.")] = "all",
    fit_kinds: Annotated[str, typer.Option(help="fit: the product's own half of the kinds; or some, with commas.")] = (
        "fit"
    ),
    judge: Annotated[str, typer.Option(help="Of clean, fitted, held_out and the names of --set. Default: all.")] = "",
    out: Annotated[
        Path | None,
        typer.Option(help=f"Folder for {DOCUMENT}, {REPORT} and the passes, about 5 MB a view; a second run resumes."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most N images of each folder, evenly spread.")] = None,
    folds: Annotated[int, typer.Option(min=2, help="Folds of blocks in which methods learn and are judged.")] = 3,
    seeds: Annotated[int, typer.Option(min=1, help="Fits of what learns, for mean and deviation.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Of conditions, folds, fits and resamples.")] = 0,
    bootstrap: Annotated[int, typer.Option(min=0, help="Resamples of blocks for intervals; 0: none.")] = 300,
    passes: Annotated[int, typer.Option(min=2, help="Passes of dropout and of dropped weights.")] = 4,
    step: Annotated[int, typer.Option(min=1, help="Every N-th pixel in both directions is compared.")] = 2,
    without: Annotated[
        str, typer.Option(help=f"Kinds of passes not to make, with commas: {', '.join(PASS_KINDS)}.")
    ] = "",
    backend: Annotated[str, typer.Option(help=f"{CHOICE}.")] = "auto",
    precision: Annotated[str, typer.Option(help="Which graph of the bundles.")] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the engine.")] = 2,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the results of an earlier run.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the systems of the papers and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help=f"Print {DOCUMENT}, or the list, on stdout.")] = False,
) -> None:
    """Judge every published score of pixels, regions, classes and images on the same views, cross-fitted by block."""
    from trustseg.bundle.loading import load_bundle
    from trustseg.files.json_document import json_ready, write_json
    from trustseg_lab.benchmark.judged_views import NamedSet, metas_of, parse_fit_kinds, parse_judge
    from trustseg_lab.benchmark.passes.cache import PassCache
    from trustseg_lab.benchmark.passes.runner import PassSettings, open_bundle
    from trustseg_lab.benchmark.report import write_report
    from trustseg_lab.benchmark.report_images import worst_views
    from trustseg_lab.benchmark.run_benchmark import Settings, choose, document, run_bundle
    from trustseg_lab.calibrate.collect_views import LabelledFolder
    from trustseg_lab.data.find_labels import LabelWish
    from trustseg_lab.data.mined_set import read_mined
    from trustseg_lab.precision.network_images import refuse_camera_form

    if listed:
        _list(as_json)
        return
    mined = None if pool is None else read_mined(pool)
    chosen = choose(methods, mined)
    unwanted = [word.strip() for word in without.split(",")] if without else []
    if unknown := [word for word in unwanted if word not in PASS_KINDS]:
        raise InputError("no such passes", expected=", ".join(PASS_KINDS), got=repr(unknown[0]))
    kinds = parse_fit_kinds(fit_kinds)
    named = [NamedSet.parse(each) for each in sets or []]
    groups = parse_judge(judge, named)
    folders = [LabelledFolder.parse(each, seen=False) for each in data or []]
    if not bundle or out is None or not (folders or named):
        raise InputError("nothing to judge", expected="--bundle, --out, and --data or --set", fix="or --list")
    if (out / DOCUMENT).exists() and not overwrite:
        raise InputError(f"{out} holds the results of an earlier run", fix="choose another --out, or add --overwrite")
    err = PlainConsole(stderr=True)
    loaded = [load_bundle(each, draft=True) for each in bundle]
    members = [load_bundle(each, draft=True) for each in member or []]
    for one in (*loaded, *members):
        refuse_camera_form(one.card)
    if mined is not None:
        for each in loaded:
            mined.check_classes([one.name for one in each.card.classes], each.card.name)
    wish = LabelWish.of_bundle(loaded[0].card.classes, label_format, label_classes, None)
    folders = read_as(folders, wish, err)
    named = [replace(each, folder=read_as([each.folder], wish, err)[0]) for each in named if each.name in groups]
    names = [each.card.name for each in (*loaded, *members)]
    if len(set(names)) < len(names):
        raise InputError("bundles of one name", got=", ".join(names), fix="name each bundle once")
    metas = metas_of(folders, named, groups, kinds, limit, seed)
    settings = Settings(folds, seeds, bootstrap, seed)
    cache, how = PassCache(out / PASSES), PassSettings(step, passes, threads, seed)
    runs: list[BundleRun] = []
    with Bars(err) as bars:
        task = bars.add_task("benchmark", total=None)
        for each in loaded:
            opened: BundlePasses = open_bundle(
                each, precision, backend, how, cache, [other for other in (*loaded, *members) if other is not each]
            )

            opened.missing |= dict.fromkeys(unwanted, "left out by --without")

            def told(what: str, done: int, of: int, name: str = each.card.name) -> None:
                bars.update(task, description=f"{name}: {what}", completed=done, total=of)

            runs.append(run_bundle(opened, metas, chosen, settings, told))
        shown = {run.name: worst_views(run) for run in runs}
        for run in runs:
            run.passes.tidy()
    sources = {
        "data": [f"{each.images.name}:{each.labels.name}" for each in folders], "sets": [each.name for each in named],
        "judged": list(groups), "fit_kinds": list(kinds[0]), "views": len(metas), "methods": methods,
        "step": step, "passes": passes,
        "pool": None if mined is None else {"name": mined.folder.resolve().name, "frames": len(mined.pairs)},
    }  # fmt: skip
    told_all = document(runs, settings, sources)
    # Groups that nobody asked for served to fit on only.
    for each_run in told_all["bundles"].values():
        for level in ("groups", *COLUMNS):
            each_run[level] = {name: rows for name, rows in each_run[level].items() if name in groups}
    write_json(out / DOCUMENT, told_all)
    write_report(out / REPORT, told_all, runs, shown)
    if as_json:
        json.dump(json_ready(told_all), sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        _print(told_all)
    for name, each_run in told_all["bundles"].items():
        reasons: dict[str, list[str]] = {}
        for method, why in each_run["left_out"].items():
            reasons.setdefault(why, []).append(method)
        for why, left in reasons.items():
            err.print(f"left out: {name}: {', '.join(left)}: {why}", soft_wrap=True, markup=False)
    err.print(f"written: {out / DOCUMENT}, {out / REPORT}", soft_wrap=True)


def _list(as_json: bool) -> None:
    from trustseg_lab.benchmark.catalogue import ROWS
    from trustseg_lab.benchmark.run_benchmark import row_document

    rows = [row_document(row) for row in ROWS]
    if as_json:
        json.dump(rows, sys.stdout, indent=1)
        sys.stdout.write("\n")
        return
    table = Table("no.", "system", "paper", "level", "needs", "state", title="Systems of the founding papers")
    for row in rows:
        cells = (str(row["number"]), row["name"], row["paper"], row["level"], ", ".join(row["needs"]), row["state"])
        table.add_row(*cells)
    terminal = PlainConsole()
    terminal.width = max(terminal.width, 150)
    terminal.print(table)
    terminal.print(f"{sum(row['state'] == 'runs' for row in rows)} of {len(rows)} run")


def _print(told: dict[str, Any]) -> None:
    """The best scores of each level and set; all are in the files."""
    terminal = PlainConsole()
    terminal.width = max(terminal.width, 110)
    for bundle, run in told["bundles"].items():
        for level, columns in COLUMNS.items():
            for group, scores in run[level].items():
                named = sorted(scores.items(), key=lambda each: -_known(each[1]["auroc"]))
                if not named:
                    continue
                table = Table(
                    "score", *columns, title=f"{bundle}: {level}, {group} (best {SHOWN_ROWS} of {len(named)})"
                )
                for name, row in named[:SHOWN_ROWS]:
                    table.add_row(name, *("" if (v := row.get(c)) is None or v != v else f"{v:.4f}" for c in columns))
                terminal.print(table)


def _known(value: float) -> float:
    """An undefined figure is below all."""
    return value if value == value else -1.0
