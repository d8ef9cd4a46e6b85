# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg fit-confidence --bundle`: the head of a network that `trustseg wrap` made a bundle of, without PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg.files.json_document import print_json
from trustseg_lab.cli.label_options import read_as

if TYPE_CHECKING:
    from trustseg_lab.wrap.fit.fit_confidence import FittedConfidence

COLUMNS = {"AUROC": "auroc", "FPR95": "fpr95", "AUPR-E": "aupr_error", "AURC": "aurc"}


def fit_bundle(
    name: str, data: list[str], labels: tuple[str | None, str, str], limit: int | None, seed: int, as_json: bool,
    console: Console,
) -> None:  # fmt: skip
    """Fit the head of bundle `name` on IMAGES:LABELS[:VOID] folders; into the bundle goes what is better.

    `labels`: --label-names, --label-format and --classes.
    """
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.calibrate.collect_views import LabelledFolder
    from trustseg_lab.calibrate.head_views import LEAST_DRIVES, head_images, head_views
    from trustseg_lab.data import LabelNames, passed_over
    from trustseg_lab.data.find_labels import LabelWish
    from trustseg_lab.precision.network_images import refuse_camera_form
    from trustseg_lab.wrap.fit.fit_confidence import MCP, fit_confidence, steps_of
    from trustseg_lab.wrap.network import network_in

    if not data:
        raise InputError("nothing to fit on", expected="--data IMAGES:LABELS[:VOID] with --bundle")
    label_names, label_format, label_classes = labels
    names = LabelNames.parse(label_names) if label_names else None
    folders = [LabelledFolder.parse(text, seen=False, names=names) for text in data]
    for line in passed_over(*(each for folder in folders for each in (folder.images, folder.labels))):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    bundle = load_bundle(name, draft=True)
    refuse_camera_form(
        bundle.card, "fit and calibrate the bundle that it was made from, then export its camera form again"
    )
    network_in(bundle)  # refused before anything is read
    folders = read_as(folders, LabelWish.of_bundle(bundle.card.classes, label_format, label_classes, names), console)
    images = head_images(folders, limit, seed)
    if not images.by_drive:
        console.print(
            f"trustseg: below {LEAST_DRIVES} drives by the names of the images: heads are judged on blocks of known "
            "roads, and only one layer on the softmax signals is tried",
            style="yellow", highlight=False, soft_wrap=True,
        )  # fmt: skip
    with Bars(console) as progress:
        task = progress.add_task(
            "running the network", total=steps_of(images.views, images.folds, by_drive=images.by_drive)
        )

        def step(doing: str) -> None:
            progress.update(task, description=doing, advance=1)

        found = fit_confidence(
            bundle, lambda: head_views(images, bundle.card, seed), images.views, images.folds, seed, step,
            by_drive=images.by_drive,
        )  # fmt: skip
    if as_json:
        print_json(found.record())
    else:
        _print(PlainConsole(), found)
    if found.published == MCP:
        console.print(f"no head ranks wrong pixels better than the MCP: {bundle.path} has its MCP as confidence",
                      highlight=False, soft_wrap=True)  # fmt: skip
    else:
        console.print(f"the head ({found.published}) is in {bundle.path}", highlight=False, soft_wrap=True)
    card = load_bundle(name, draft=True).card
    if card.verdict is not None and card.calibration:  # the graph is the one that it was calibrated with
        console.print("its graph is as it was: table, verdict and other precisions hold", soft_wrap=True)
        return
    console.print(f"a draft until `trustseg calibrate --bundle {name} --data IMAGES:LABELS:VOID`", soft_wrap=True)


def _print(console: Console, found: FittedConfidence) -> None:
    console.print(f"{found.rows} pixels, {100 * found.wrong:.1f} % of them wrong; AUROC on blocks left out, at the "
                  "logits' resolution: " + ", ".join(f"{k} {100 * v:.2f}" for k, v in found.chosen.items()),
                  soft_wrap=True)  # fmt: skip
    table = Table("confidence", "views", *COLUMNS, title="on blocks left out, every labelled pixel (%)",
                  title_justify="left")  # fmt: skip
    for label, metrics in (("MCP", found.mcp), (found.form, found.head)):
        for views, each in metrics.items():
            table.add_row(label, views, *(f"{100 * getattr(each, key):.2f}" for key in COLUMNS.values()))
    console.print(table)
    console.print(f"of the folds left out, the one that speaks most against the head: AUROC {100 * found.worst:+.2f} "
                  "on clean views", soft_wrap=True)  # fmt: skip
