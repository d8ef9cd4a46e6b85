# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The tables that `trustseg evaluate` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from trustseg_lab.evaluation.report import EvaluationReport

# Heading of the printed table -> metric.
COLUMNS = {
    "AUROC": "auroc", "FPR95": "fpr95", "AUPR-E": "aupr_error", "AUPR-S": "aupr_success", "AURC": "aurc", "ECE": "ece",
    "mean-acc": "overconfidence",
}  # fmt: skip
THRESHOLD_COLUMNS = ("precision", "recall", "precision_of_images", "recall_of_images", "flagged_share")


def print_report(console: Console, report: EvaluationReport) -> None:
    """The figures as tables; `-` where undefined."""
    document = report.document
    console.print(
        f"{document['bundle']['name']} on {document['images']} images: mIoU {percent(report.miou)}, "
        f"accuracy {percent(report.accuracy)}"
    )
    table = Table("class", "IoU", title="segmentation (%)", title_justify="left")
    for name, value in document["segmentation"]["class_iou"].items():
        table.add_row(name, percent(value))
    console.print(table)
    if document["corruptions"]:
        _print_corruptions(console, document["corruptions"])
    table = Table("confidence", *COLUMNS, title="is the confidence right about pixels? (%)", title_justify="left")
    for name, metrics in report.confidence.items():
        table.add_row(name.replace("_", "\n"), *(percent(getattr(metrics, each)) for each in COLUMNS.values()))
    console.print(table)
    _print_thresholds(console, document["thresholds"].get("all", {}))
    image = report.image
    table = Table("image verdict", "", title="is it right about whole images?", title_justify="left")
    table.add_row("images with quality below 0.5 (%)", percent(image.prevalence))
    table.add_row("AUROC of failure (%)", percent(image.auroc))
    table.add_row("found / false alarms (%)", f"{percent(image.detected)} / {percent(image.false_alarms)}")
    table.add_row("balanced accuracy (%)", percent(image.balanced_accuracy))
    table.add_row("predicted quality, mean absolute error", number(image.mae))
    table.add_row("quality at or above its lower bound (%)", percent(image.lower_bound_coverage))
    console.print(table)
    if report.images_left_out:
        console.print(report.images_left_out, soft_wrap=True)
    speed = document["speed"]
    console.print(
        f"engine {speed['engine_ms']['p50']:.1f} ms an image ({document['bundle']['backend']}); "
        f"{speed['wall_s']:.1f} s in all, {100 * speed['engine_share']:.0f} % of it the engine"
    )


def _print_corruptions(console: Console, corruptions: dict[str, Any]) -> None:
    heads = ("mIoU", "accuracy", "AUROC", "(MCP)", "ECE", "(MCP)", "failed")
    table = Table("corruption", *heads, title="each corruption (%)", title_justify="left")
    for name, each in corruptions.items():
        fused, mcp = each["confidence"]["fused"], each["confidence"]["mcp"]
        figures = (each["segmentation"]["miou"], each["segmentation"]["accuracy"], fused.auroc, mcp.auroc, fused.ece,
                   mcp.ece, each["image"]["prevalence"])  # fmt: skip
        table.add_row(name, *(percent(value) for value in figures))
    console.print(table)


def _print_thresholds(console: Console, scores: dict[str, dict[str, dict[str, float]]]) -> None:
    heads = ("precision", "recall", "prec./image", "rec./image", "flagged")
    table = Table("threshold", *heads, title="errors flagged by a threshold (%)", title_justify="left")
    for score, thresholds in scores.items():
        for name, figures in thresholds.items():
            table.add_row(f"{score}, {name}", *(percent(figures[each]) for each in THRESHOLD_COLUMNS))
    console.print(table)


def percent(value: float) -> str:
    """A share in per cent."""
    return "-" if value != value else f"{100 * value:.2f}"


def number(value: float) -> str:
    """A number with three digits."""
    return "-" if value != value else f"{value:.3f}"
