# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg fit-confidence`: the confidence head, on a network that stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg.files.json_document import print_json
from trustseg_lab.cli.extras import refuse_unused, require
from trustseg_lab.cli.label_options import LABEL_CLASSES, LABEL_FORMAT, LABEL_NAMES, say
from trustseg_lab.cli.subcommands.fit_bundle_confidence import fit_bundle

FUSED, RECORD = "fused.safetensors", "head.json"
OF_A_CHECKPOINT = (
    "out scenes scene_cache pictures objects object_weight aspect_share steps target loss height width overwrite"
)


def fit_confidence(
    checkpoint: Annotated[
        Path | None, typer.Option(help="Weights of `trustseg train` (.safetensors); with --second a bundle too.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for fused.safetensors and head.json.")] = None,
    unseen: Annotated[
        list[str] | None, typer.Option(help="IMAGES:LABELS that the network was not trained on; repeatable.")
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(help="Instead of --checkpoint: a bundle of `trustseg wrap`; its head needs no PyTorch."),
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="With --bundle: IMAGES:LABELS[:VOID] that the network was not trained on; repeatable."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="With --bundle: at most N images of each folder, evenly spread.")
    ] = None,
    seen: Annotated[list[str] | None, typer.Option(help="IMAGES:LABELS that it was trained on; repeatable.")] = None,
    second: Annotated[
        str | None,
        typer.Option(
            help="A second network, a checkpoint or a bundle: both become a pair in one graph, and the head learns "
            "from where they disagree."
        ),
    ] = None,
    label_names: Annotated[str | None, LABEL_NAMES] = None,
    label_format: Annotated[str, LABEL_FORMAT] = "auto",
    label_classes: Annotated[str, LABEL_CLASSES] = "",
    scenes: Annotated[int, typer.Option(min=0, help="Rendered scenes that it was not trained on.")] = 200,
    scene_cache: Annotated[Path | None, typer.Option(help="Folder to keep rendered scenes in.")] = None,
    pictures: Annotated[int, typer.Option(min=8, help="Images that it learns from, about 4 MB each.")] = 320,
    objects: Annotated[
        Path | None, typer.Option(help="Library of unknown objects to paste into half of the images.")
    ] = None,
    object_weight: Annotated[
        float, typer.Option(min=0.0, help="How much a pixel of such an object counts, beside 1 of any other.")
    ] = 1.0,
    aspect_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the images that are stretched as a wider camera's are.")
    ] = 0.0,
    steps: Annotated[int, typer.Option(min=1, help="Batches of eight crops of them.")] = 2000,
    target: Annotated[str, typer.Option(help="tcp, tcp_r or tcp_a: form of the true class probability.")] = "tcp_a",
    loss: Annotated[str, typer.Option(help="bce, mse, focal or ranking.")] = "ranking",
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights and images.")] = 0,
    height: Annotated[int, typer.Option(min=32)] = 360,
    width: Annotated[int, typer.Option(min=32)] = 480,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the head of an earlier run in --out.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Fit the fused confidence head to the true class probability of a frozen network.

    With --bundle: a smaller head, to whether a pixel is right; where it ranks wrong pixels no better than the network's
    own softmax maximum on blocks of images left out, the bundle keeps that.
    """
    options = dict(locals())
    console = PlainConsole(stderr=True)
    if bundle is not None:
        if checkpoint is not None or unseen or seen or second:
            raise InputError("--bundle goes with --data alone", got="options of --checkpoint beside it")
        refuse_unused(fit_confidence, options, OF_A_CHECKPOINT, "with --bundle")
        fit_bundle(bundle, data or [], (label_names, label_format, label_classes), limit, seed, as_json, console)
        return
    if checkpoint is None or out is None or not unseen:
        raise InputError(
            "nothing to fit", expected="--checkpoint FILE --unseen IMAGES:LABELS --out FOLDER, or --bundle NAME --data "
            "IMAGES:LABELS:VOID",
        )  # fmt: skip
    refuse_unused(fit_confidence, options, "data limit", "without --bundle")
    # Not any file: `trustseg train` writes into the same folder.
    earlier = [name for name in (FUSED, RECORD) if (out / name).exists()]
    if earlier and not overwrite:
        raise InputError(f"{out} holds {' and '.join(earlier)}", fix="choose another --out, or add --overwrite")
    require("fit-confidence", "train", "torch")
    from trustseg_lab.data import passed_over
    from trustseg_lab.data.find_labels import LabelWish
    from trustseg_lab.training.checkpoint import load_network
    from trustseg_lab.training.data import look_at_labels
    from trustseg_lab.training.export.checkpoint_to_graph import save_fused
    from trustseg_lab.training.head.data import corrupt_for_fitting, head_parts, parse_source
    from trustseg_lab.training.head.fit import HeadConfig, fit_head
    from trustseg_lab.training.head.targets import LOSSES, TARGETS
    from trustseg_lab.training.start.pair import load_pair

    network, classes, meta = load_network(checkpoint) if second is None else load_pair(str(checkpoint), second)
    for what, given, known in (("target", target, TARGETS), ("loss", loss, LOSSES)):
        if given not in known:
            raise InputError(f"unknown {what} of the head", expected=", ".join(known), got=given)
    own = LabelWish.of_bundle(classes.classes, label_format, label_classes, None).own if label_classes else classes
    fresh, known_sources = (
        [parse_source(text, label_names, label_format) for text in texts] for texts in (unseen, seen or [])
    )
    sources = [*fresh, *known_sources]
    say(passed_over(*(each for source in sources for each in (source.images, source.labels))), console)
    for source in sources:
        say(look_at_labels(source, own).told, console)
    with Bars(console) as progress:
        task = progress.add_task("reading", total=None)

        def rendered(done: int, of: int) -> None:
            progress.update(task, description="rendering scenes", completed=done, total=of)

        def report(record: dict[str, Any]) -> None:
            if record["kind"] == "collect":
                progress.update(task, description="network", total=record["of"], completed=record["step"])
                return
            text = f"loss {record['loss']:.4f}  wrong pixels {record['error_share']:.1%}"
            progress.update(task, description=text, total=record["of"], completed=record["step"])
            if not console.is_terminal and record["step"] % 100 == 0:
                console.print(f"step {record['step']}/{record['of']}  {text}", highlight=False)

        parts = head_parts(fresh, known_sources, scenes, own, (height, width), scene_cache, rendered, objects)
        config = HeadConfig(
            pictures=pictures, steps=steps, target=target, loss=loss, object_weight=object_weight,
            aspect_share=aspect_share, seed=seed,
        )  # fmt: skip
        head, record = fit_head(network, parts, corrupt_for_fitting, config, out, report)
    save_fused(out / FUSED, network, head, {**meta, "head": record})
    check = record["check"]
    console.print(
        f"wrote {out / FUSED}: {record['error_share']:.1%} of its pixels were wrong; AUROC on clean "
        f"images kept from the fit: fused {percent(check['fused_auroc'])}, MCP {percent(check['mcp_auroc'])}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    if as_json:
        print_json(record)


def percent(share: float | None) -> str:
    """A share as text; undefined is said, not 0."""
    return "undefined" if share is None else f"{share:.1%}"
