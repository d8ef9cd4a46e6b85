# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg calibrate`: confidence table and image verdict of a bundle, from labelled images, scenes and weather."""

from __future__ import annotations

import datetime
import hashlib
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.table import Table

from trustseg.backend_registry import CHOICE
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg_lab.cli.extras import refuse_unused
from trustseg_lab.cli.label_options import LABEL_CLASSES, LABEL_FORMAT, LABEL_NAMES, read_as
from trustseg_lab.cli.subcommands.calibrate_published import (
    PublishedOptions,
    calibrate_published,
    fitted_on_the_old_table,
    judged_sets,
    refuse_unfittable,
)
from trustseg_lab.cli.tables.calibrate_tables import LIMITS_NOT_CROSSED, intervals_line, print_calibration

TABLE_WIDTH = 110
SCENES = 150  # rendered ones, beside labelled images
FEW_SHARE = 0.02  # of failures, or of good views: fewer teach nothing

if TYPE_CHECKING:
    from trustseg.bundle.loading import Bundle
    from trustseg_lab.calibrate.calibrate import CalibrationResult
    from trustseg_lab.calibrate.calibration_report import TemperatureReport
    from trustseg_lab.calibrate.collect_views import LabelledFolder
    from trustseg_lab.calibrate.fits.unknown_fit import UnknownFit
    from trustseg_lab.metrics.images.view_rows import CalibrationRows


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
    elsewhere: Annotated[
        list[str] | None,
        typer.Option(
            help="IMAGES:LABELS[:VOID] of another place; rough labels will do. The image verdict learns from it and "
            "is chosen by how it does without it; of the confidence the scene's shift does, not the table. Repeatable."
        ),
    ] = None,
    label_names: Annotated[str, LABEL_NAMES] = "",
    label_format: Annotated[str, LABEL_FORMAT] = "auto",
    label_classes: Annotated[str, LABEL_CLASSES] = "",
    scenes: Annotated[
        int | None,
        typer.Option(min=0, help="Rendered scenes beside them. Default: 150, or 0 where the bundle has other classes."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most N images of each folder, evenly spread.")] = None,
    backend: Annotated[str | None, typer.Option(help=f"{CHOICE}. Default: the card's.")] = None,
    precision: Annotated[str, typer.Option(help="Which graph of the bundle.")] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Engines side by side, one thread each.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Seed of conditions, folds and first weights.")] = 0,
    temperature: Annotated[
        bool, typer.Option("--temperature", help="Fit a temperature too, a baseline beside the table (with --data).")
    ] = False,
    cache: Annotated[Path | None, typer.Option(help="Folder for collected features, so that a refit is quick.")] = None,
    published: Annotated[
        bool,
        typer.Option(
            "--published",
            help="Fit what rests on the published confidence: the predicted IoU of objects and the bounds of selective "
            "risk. Confidence table and image verdict stay as they are.",
        ),
    ] = False,
    objects: Annotated[
        str, typer.Option(help="With --published: classes that are objects, by commas. Default: the foreground ones.")
    ] = "",
    judge: Annotated[
        list[str] | None,
        typer.Option(help="[NAME=]IMAGES:LABELS[:VOID] to judge with --published and never fit on. Repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Fit and report; leave the bundle as it is.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the metrics as JSON on stdout.")] = False,
) -> None:
    """Fit confidence table and image verdict of a bundle, report them by cross-fitted predictions, put them into it."""
    from trustseg.bundle.loading import load_bundle
    from trustseg.bundle.writer import update_bundle
    from trustseg.files.json_document import print_json
    from trustseg_lab.calibrate.calibrate import CalibrationContext, calibrate_rows
    from trustseg_lab.calibrate.collect_views import LabelledFolder, has_scene_classes
    from trustseg_lab.calibrate.fits.verdict_fit import fit_steps
    from trustseg_lab.data import LabelNames, passed_over
    from trustseg_lab.data.find_labels import LabelWish

    err = PlainConsole(stderr=True)
    names = LabelNames.parse(label_names) if label_names else None
    folders = [LabelledFolder.parse(text, seen=False, names=names) for text in data or []]
    folders += [LabelledFolder.parse(text, seen=True, names=names) for text in seen or []]
    folders += [LabelledFolder.parse(text, seen=False, names=names, elsewhere=True) for text in elsewhere or []]
    for line in passed_over(*(each for folder in folders for each in (folder.images, folder.labels))):
        err.print(line, soft_wrap=True, markup=False)
    loaded = load_bundle(bundle, draft=True)
    refuse_unfittable(loaded, precision, dry_run)
    wish = LabelWish.of_bundle(loaded.card.classes, label_format, label_classes, names)
    folders = read_as(folders, wish, err)
    if scenes is None:
        scenes = SCENES if has_scene_classes(loaded.card) else 0
    if (objects or judge) and not published:
        raise InputError("--objects and --judge say nothing without --published", fix="add --published")
    if published:
        given = {"temperature": temperature, "cache": cache, "elsewhere": elsewhere}
        refuse_unused(calibrate, given, "temperature cache elsewhere", "with --published")
        return calibrate_published(
            bundle,
            PublishedOptions(
                folders=folders,
                judged={name: each.read_as(wish)[0] for name, each in judged_sets(judge or [], names).items()},
                scenes=scenes,
                limit=limit,
                objects=objects,
                backend=backend or loaded.card.default_backend,
                precision=precision,
                threads=threads,
                seed=seed,
                dry_run=dry_run,
                as_json=as_json,
            ),
            {"command": _command(bundle), "date": _today(), "seed": seed},
            err,
        )
    if all(each.elsewhere for each in folders) and not scenes:
        raise InputError("nothing to calibrate on", expected="--data IMAGES:LABELS[:VOID] or --scenes N")
    # Not "auto": which backend is the fastest changes from run to run, and kept features belong to one of them.
    backend = backend or loaded.card.default_backend
    _refuse_few(folders, scenes, limit)
    rows, used = _rows(loaded, folders, scenes, limit, backend, precision, threads, seed, cache, err)
    if doubt := one_sided(rows.quality):
        err.print(f"trustseg: {doubt}", style="yellow", soft_wrap=True)
    scaled = _temperature(loaded, folders, limit, used, precision, threads, seed) if temperature else None
    context = CalibrationContext(
        temperature=scaled, bundle=loaded, precision=precision, backend=used, command=_command(loaded.card.name),
        seed=seed, date=_today(), data=_summary(rows),
    )  # fmt: skip
    with Bars(err) as progress:
        task = progress.add_task("fit", total=1 + fit_steps())
        result = calibrate_rows(rows, context, lambda: progress.advance(task))
    if as_json:
        document = {
            "table": asdict(result.table), "groups": result.groups, "data": context.data,
            "calibration_groups": result.calibration_groups, "temperature": scaled,
            "failure_threshold": result.verdict.model.failure_threshold,
            "recovery_threshold": result.verdict.model.recovery_threshold,
            "feature_set": result.verdict.feature_set, "settings": result.verdict.settings,
            "unknown": result.unknown and result.unknown.document(),
        }  # fmt: skip
        print_json(document)
    else:
        terminal = PlainConsole()
        terminal.width = max(terminal.width, TABLE_WIDTH)  # piped output has 80 columns: too few for ten figures
        _print(terminal, result)
        print_calibration(terminal, result, scaled)
    if dry_run:
        err.print("dry run: the bundle is as it was")
        return
    lost = fitted_on_the_old_table(loaded, precision)
    for path in update_bundle(loaded, precision, result.files):
        err.print(f"written: {path}")
    if lost:
        err.print(f"trustseg: {lost}", style="yellow", soft_wrap=True)


def _refuse_few(folders: list[LabelledFolder], scenes: int, limit: int | None) -> None:
    """InputError where there are too few images to cross-fit: said before the network has run over them."""
    from trustseg_lab.calibrate.calibrate import TABLE_FOLDS
    from trustseg_lab.calibrate.collect_views import chosen
    from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES, refuse_few_blocks

    counts = [*(len(chosen(each.pairs(), limit)) for each in folders if not each.elsewhere), scenes]
    refuse_few_blocks(sum(-(-count // BLOCK_IMAGES) for count in counts), TABLE_FOLDS)


def _today() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def one_sided(quality: npt.NDArray[np.float64]) -> str:
    """What is doubtful about views that nearly all fail, or nearly all do not; empty where both kinds are there."""
    from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW

    known = quality[~np.isnan(quality)]
    share = float(np.mean(known < FAILURE_BELOW)) if known.size else 1.0
    if FEW_SHARE <= share <= 1.0 - FEW_SHARE:
        return ""
    fix = "are classes, ids and void of the labels those of this bundle?" if share > 0.5 else "give harder images too"
    return (
        f"{100 * share:.1f} % of the {known.size} views fail (quality below {FAILURE_BELOW}): "
        f"an image verdict fitted on one kind cannot tell the two apart; {fix}"
    )


def _rows(
    loaded: Bundle, folders: list[LabelledFolder], scenes: int, limit: int | None, backend: str, precision: str,
    threads: int, seed: int, cache: Path | None, err: Console,
) -> tuple[CalibrationRows, str]:  # fmt: skip
    """Collected rows and the backend that gave them, from the cache where it has them."""
    from trustseg.backends import create_backend, select_backend
    from trustseg_lab.calibrate.collect_views import chosen, collect_folder, collect_rendered, views_digest
    from trustseg_lab.metrics.images.view_rows import concatenated
    from trustseg_lab.training.scene_set import renderer_version

    card = loaded.card
    pairs = [chosen(f.pairs(), limit) for f in folders]
    engines = [select_backend(backend, loaded, precision, 1)]
    name, version = engines[0].name, engines[0].version
    shown = [card.corridor.polygon, card.input.color_order, renderer_version()]
    shared = [loaded.model(precision).sha256, name, version, seed, views_digest(), shown]
    keep = cache or _cache_folder()
    try:
        engines += [create_backend(name, loaded, precision, 1) for _ in range(threads - 1)]
        with Bars(err) as progress:
            task = progress.add_task("collect", total=sum(map(len, pairs)) + scenes)

            def step() -> None:
                progress.advance(task)

            parts = [
                _kept_or_collected(
                    keep / f"{card.name}-{precision}-{_slug(str(each.images))}.npz",
                    {
                        "shared": shared,
                        "images": str(each.images),
                        "void": each.void,
                        "seen": each.seen,
                        "elsewhere": each.elsewhere,
                        "files": [pair.mark for pair in found],
                    },
                    lambda each=each: collect_folder(each, engines, card, seed, limit, step),  # type: ignore[misc]
                    err,
                )
                for each, found in zip(folders, pairs, strict=True)
            ]
            if scenes:
                parts.append(
                    _kept_or_collected(
                        keep / f"{card.name}-{precision}-rendered.npz", {"shared": shared, "scenes": scenes},
                        lambda: collect_rendered(scenes, engines, card, seed, step), err,
                    )
                )  # fmt: skip
    finally:
        for engine in engines:
            engine.close()
    return concatenated(parts), name


def _temperature(
    loaded: Bundle, folders: list[LabelledFolder], limit: int | None, backend: str, precision: str, threads: int,
    seed: int,
) -> TemperatureReport:  # fmt: skip
    """Temperature of the images that the network was not trained on.

    Raises:
        InputError: there are none, or too few to cross-fit.
    """
    from trustseg.backends import create_backend
    from trustseg_lab.calibrate.calibrate import TABLE_FOLDS
    from trustseg_lab.calibrate.calibration_report import temperature_report
    from trustseg_lab.calibrate.collect_views import chosen
    from trustseg_lab.evaluation.baselines.temperature import LogitSample, sample_logits
    from trustseg_lab.metrics.images.view_rows import BLOCK_IMAGES

    unseen = [each for each in folders if not each.seen and not each.elsewhere]
    if not unseen:
        raise InputError("no images to fit a temperature on", fix="give some with --data")
    engine, card = create_backend(backend, loaded, precision, threads, expose_logits=True), loaded.card
    samples: list[LogitSample] = []
    blocks: list[npt.NDArray[np.int64]] = []
    for each in unseen:
        pairs = chosen(each.pairs(), limit)
        samples.append(sample_logits(engine, pairs, card.image_size, card.input.color_order, each.void))
        image_block = np.arange(len(pairs)) // BLOCK_IMAGES
        first = blocks[-1].max() + 1 if blocks else 0
        blocks.append(np.repeat(image_block + first, samples[-1].of_image))
    sample = LogitSample(
        np.concatenate([each.logits for each in samples], axis=1), np.concatenate([each.truth for each in samples]),
        sum(each.images for each in samples),
    )  # fmt: skip
    return temperature_report(sample, np.concatenate(blocks), TABLE_FOLDS, seed)


def _kept_or_collected(
    path: Path, settings: dict[str, Any], collect: Callable[[], CalibrationRows], err: Console
) -> CalibrationRows:
    """Rows of one source: those kept by an earlier run with the same settings, or new ones, which are then kept."""
    from trustseg_lab.metrics.images.view_rows import load_rows, save_rows, settings_digest

    digest = settings_digest(settings)
    rows = load_rows(path, digest)
    if rows is not None:
        err.print(f"features of {len(rows)} views from {path}")
        return rows
    rows = collect()
    save_rows(path, rows, digest)
    return rows


def _slug(text: str) -> str:
    """A short file name for a folder: its own name and a digest of its path."""
    return f"{Path(text).name}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "trustseg" / "calibrate"


def _command(name: str) -> str:
    """The command line with the folders' own names only: provenance must not name this machine's paths."""
    words = ["trustseg calibrate"]
    for word in sys.argv[2:]:
        judged, equals, parts = word.rpartition("=")  # of a set that is only judged
        shown = ":".join(Path(part).name if "/" in part else part for part in parts.split(":"))
        words.append(f"{judged}{equals}{shown}")
    return " ".join(words) if len(words) > 1 else f"trustseg calibrate --bundle {Path(name).name}"


def _summary(rows: CalibrationRows) -> list[dict[str, Any]]:
    """What the rows are, by source: the folder's own name, images, views, whether the network was trained on them."""
    found = []
    for source in dict.fromkeys(rows.source.tolist()):
        inside = rows.source == source
        found.append({
            "name": Path(source).name, "images": int((inside & rows.clean).sum()), "views": int(inside.sum()),
            "seen_in_training": bool(rows.seen[inside][0]), "elsewhere": bool(rows.elsewhere[inside][0]),
        })  # fmt: skip
    return found


def _print(console: Console, result: CalibrationResult) -> None:
    table, verdict = result.table, result.verdict
    console.print(
        f"confidence table: ECE {table.ece_before:.4f} before, {table.ece_after:.4f} after "
        f"({table.folds}-fold cross-fitted over blocks, {table.views} views)"
    )
    model = verdict.model
    limit = f"{model.ood_score.limit:.2f}" if model.ood_score else "none"
    hidden = f"{verdict.settings.hidden} tanh units" if verdict.settings.hidden else "linear"
    console.print(
        f"image verdict: {len(model.features)} features ({verdict.feature_set}), {hidden}, l2 {verdict.settings.l2:g}; "
        f"failure from {model.failure_threshold}, recovered below {model.recovery_threshold}, "
        f"out of distribution above {limit}, lower bound = quality - {model.quality_lower_offset}"
        f" - {model.quality_lower_slope} max(0, log OOD score)"
    )
    if result.unknown is not None:
        _print_unknown(console, result.unknown)
    title = "image verdict, cross-fitted scores (%; found and false: by failure score or OOD score)"
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
    console.print(LIMITS_NOT_CROSSED, soft_wrap=True)
    for name in ("fitted kinds", "held-out kinds"):
        if name in result.groups:
            console.print(f"{name}, {intervals_line(result.groups[name].intervals)}", soft_wrap=True)


def _print_unknown(console: Console, fit: UnknownFit) -> None:
    found = (f"{100 * share:.1f} % of {frames} of {name}" for name, (frames, share) in fit.alarms.items())
    console.print(
        f"unknown object in the corridor: {fit.limits.score} - {fit.limits.scene_weight:g} (1 - {fit.limits.scene}) "
        f"above {fit.limits.limit:.3f}, a hard fault from "
        f"{fit.limits.hard_share:.1%} of the corridor on; good, clean frames above it: {', '.join(found)}; good ones "
        f"in trouble {100 * fit.disturbed:.1f} %", soft_wrap=True,
    )  # fmt: skip


def _short(name: str) -> str:
    """A group's name, within a narrow terminal."""
    return name.replace("held-out kinds, severity", "held out, severity")
