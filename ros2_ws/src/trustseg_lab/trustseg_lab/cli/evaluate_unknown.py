# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg evaluate-unknown`: how a bundle or a checkpoint takes objects that it has never seen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from trustseg.backend_registry import CHOICE
from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg_lab.cli.extras import refuse_unused, require
from trustseg_lab.cli.label_options import LABEL_CLASSES, LABEL_FORMAT, LABEL_NAMES, read_as
from trustseg_lab.cli.tables.evaluate_tables import percent

if TYPE_CHECKING:
    from trustseg_lab.evaluation.unknown_objects import Scorer

CHECKPOINT_SIZE = (360, 480)
HALVES = ("held-out", "fit")
HEADINGS = ("AUROC", "FPR95", "AP", "AUROC", "FPR95", "objects", "classes")


def evaluate_unknown(
    objects: Annotated[Path, typer.Option(
        help="Library of objects, as `python -m trustseg_lab.training.unknown.library` makes it.",
    )],
    data: Annotated[list[str], typer.Option(help="IMAGES:LABELS[:VOID] to paste them into; repeatable.")],
    bundle: Annotated[str | None, typer.Option(help="Bundle, a folder or a name: its published confidence.")] = None,
    checkpoint: Annotated[Path | None, typer.Option(
        help="Instead: a checkpoint of `trustseg train` or `trustseg fit-confidence`; nothing is calibrated then.",
    )] = None,
    half: Annotated[str, typer.Option(
        help="held-out, which nothing is fitted on, or fit: what settings are chosen by.",
    )] = HALVES[0],
    label_names: Annotated[str, LABEL_NAMES] = "",
    label_format: Annotated[str, LABEL_FORMAT] = "auto",
    label_classes: Annotated[str, LABEL_CLASSES] = "",
    every: Annotated[int, typer.Option(min=1, help="One image of N.")] = 1,
    backend: Annotated[str, typer.Option(help=f"{CHOICE}.")] = "auto",
    precision: Annotated[str, typer.Option(help="Which graph of the bundle.")] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the engine.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of the objects, their places and their sizes.")] = 0,
    out: Annotated[Path | None, typer.Option(help="File for the figures, as JSON, by --data.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print them on stdout, and nothing else there.")] = False,
) -> None:  # fmt: skip
    """Paste objects that are no class into labelled images: are they found, and are they trusted all the same?

    "Sure" are pixels with a confidence above 0.9. Accuracy and mIoU are of the images without objects.
    """
    if checkpoint is not None and bundle is None:
        refuse_unused(evaluate_unknown, locals(), "backend precision threads", "with --checkpoint")
    from trustseg.files.json_document import print_json, write_json
    from trustseg.files.whole_file import check_writable
    from trustseg_lab.calibrate.collect_views import LabelledFolder
    from trustseg_lab.data import LabelNames, passed_over
    from trustseg_lab.data.find_labels import LabelWish
    from trustseg_lab.evaluation.unknown_objects import evaluate_unknown_objects
    from trustseg_lab.training.config import UnknownSection
    from trustseg_lab.training.unknown.sets_beside import measuring_paster

    err = PlainConsole(stderr=True)
    if half not in HALVES:
        raise InputError("no such half of the objects", expected=" or ".join(HALVES), got=repr(half))
    if out is not None:
        check_writable(out)
    names = LabelNames.parse(label_names) if label_names else None
    folders = [LabelledFolder.parse(text, seen=False, names=names) for text in data]
    for line in passed_over(*(each for folder in folders for each in (folder.images, folder.labels))):
        err.print(line, soft_wrap=True, markup=False)
    scorer = _scorer(bundle, checkpoint, backend, precision, threads)
    wish = LabelWish.of_bundle(scorer.classes.classes, label_format, label_classes, names)
    folders = read_as(folders, wish, err)
    pairs = [each.pairs()[::every] for each in folders]
    paste = measuring_paster(UnknownSection(library=objects), scorer.classes, held_out=half == HALVES[0])
    document: dict[str, Any] = {
        "of": bundle or str(checkpoint), "precision": precision if bundle else None, "half": half, "seed": seed,
        "every": every, "data": {},
    }  # fmt: skip
    with Bars(err) as progress:
        task = progress.add_task("objects", total=sum(len(each) for each in pairs))
        for given, folder, listed in zip(data, folders, pairs, strict=True):
            found = evaluate_unknown_objects(
                scorer, listed, folder.void, paste, seed, lambda: progress.advance(task)
            )  # fmt: skip
            document["data"][given] = found.record()  # the images alone may be given with several labels
    if out is not None:
        write_json(out, document)
    if as_json:
        print_json(document)
    else:
        for name, record in document["data"].items():
            _print(PlainConsole(), name, record)


def _scorer(bundle: str | None, checkpoint: Path | None, backend: str, precision: str, threads: int) -> Scorer:
    """What is looked at.

    Raises:
        InputError: neither a bundle nor a checkpoint, or both.
    """
    if (bundle is None) == (checkpoint is None):
        raise InputError("one network is evaluated", expected="--bundle NAME or --checkpoint FILE, and not both")
    if checkpoint is not None:
        require("evaluate-unknown", "train", "torch")
        from trustseg_lab.evaluation.unknown_checkpoint import CheckpointScorer

        return CheckpointScorer(checkpoint, CHECKPOINT_SIZE)
    from trustseg.backends import create_backend, select_backend
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.evaluation.unknown_objects import BundleScorer
    from trustseg_lab.precision.network_images import refuse_camera_form

    loaded = load_bundle(str(bundle), draft=True)
    refuse_camera_form(loaded.card)
    chosen = select_backend(backend, loaded, precision, threads)  # the golden test admits it
    chosen.close()
    engine = create_backend(chosen.name, loaded, precision, threads, expose_logits=True)
    return BundleScorer(loaded, engine, precision)


def _print(console: Console, name: str, record: dict[str, Any]) -> None:
    console.print(
        f"{name}, {record['images']} images: mIoU {percent(record['miou'])}, accuracy {percent(record['accuracy'])}; "
        f"{record['object_pixels']} object pixels in {record['with_objects']} of them, "
        f"{percent(record['called_road'])} % called road",
        soft_wrap=True, markup=False,
    )  # fmt: skip
    if record["raised"] == record["raised"]:
        console.print(
            f"UNKNOWN_OBJECT in {percent(record['raised'])} % of the {record['ahead']} images with an object in the "
            f"corridor, and in {percent(record['raised_clean'])} % of them all without objects", soft_wrap=True,
        )  # fmt: skip
    table = Table("score (%)", *HEADINGS, title="against all | against road | sure", title_justify="left")
    for score, each in record["scores"].items():
        figures = (each["auroc"], each["fpr95"], each["ap"], each["road"]["auroc"], each["road"]["fpr95"],
                   each.get("sure_share", float("nan")), each.get("sure_share_known", float("nan")))  # fmt: skip
        table.add_row(score, *(percent(value) for value in figures))
    console.print(table)
