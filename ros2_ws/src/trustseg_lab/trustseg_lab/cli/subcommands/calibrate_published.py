# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg calibrate --published`: fits what rests on the published confidence of a bundle that is calibrated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError

if TYPE_CHECKING:
    from trustseg.bundle.loading import Bundle
    from trustseg_lab.calibrate.collect_views import LabelledFolder
    from trustseg_lab.calibrate.published_rows import PublishedRows
    from trustseg_lab.data import LabelNames


@dataclass(frozen=True)
class PublishedOptions:
    """Options of the command; see there."""

    folders: Sequence[LabelledFolder]
    judged: Mapping[str, LabelledFolder]
    scenes: int
    limit: int | None
    objects: str
    backend: str
    precision: str
    threads: int
    seed: int
    dry_run: bool
    as_json: bool


def calibrate_published(bundle: str, options: PublishedOptions, origin: dict[str, Any], err: Console) -> None:
    """Fit, print and, without `dry_run`, write into the bundle.

    Raises:
        BundleError: the bundle is a draft. InputError: an unknown class, or too little to fit on.
    """
    from trustseg.bundle.loading import load_bundle
    from trustseg.bundle.writer import update_bundle
    from trustseg.files.json_document import print_json
    from trustseg_lab.calibrate.published import fit_published, published_files
    from trustseg_lab.cli.tables.published_tables import print_published

    loaded = load_bundle(bundle)
    classes = object_classes(loaded, options.objects)
    rows = _rows(loaded, classes, options, err)
    fit = fit_published(rows, classes, options.seed)
    if options.as_json:
        print_json(fit.document())
    else:
        terminal = PlainConsole()
        terminal.width = max(terminal.width, 140)
        print_published(terminal, fit)
    if options.dry_run:
        err.print("dry run: the bundle is as it was")
        return
    for path in update_bundle(loaded, options.precision, published_files(loaded, options.precision, fit, origin)):
        err.print(f"written: {path}")


def object_classes(bundle: Bundle, objects: str) -> list[str]:
    """Names of the classes that are objects: those of `objects`, by commas, or the card's foreground.

    Raises:
        InputError: a class that the card does not have.
    """
    card = bundle.card
    if not objects:
        return [each.name for each in card.classes if each.is_foreground]
    names = [name.strip() for name in objects.split(",")]
    known = [each.name for each in card.classes]
    strange = [name for name in names if name not in known]
    if strange or len(set(names)) != len(names):
        raise InputError(
            "--objects is wrong",
            expected="names of " + ", ".join(known) + ", with commas, each once",
            got=repr(objects),
        )
    return names


def refuse_unfittable(bundle: Bundle, precision: str, dry_run: bool) -> None:
    """Before anything is read.

    Raises:
        BundleError: one call of the graph takes images of several cameras. InputError: the table that would be written
            is that of another bundle too.
    """
    from trustseg.bundle.writer import check_tables, table_name
    from trustseg_lab.precision.network_images import refuse_several_cameras

    refuse_several_cameras(
        bundle.card, "calibrate the bundle that it was made from, then export its form for several cameras again"
    )
    if not dry_run:
        check_tables(bundle.path, table_name(bundle.card.name, precision))


def fitted_on_the_old_table(bundle: Bundle, precision: str) -> str:
    """What a new confidence table takes from the bundle, as a line for the user; empty where that is nothing."""
    from trustseg.errors import BundleError

    try:
        before = bundle.calibration(precision)
    except BundleError:
        return ""  # a draft, or of another graph
    if before.segments is None and before.selective_risk is None:
        return ""
    return (
        "predicted IoU of objects and bounds of selective risk went with the old confidence table; "
        f"fit them anew: trustseg calibrate --published --bundle {bundle.card.name}"
    )


def judged_sets(given: Sequence[str], names: LabelNames | None) -> dict[str, LabelledFolder]:
    """Sets of NAME=IMAGES:LABELS[:VOID] by their names; the folder's own name where none is given.

    Raises:
        InputError: another form, or a name twice.
    """
    from trustseg_lab.calibrate.collect_views import LabelledFolder

    found: dict[str, LabelledFolder] = {}
    for text in given:
        name, _, source = text.rpartition("=")
        folder = LabelledFolder.parse(source, seen=False, names=names)
        name = name or folder.images.name
        if name in found:
            raise InputError(f"--judge has two sets {name}", fix="name them: NAME=IMAGES:LABELS[:VOID]")
        found[name] = folder
    return found


def _rows(loaded: Bundle, classes: list[str], options: PublishedOptions, err: Console) -> PublishedRows:
    from trustseg.backends import create_backend, select_backend
    from trustseg.judgement import Judgement
    from trustseg_lab.calibrate.collect_views import chosen
    from trustseg_lab.calibrate.published_rows import PublishedCollector, joined

    card, precision = loaded.card, options.precision
    judgement = Judgement(loaded, precision)
    sets = [(each, options.limit) for each in options.folders] + [(each, None) for each in options.judged.values()]
    counts = [len(chosen(each.pairs(), limit)) for each, limit in sets]
    engines = [select_backend(options.backend, loaded, precision, 1)]
    try:
        engines += [create_backend(engines[0].name, loaded, precision, 1) for _ in range(options.threads - 1)]
        with Bars(err) as progress:
            task = progress.add_task("collect", total=sum(counts) + options.scenes)
            collector = PublishedCollector(
                card, judgement, engines, classes, options.seed, lambda: progress.advance(task)
            )  # fmt: skip
            parts = [collector.folder(each, options.limit) for each in options.folders]
            if options.scenes:
                parts.append(collector.rendered(options.scenes))
            parts += [collector.judged(name, each) for name, each in options.judged.items()]
    finally:
        for engine in engines:
            engine.close()
    return joined(parts)
