# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg train`: a segmentation network from images and labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trustseg.cli.bars import Bars
from trustseg.cli.plain_console import PlainConsole
from trustseg.errors import InputError
from trustseg.files.json_document import print_json
from trustseg_lab.cli.extras import require
from trustseg_lab.cli.label_options import LABEL_FORMAT, LABEL_NAMES, say


def train(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the log.")],
    config: Annotated[
        Path, typer.Option(help="YAML of the run, or the name of one that comes with the package.")
    ] = Path("segnet_lite.yaml"),
    classes: Annotated[
        Path,
        typer.Option(help="classes.yaml: void, the classes, and which classes of the labels become them; or a name."),
    ] = Path("classes_camvid11.yaml"),
    images: Annotated[Path | None, typer.Option(help="Training images, instead of the configured folder.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Training labels; every image must have some.")] = None,
    val_images: Annotated[Path | None, typer.Option(help="Validation images, for selection.")] = None,
    val_labels: Annotated[Path | None, typer.Option(help="Validation labels.")] = None,
    label_names: Annotated[str | None, LABEL_NAMES] = None,
    label_format: Annotated[str | None, LABEL_FORMAT] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs, instead of the configured number.")] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.01, help="Minutes that the run has, reading and val with it, in place of epochs."),
    ] = None,
    init: Annotated[
        Path | None, typer.Option(help="Start from the weights of this checkpoint, of the same or other classes.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Checkpoint of a larger network to learn from too, instead of the configured.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed, instead of the configured one.")] = None,
    resume: Annotated[bool, typer.Option(help="Go on where an interrupted run in --out stopped.")] = False,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    as_json: Annotated[bool, typer.Option("--json", help="Print the last epoch's record as JSON.")] = False,
) -> None:
    """Train a network. Writes best.safetensors (best on val), last.safetensors, log.jsonl and what --resume needs."""
    require("train", "train", "torch")
    from trustseg_lab.data import passed_over
    from trustseg_lab.data.class_list import load_classes
    from trustseg_lab.training import config as configuration
    from trustseg_lab.training.data import look_at_labels
    from trustseg_lab.training.train import train as run

    given: dict[str, Any] = {
        "data.train.images": images, "data.train.labels": labels, "data.val.images": val_images,
        "data.val.labels": val_labels, "data.train.label_names": label_names, "data.val.label_names": label_names,
        "data.train.label_format": label_format, "data.val.label_format": label_format,
        "optim.epochs": epochs, "seed": seed,
        "distil.teacher": teacher,
    }  # fmt: skip
    overrides = {key: str(v) if isinstance(v, Path) else v for key, v in given.items() if v is not None}
    if epochs is not None and minutes is not None:
        raise InputError("--epochs and --minutes", expected="one of them", got="both")
    loaded = configuration.load_config(packaged(config), overrides)
    listed = load_classes(classes)
    check_device(device)
    if (out / "state.pt").exists() and not resume:
        raise InputError(f"{out} holds another run", fix="use --resume to go on with it, or another --out")
    if resume and not (out / "state.pt").exists():
        raise InputError(
            f"{out} holds no run to go on with", expected="the state.pt that a run leaves at each look at val",
            fix="give the --out of that run, or leave --resume away to start one",
        )  # fmt: skip
    console = PlainConsole(stderr=True)
    sources = (loaded.data.train, loaded.data.val)
    for line in passed_over(*(each for source in sources for each in (source.images, source.labels))):
        console.print(line, highlight=False, soft_wrap=True, markup=False)
    for source in sources:
        say(look_at_labels(source, listed).told, console)
    with Bars(console) as progress:
        task = progress.add_task("epoch 1", total=None)

        def report(record: dict[str, Any]) -> None:
            if record["kind"] == "render":
                progress.update(task, description="rendering scenes", total=record["of"], completed=record["done"])
            elif record["kind"] == "teach":
                progress.update(task, description="asking the teacher", total=record["of"], completed=record["done"])
            elif record["kind"] == "step":
                done = (record["step"] - 1) % record["of"] + 1
                text = f"epoch {record['epoch'] + 1}  loss {record['loss']:.3f}"
                progress.update(task, description=text, total=record["of"], completed=done)
            else:
                console.print(epoch_line(record), highlight=False)

        last = run(loaded, listed, out, report=report, resume=resume, init=init, device=device, minutes=minutes)
    if not last:
        console.print(
            f"nothing is left to do in {out}: start another --out from its weights with --init", soft_wrap=True
        )
    if as_json:
        print_json(last)


def packaged(path: Path) -> Path:
    """`path` itself, or the file of that name among the configurations that come with the package."""
    inside = Path(__file__).resolve().parent.parent / "training" / "configs" / path.name
    return inside if not path.exists() and path.parent == Path() and inside.exists() else path


def check_device(device: str) -> None:
    """Raise InputError for a device that is not there."""
    import torch

    if device not in ("cpu", "cuda"):
        raise InputError("unknown device", expected="cpu or cuda", got=device)
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("no CUDA device is available", fix="use --device cpu")


def epoch_line(record: dict[str, Any]) -> str:
    """One line about an epoch."""
    text = f"epoch {record['epoch']}  loss {record['loss']:.3f}  rate {record['lr']:.2e}  {record['seconds']} s"
    for name in ("val", "scenes"):
        if record.get(name) and record[name]["miou"] is not None:
            text += f"  {name} mIoU {record[name]['miou']:.3f}"
    return text
