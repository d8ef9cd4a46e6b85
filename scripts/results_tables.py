# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writes metrics.json of `trustseg evaluate` into docs/results.md as tables, between its markers.

results_tables.py OUT RESULTS.md: every folder of OUT that holds a metrics.json fills the part between
`<!-- NAME -->` and `<!-- end NAME -->`, NAME being the folder's.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

SCORES = {
    "fused": "fused", "mcp": "MCP", "temperature": "MCP after temperature", "entropy": "entropy", "margin": "margin",
    "variation_ratio": "variation ratio", "mc_dropout": "MC dropout, entropy",
    "mc_dropout_probability": "MC dropout, probability", "mc_dropout_mutual_information": "MC dropout, information",
    "mc_dropout_agreement": "MC dropout, variation ratio", "trust_score": "Trust Score",
    "ensemble": "ensemble, entropy", "ensemble_probability": "ensemble, probability",
}  # fmt: skip
PAPER = ("fpr95", "aupr_error", "aupr_success", "auroc")


def main(out: Path, results: Path) -> None:
    """Fill every marked part whose figures are there."""
    text = results.read_text(encoding="utf-8")
    for found in sorted(out.glob("*/metrics.json")):
        name = found.parent.name
        part = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end {name} -->)", re.DOTALL)
        if not part.search(text):
            print(f"{results} has no place for {name}", file=sys.stderr)
            continue
        document = json.loads(found.read_text(encoding="utf-8"))
        body = corrupted(document) if document["corruptions"] else whole(document)
        text = part.sub(lambda match, body=body: f"{match[1]}\n{body}\n\n{match[2]}", text)
    results.write_text(text, encoding="utf-8")


def whole(document: dict[str, Any]) -> str:
    """Masks, scores, thresholds and image verdict of one set."""
    mask, image, boot = document["segmentation"], document["image"], document["bootstrap"] or {}
    within = boot.get("segmentation", {}).get("miou")
    lines = [
        f"{document['images']} images, {document['bundle']['name']} ({document['bundle']['model_sha256'][:8]}), "
        f"{document['bundle']['precision']} on {document['bundle']['backend']}: mIoU {percent(mask['miou'])}"
        + (f" ({percent(within['low'])} to {percent(within['high'])})" if within else "")
        + f", accuracy {percent(mask['accuracy'])}."
    ]
    lines += ["", scores(document), "", classes(mask["class_iou"]), "", thresholds(document)]
    verdict = [(key, percent(image[key])) for key in ("prevalence", "majority_accuracy", "auroc", "balanced_accuracy")]
    verdict += [("aurc", number(image["aurc"])), ("mae", number(image["mae"])), ("pearson", number(image["pearson"]))]
    verdict += [("spearman", number(image["spearman"])), ("bound holds", percent(image["lower_bound_coverage"]))]
    lines += ["", "Image verdict (failure: quality below 0.5):", "", table(*zip(*verdict, strict=True))]
    settings = document["baselines"]["settings"]
    notes = [f"{name} {told(each)}" for name, each in settings.items()]
    notes += [f"{name} did not run: {why}" for name, why in document["baselines"]["left_out"].items()]
    return "\n".join(lines) + ("\n\nSettings: " + "; ".join(notes) + "." if notes else "")


def scores(document: dict[str, Any]) -> str:
    """ConfidNet's table with the published figures, and the intervals of the differences to MCP."""
    published, boot = document["published"]["figures"], document["bootstrap"] or {}
    differences = boot.get("difference_to_mcp", {})
    heads = ["score", "FPR95", "AUPR-Error", "AUPR-Success", "AUROC", "published (same order)", "AURC", "ECE",
             "adaptive ECE", "NLL", "mean - accuracy"]  # fmt: skip
    rows = []
    for name, title in SCORES.items():
        if name not in document["confidence"]:
            continue
        figures = document["confidence"][name]
        row = [title]
        for metric in PAPER:
            between = (differences.get(name) or {}).get(metric)
            known = between is not None and between["low"] is not None
            row.append(
                percent(figures[metric])
                + (f" ({100 * between['low']:+.1f} .. {100 * between['high']:+.1f})" if known else "")
            )
        given = published.get(name)
        row.append(" / ".join("-" if given[m] is None else f"{given[m]:.2f}" for m in PAPER) if given else "")
        row += [
            number(figures["aurc"]),
            percent(figures["ece"]),
            percent(figures["adaptive_ece"]),
            number(figures["nll"]),
        ]
        rows.append([*row, percent(figures["overconfidence"])])
    note = (
        f"In brackets: 95 % interval of the difference to MCP; {boot['resamples']} resamples, {boot['blocks']} blocks."
        if boot
        else "One block of images only: no intervals."
    )
    return table(heads, *rows) + f"\n\n{note}"


def classes(class_iou: dict[str, float | None]) -> str:
    """IoU of every class."""
    return table(list(class_iou), [percent(value) for value in class_iou.values()])


def thresholds(document: dict[str, Any]) -> str:
    """Errors flagged by fixed and by dynamic thresholds."""
    heads = ("images, score, threshold", "precision", "recall", "precision of images", "recall of images", "flagged")
    rows = [
        [f"{group}, {score}, {name.replace('_', ' ')}", *(percent(value) for value in figures.values())]
        for group, found in document["thresholds"].items()
        for score, each in found.items()
        for name, figures in each.items()
    ]
    return table(heads, *rows)


def corrupted(document: dict[str, Any]) -> str:
    """One row a corruption."""
    heads = ("corruption", "mIoU", "accuracy", "AUROC fused", "MCP", "AUPR-Error fused", "MCP", "ECE fused", "MCP",
             "mean - accuracy fused", "MCP", "failed", "verdict: AUROC")  # fmt: skip
    rows = []
    for name, each in document["corruptions"].items():
        fused, mcp, image = each["confidence"]["fused"], each["confidence"]["mcp"], each["image"]
        row = [name, percent(each["segmentation"]["miou"]), percent(each["segmentation"]["accuracy"])]
        for metric in ("auroc", "aupr_error", "ece", "overconfidence"):
            row += [percent(fused[metric]), percent(mcp[metric])]
        rows.append([*row, percent(image["prevalence"]), percent(image["auroc"])])
    images = document["images"] // len(document["corruptions"])
    image = document["image"]
    bound = percent(image["lower_bound_coverage"])
    return (
        f"{images} images under each of {len(rows)}; all together: AUROC of failure {percent(image['auroc'])}, "
        f"balanced accuracy {percent(image['balanced_accuracy'])}, error of the predicted quality "
        f"{number(image['mae'])}, lower bound holds for {bound} %.\n\n" + table(heads, *rows)
    )


def table(heads: Iterable[str], *rows: Sequence[str]) -> str:
    """A Markdown table."""
    heads = list(heads)
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def told(settings: dict[str, Any]) -> str:
    """Settings in words."""
    shown = {key: round(value, 4) if isinstance(value, float) else value for key, value in settings.items()}
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in shown.items() if key != "pixels_of_class")


def percent(value: float | None) -> str:
    """A share in per cent; a dash where undefined."""
    return "-" if value is None else f"{100 * value:.2f}"


def number(value: float | None) -> str:
    """Four digits; a dash where undefined."""
    return "-" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
