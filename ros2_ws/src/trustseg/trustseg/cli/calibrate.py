"""`trustseg calibrate`: confidence table and image verdict of a bundle, from labelled images, scenes and weather."""

from __future__ import annotations

import datetime
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from trustseg.errors import InputError

if TYPE_CHECKING:
    from trustseg.bundle import Bundle
    from trustseg.evaluation.calibrate import CalibrationResult
    from trustseg.evaluation.calibration_data import CalibrationRows
    from trustseg.evaluation.collect_views import LabelledFolder


def calibrate(
    bundle: Annotated[str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")],
    data: Annotated[
        list[str] | None,
        typer.Option(help="IMAGES:LABELS[:VOID], images that the network was NOT trained on. Repeatable."),
    ] = None,
    seen: Annotated[
        list[str] | None,
        typer.Option(help="IMAGES:LABELS[:VOID] that it WAS trained on: used in bad weather only. Repeatable."),
    ] = None,
    scenes: Annotated[int, typer.Option(min=0, help="Rendered scenes beside them (classes must be theirs).")] = 150,
    limit: Annotated[int | None, typer.Option(min=1, help="At most N images of each folder, evenly spread.")] = None,
    backend: Annotated[str, typer.Option(help="onnxruntime, openvino, or auto: the fastest that passes.")] = "auto",
    precision: Annotated[str, typer.Option(help="Which graph of the bundle.")] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the engine.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of conditions, folds and first weights.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Folder for collected features, so that a refit is quick.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fit and report; leave the bundle as it is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON on stdout.")] = False,
) -> None:
    """Fit the confidence table and the image verdict of a bundle, report them cross-fitted, and put them into it."""
    from trustseg.bundle import load_bundle
    from trustseg.evaluation.bundle_update import update_bundle
    from trustseg.evaluation.calibrate import CalibrationContext, calibrate_rows
    from trustseg.evaluation.collect_views import LabelledFolder
    from trustseg.evaluation.json_document import json_ready
    from trustseg.evaluation.verdict_fit import fit_steps

    err = Console(stderr=True, highlight=False)
    folders = [LabelledFolder.parse(text, seen=False) for text in data or []]
    folders += [LabelledFolder.parse(text, seen=True) for text in seen or []]
    if not folders and not scenes:
        raise InputError("nothing to calibrate on", expected="--data IMAGES:LABELS[:VOID] or --scenes N")
    loaded = load_bundle(bundle, draft=True)
    rows, used = _rows(loaded, folders, scenes, limit, backend, precision, threads, seed, cache, err)
    context = CalibrationContext(
        bundle=loaded, precision=precision, backend=used, command=_command(loaded.card.name), seed=seed,
        date=datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"), data=_summary(rows),
    )  # fmt: skip
    with _progress(err) as progress:
        task = progress.add_task("fit", total=1 + fit_steps())
        result = calibrate_rows(rows, context, lambda: progress.advance(task))
    if as_json:
        document = {
            "table": asdict(result.table), "groups": result.groups, "data": context.data,
            "failure_threshold": result.verdict.model.failure_threshold,
            "recovery_threshold": result.verdict.model.recovery_threshold,
            "feature_set": result.verdict.feature_set, "settings": result.verdict.settings,
        }  # fmt: skip
        json.dump(json_ready(document), sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        _print(Console(highlight=False), result)
    if dry_run:
        err.print("dry run: the bundle is as it was")
        return
    for path in update_bundle(loaded, precision, result.files):
        err.print(f"written: {path}")


def _rows(
    loaded: Bundle, folders: list[LabelledFolder], scenes: int, limit: int | None, backend: str, precision: str,
    threads: int, seed: int, cache: Path | None, err: Console,
) -> tuple[CalibrationRows, str]:  # fmt: skip
    """Collected rows and the backend that gave them, from the cache where it has them."""
    from trustseg.backends import select_backend
    from trustseg.evaluation import collect_views
    from trustseg.evaluation.calibration_data import concatenated, load_rows, save_rows, settings_digest
    from trustseg.evaluation.labelled_images import find_pairs

    chosen = select_backend(backend, loaded, precision, threads)
    try:
        settings: dict[str, Any] = {
            "model": loaded.model(precision).sha256, "backend": [chosen.name, chosen.version], "scenes": scenes,
            "limit": limit, "seed": seed, "views": collect_views.views_digest(),
            "folders": [[str(f.images), str(f.labels), f.void, f.seen] for f in folders],
        }  # fmt: skip
        digest = settings_digest(settings)
        kept = (cache or _cache_folder()) / f"{loaded.card.name}-{precision}.npz"
        rows = load_rows(kept, digest)
        if rows is not None:
            err.print(f"features of {len(rows)} views from {kept}")
            return rows, chosen.name
        counts = [len(collect_views.chosen(find_pairs(f.images, f.labels), limit)) for f in folders]
        with _progress(err) as progress:
            task = progress.add_task("collect", total=sum(counts) + scenes)
            step = lambda: progress.advance(task)  # noqa: E731
            parts = [collect_views.collect_folder(f, chosen, loaded.card, seed, limit, step) for f in folders]
            if scenes:
                parts.append(collect_views.collect_rendered(scenes, chosen, loaded.card, seed, step))
    finally:
        chosen.close()
    rows = concatenated(parts)
    save_rows(kept, rows, digest)
    return rows, chosen.name


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "trustseg" / "calibrate"


def _command(name: str) -> str:
    """The command line with the folders' own names only: provenance must not name this machine's paths."""
    words = ["trustseg calibrate"]
    for word in sys.argv[2:]:
        words.append(":".join(Path(part).name if "/" in part else part for part in word.split(":")))
    return " ".join(words) if len(words) > 1 else f"trustseg calibrate --bundle {name}"


def _summary(rows: CalibrationRows) -> list[dict[str, Any]]:
    """What the rows are, by source: the folder's own name, images, views, whether the network was trained on them."""
    found = []
    for source in dict.fromkeys(rows.source.tolist()):
        inside = rows.source == source
        found.append({
            "name": Path(source).name, "images": int((inside & rows.clean).sum()), "views": int(inside.sum()),
            "seen_in_training": bool(rows.seen[inside][0]),
        })  # fmt: skip
    return found


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
        transient=True, disable=not console.is_terminal,
    )  # fmt: skip


def _print(console: Console, result: CalibrationResult) -> None:
    table, verdict = result.table, result.verdict
    console.print(
        f"confidence table: ECE {table.ece_before:.4f} before, {table.ece_after:.4f} after "
        f"({table.folds}-fold cross-fitted over blocks, {table.views} views)"
    )
    model = verdict.model
    strange = f"{model.strangeness.limit:.2f}" if model.strangeness else "none"
    hidden = f"{verdict.settings.hidden} tanh units" if verdict.settings.hidden else "linear"
    console.print(
        f"image verdict: {len(model.features)} features ({verdict.feature_set}), {hidden}, l2 {verdict.settings.l2:g}; "
        f"failure from {model.failure_threshold}, recovered below {model.recovery_threshold}, "
        f"strange above {strange}, lower bound = quality - {model.quality_lower_offset}"
    )
    title = "image verdict, cross-fitted (%; found and false: by score or strangeness)"
    shown = Table(title=title, title_justify="left")
    for heading in ("views", "n", "failed", "AUROC", "(conf.)", "found", "false", "bal.", "MAE", "bound"):
        shown.add_column(heading, no_wrap=True)
    for name, each in result.groups.items():
        parts = (  # (conf.): the AUROC of mean confidence alone
            each.verdict.prevalence, each.verdict.auroc, each.auroc_mean_confidence, each.flagged_failures,
            each.flagged_good, each.flagged_balanced_accuracy, each.verdict.mae, each.verdict.lower_bound_coverage,
        )  # fmt: skip
        shown.add_row(_short(name), str(each.verdict.images), *("-" if v != v else f"{100 * v:.1f}" for v in parts))
    console.print(shown)


def _short(name: str) -> str:
    """A group's name, of a path in it the last part, within a narrow terminal."""
    return name.rpartition("/")[2].replace("held-out kinds, severity", "held out, severity")
