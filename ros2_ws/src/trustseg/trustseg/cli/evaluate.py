"""`trustseg evaluate`: how good a bundle's masks, confidence and image verdicts are on labelled images."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from trustseg.evaluation.evaluation_report import EvaluationReport

# Heading of the printed table -> metric.
COLUMNS = {
    "AUROC": "auroc", "FPR95": "fpr95", "AUPR-E": "aupr_error", "AUPR-S": "aupr_success", "AURC": "aurc", "ECE": "ece",
    "mean-acc": "overconfidence",
}  # fmt: skip


def evaluate(
    bundle: Annotated[str, typer.Option(help="Bundle: a folder with card.json, or a name under engines/.")],
    images: Annotated[Path, typer.Option(help="Folder of images, any format that OpenCV reads.")],
    labels: Annotated[Path, typer.Option(help="Folder of label images (class ids), same names without suffix.")],
    out: Annotated[Path, typer.Option(help="Folder for metrics.json; new or empty.")],
    void: Annotated[int | None, typer.Option(help="Id of unlabelled pixels in the labels; they are left out.")] = None,
    backend: Annotated[str, typer.Option(help="onnxruntime, openvino, or auto: the fastest that passes.")] = "auto",
    precision: Annotated[str, typer.Option(help="Which graph of the bundle.")] = "fp32",
    threads: Annotated[int, typer.Option(min=1, help="Threads of the engine.")] = 2,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N images.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results in a folder that has some.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print metrics.json on stdout, nothing else there.")] = False,
) -> None:
    """Measure masks, confidence and image verdicts of a bundle on labelled images; writes metrics.json."""
    from trustseg.backends import select_backend
    from trustseg.bundle import load_bundle
    from trustseg.evaluation.evaluation_report import EvaluationContext, evaluation_report
    from trustseg.evaluation.evaluator import evaluate_images
    from trustseg.evaluation.exposed_logits import logits_engine
    from trustseg.evaluation.json_document import check_output_folder, json_ready, write_json
    from trustseg.evaluation.labelled_images import find_pairs

    err = Console(stderr=True, highlight=False)
    check_output_folder(out, overwrite=overwrite)
    loaded = load_bundle(bundle, draft=True)
    pairs = find_pairs(images, labels)[:limit]
    chosen = select_backend(backend, loaded, precision, threads)  # the golden test admits it
    chosen.close()
    engine = logits_engine(chosen.name, loaded, precision, threads)
    started = perf_counter()
    with _progress(err) as progress:
        task = progress.add_task("evaluate", total=len(pairs))
        state = evaluate_images(loaded, engine, pairs, void, lambda: progress.advance(task), precision)
    context = EvaluationContext(
        loaded, precision, engine.name, engine.version, str(images), str(labels), void, perf_counter() - started
    )
    report = evaluation_report(state, context)
    write_json(out / "metrics.json", report.document)
    if as_json:
        json.dump(json_ready(report.document), sys.stdout, indent=1)
        sys.stdout.write("\n")
    else:
        _print(Console(highlight=False), report)
    err.print(f"written: {out / 'metrics.json'}")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console,
        transient=True, disable=not console.is_terminal,
    )  # fmt: skip


def _print(console: Console, report: EvaluationReport) -> None:
    """The figures as tables; `-` where undefined."""
    document = report.document
    console.print(
        f"{document['bundle']['name']} on {document['images']} images: mIoU {_percent(report.miou)}, "
        f"accuracy {_percent(report.accuracy)}"
    )
    table = Table("class", "IoU", title="segmentation (%)", title_justify="left")
    for name, value in document["segmentation"]["class_iou"].items():
        table.add_row(name, _percent(value))
    console.print(table)
    table = Table("confidence", *COLUMNS, title="is the confidence right about pixels? (%)", title_justify="left")
    for name, metrics in report.confidence.items():
        table.add_row(name.replace("_", "\n"), *(_percent(getattr(metrics, each)) for each in COLUMNS.values()))
    console.print(table)
    image = report.image
    table = Table("image verdict", "", title="is it right about whole images?", title_justify="left")
    table.add_row("images with quality below 0.5 (%)", _percent(image.prevalence))
    table.add_row("AUROC of failure (%)", _percent(image.auroc))
    table.add_row("found / false alarms (%)", f"{_percent(image.detected)} / {_percent(image.false_alarms)}")
    table.add_row("balanced accuracy (%)", _percent(image.balanced_accuracy))
    table.add_row("predicted quality, mean absolute error", _number(image.mae))
    console.print(table)
    speed = document["speed"]
    console.print(
        f"engine {speed['engine_ms']['p50']:.1f} ms an image ({document['bundle']['backend']}); "
        f"{speed['wall_s']:.1f} s in all, {100 * speed['engine_share']:.0f} % of it the engine"
    )


def _percent(value: float) -> str:
    return "-" if value != value else f"{100 * value:.2f}"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.3f}"
