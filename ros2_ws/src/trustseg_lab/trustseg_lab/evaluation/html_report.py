# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`report.html` of an evaluation: one file of tables, charts and pictures, no script in it."""

from __future__ import annotations

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trustseg.files.old_names import OLD_NAMES
from trustseg.files.whole_file import write_whole
from trustseg_lab.evaluation.evaluator import PUBLISHED, RANKED, RAW, EvaluationState
from trustseg_lab.evaluation.html_charts import Line, line_chart, reliability_chart
from trustseg_lab.evaluation.published_results import METRICS
from trustseg_lab.evaluation.report import EvaluationReport
from trustseg_lab.metrics.bootstrap import Interval
from trustseg_lab.metrics.calibration_error import reliability
from trustseg_lab.metrics.ranking.risk_coverage import risk_coverage_curve

RESOURCES = Path(__file__).parent / "resources"
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
PIXEL_COLUMNS = {
    "fpr95": "FPR95", "aupr_error": "AUPR-Error", "aupr_success": "AUPR-Success", "auroc": "AUROC", "aurc": "AURC",
    "ece": "ECE", "adaptive_ece": "adaptive ECE", "nll": "NLL", "overconfidence": "mean - accuracy",
}  # fmt: skip
IMAGE_COLUMNS = {"auroc": "AUROC of failure", "aurc": "AURC", "spearman": "Spearman", "pearson": "Pearson"}
CURVES = ("fused", "mcp", "entropy", "margin", "temperature", "mc_dropout", "trust_score", "ensemble")
CAPTIONS = {
    "image": "image", "truth": "truth", "mask": "mask", "confidence": "confidence: bright is a guess",
    "error": "error: red is wrong, light is void",
}  # fmt: skip


def write_report(path: Path, report: EvaluationReport, state: EvaluationState) -> None:
    """Write the page; InputError where the disk does not take it."""
    write_whole(path, page(report, state).encode(errors="backslashreplace"))


def page(report: EvaluationReport, state: EvaluationState) -> str:
    """The whole page; every text that comes from outside is escaped."""
    document = report.document
    name = document["bundle"]["name"]
    style = (RESOURCES / "report.css").read_text(encoding="utf-8")
    sections = [
        _cards(report), _classes(document), _corruptions(document), _pixels(report), _calibration(state),
        _coverage(state), _thresholds(document), _images(report), _worst(state), _about(document),
    ]  # fmt: skip
    folder = "/".join(Path(document["data"]["images"]).parts[-2:])
    where = f"{folder}, {document['images']} images, protocol "
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        f"<title>TrustSeg evaluation: {_text(name)}</title><style>{style}</style></head><body>"
        f"<header><h1>{_text(name)}: mIoU {_percent(report.miou)} %, accuracy {_percent(report.accuracy)} %</h1>"
        f"<p>{_text(where + document['protocol']['name'])}</p></header>"
        f"<main>{''.join(sections)}</main></body></html>\n"
    )


def _cards(report: EvaluationReport) -> str:
    fused, mcp, image = report.confidence["fused"], report.confidence["mcp"], report.image
    cards = [
        (f"{_percent(fused.auroc)} / {_percent(mcp.auroc)}", "AUROC of confidence, fused / MCP (%)"),
        (f"{_percent(fused.fpr95)} / {_percent(mcp.fpr95)}", "FPR at 95 % TPR, fused / MCP (%)"),
        (f"{_percent(fused.aupr_error)} / {_percent(mcp.aupr_error)}", "AUPR-Error, fused / MCP (%)"),
        (f"{_percent(fused.ece)} / {_percent(mcp.ece)}", "ECE, fused / MCP (%)"),
        (_percent(image.prevalence), "images with a quality below 0.5 (%)"),
        (_percent(image.auroc), "AUROC of the image verdict (%)"),
        (_percent(image.balanced_accuracy), "its balanced accuracy (%)"),
        (_number(image.mae), "error of the predicted quality"),
    ]
    return (
        '<section class="cards">' + "".join(f'<div class="card"><b>{a}</b><span>{b}</span></div>' for a, b in cards)
    ) + "</section>"


def _classes(document: dict[str, Any]) -> str:
    rows = []
    for name, value in document["segmentation"]["class_iou"].items():
        known = value == value
        rows.append(
            f'<div class="bar"><span>{_text(name)}</span><div><i style="width:{100 * value if known else 0:.1f}%">'
            f"</i></div><b>{_percent(value)}</b></div>"
        )
    between = (document["bootstrap"] or {}).get("segmentation", {}).get("miou")
    hint = f'<p class="hint">mIoU {_within(between)}.</p>' if between else ""
    return f"<section><h2>IoU of each class (%)</h2>{hint}{''.join(rows)}</section>"


def _corruptions(document: dict[str, Any]) -> str:
    if not document["corruptions"]:
        return ""
    heads = ("corruption", "mIoU", "accuracy", "AUROC fused", "AUROC MCP", "ECE fused", "ECE MCP", "failed",
             "AUROC of verdict")  # fmt: skip
    rows = []
    for name, each in document["corruptions"].items():
        fused, mcp, mask = each["confidence"]["fused"], each["confidence"]["mcp"], each["segmentation"]
        figures = (mask["miou"], mask["accuracy"], fused.auroc, mcp.auroc, fused.ece, mcp.ece,
                   each["image"]["prevalence"], each["image"]["auroc"])  # fmt: skip
        rows.append([_text(name), *(_percent(value) for value in figures)])
    hint = "Every figure outside of this table is over all of them together."
    return f'<section><h2>Corruptions (%)</h2><p class="hint">{hint}</p>{_table(heads, rows)}</section>'


def _pixels(report: EvaluationReport) -> str:
    document = report.document
    published = document["published"]["figures"]
    intervals = document["bootstrap"]
    more = [metric for metric in PIXEL_COLUMNS if metric not in METRICS]
    heads = [
        "score",
        *(PIXEL_COLUMNS[each] for each in METRICS),
        *(f"published {PIXEL_COLUMNS[each]}" for each in METRICS),
    ]
    heads += [PIXEL_COLUMNS[each] for each in more]
    rows = []
    for name, metrics in report.confidence.items():
        cells = [_text(name.replace("_", " "))]
        given = published.get(name)
        cells += [_percent(getattr(metrics, each)) + _difference(intervals, name, each) for each in METRICS]
        cells += [_given(given[each]) if given else "" for each in METRICS]
        for metric in more:
            text = _number(getattr(metrics, metric)) if metric == "nll" else _percent(getattr(metrics, metric))
            cells.append(text + _difference(intervals, name, metric))
        rows.append(cells)
    hint = f"All scores are of the same masks. Published: {document['published']['source']}."
    if intervals:
        level, resamples, blocks = 100 * intervals["level"], intervals["resamples"], intervals["blocks"]
        hint += (
            f" Small: the {level:.0f} % interval of the difference to MCP, {resamples} resamples of {blocks} blocks."
        )
    left_out = "".join(
        f'<p class="hint">{_text(name)} was left out: {_text(why)}</p>'
        for name, why in document["baselines"]["left_out"].items()
    )
    title = "Is the confidence right about pixels? (%)"
    return f'<section><h2>{title}</h2><p class="hint">{_text(hint)}</p>{_table(heads, rows)}{left_out}</section>'


def _difference(intervals: Mapping[str, Any] | None, name: str, metric: str) -> str:
    found = ((intervals or {}).get("difference_to_mcp", {}).get(name) or {}).get(metric)
    if found is None or found.low != found.low:
        return ""
    scale = 1.0 if metric == "nll" else 100.0
    return f"<small>{scale * found.low:+.2f} .. {scale * found.high:+.2f}</small>"


def _calibration(state: EvaluationState) -> str:
    """Reliability before and after the bundle's table, of MCP and of what else is a probability."""
    wanted = [
        ("fused, as the graph gives it", RAW), ("fused, calibrated", PUBLISHED), ("MCP", "mcp"),
        ("MCP after temperature", "temperature"),
    ]  # fmt: skip
    charts = []
    for title, equal_mass in (("bins of equal width", False), ("bins of equal mass", True)):
        diagrams = []
        for label, name in wanted:
            found = reliability(state.signals[name], equal_mass=equal_mass) if name in state.signals else None
            if found is not None:
                diagrams.append((f"{label}: {100 * found.error():.2f} %", found))
        charts.append(f"<div><h3>{title}</h3>{reliability_chart(diagrams)}</div>" if diagrams else "")
    hint = "Of the pixels in a bin, how many are right? Behind each name: the expected calibration error."
    body = "".join(charts)
    return f'<section><h2>Reliability</h2><p class="hint">{hint}</p><div class="columns">{body}</div></section>'


def _coverage(state: EvaluationState) -> str:
    lines = []
    for name in CURVES:
        histogram = state.signals.get(RANKED if name == "fused" and RANKED in state.signals else name)
        if name == "fused" and histogram is None:
            histogram = state.signals[RAW]
        if histogram is not None and histogram.rankable:
            coverage, risk = risk_coverage_curve(histogram)
            lines.append(Line(name.replace("_", " "), coverage, risk))
    if not lines:
        return ""
    top = max(float(line.y.max()) for line in lines) or 1.0
    chart = line_chart(lines, "share of the pixels that is accepted", "share of them that is wrong", top=1.1 * top)
    hint = "The surest pixels are accepted first; lower is better."
    return f'<section><h2>Risk and coverage</h2><p class="hint">{hint}</p>{chart}</section>'


def _thresholds(document: dict[str, Any]) -> str:
    heads = ("images, score, threshold", "precision", "recall", "precision, mean of images", "recall, mean of images",
             "flagged")  # fmt: skip
    rows = [
        [_text(f"{group}, {score}, {name.replace('_', ' ')}"), *(_percent(value) for value in figures.values())]
        for group, scores in document["thresholds"].items()
        for score, thresholds in scores.items()
        for name, figures in thresholds.items()
    ]
    hint = "A pixel is flagged where its confidence lies below a threshold: a fixed one, or each image's own."
    return f'<section><h2>Flagging errors (%)</h2><p class="hint">{hint}</p>{_table(heads, rows)}</section>'


def _images(report: EvaluationReport) -> str:
    document, image = report.document, report.image
    rows = [
        [_text(name.replace("_", " ")), *(_percent(figures[each]) if each != "aurc" else _number(figures[each])
                                         for each in IMAGE_COLUMNS)]
        for name, figures in document["image_baselines"].items() if name not in OLD_NAMES.values()
    ]  # fmt: skip
    shares = (image.prevalence, image.majority_accuracy, image.detected, image.false_alarms, image.lower_bound_coverage)
    failed, majority, found, false, covered = map(_percent, shares)
    told = (
        f"Failure is a quality below {image.tau}: {failed} % of {image.images} images; always answering with the larger"
        f" class is right for {majority} %. At its threshold the verdict finds {found} % of the failures and flags"
        f" {false} % of the good ones; the quality is at or above its lower bound for {covered} %."
        + (f" {report.images_left_out}." if report.images_left_out else "")
    )
    title = "Is the verdict right about whole images? (%)"
    table = _table(("score of an image", *IMAGE_COLUMNS.values()), rows)
    return f'<section><h2>{title}</h2><p class="hint">{_text(told)}</p>{table}</section>'


def _worst(state: EvaluationState) -> str:
    parts = []
    for each in state.worst.ordered():
        pictures = "".join(
            f'<figure><img alt="{_text(CAPTIONS[kind])} of {_text(each.name)}" '
            f'src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
            f"<figcaption>{CAPTIONS[kind]}</figcaption></figure>"
            for kind, data in each.pictures.items()
        )
        title = f"{each.name}: quality {each.quality:.3f}, mean confidence {each.told['mean_confidence']:.3f}"
        parts.append(f'<div class="worst"><h3>{_text(title)}</h3><div class="pictures">{pictures}</div></div>')
    return f"<section><h2>The images with the lowest quality</h2>{''.join(parts)}</section>"


def _about(document: dict[str, Any]) -> str:
    rows = []
    for part in ("bundle", "data", "protocol", "versions"):
        for name, value in document[part].items():
            shown = Path(str(value)).name if part == "data" and "/" in str(value) else value
            rows.append([_text(f"{part} {name.replace('_', ' ')}"), _text(str(shown))])
    for name, settings in document["baselines"]["settings"].items():
        rows.append([_text(f"baseline {name.replace('_', ' ')}"), _text(str(settings))])
    body = _table(("", ""), rows, kind="wide")
    return f"<section><h2>What made this</h2>{body}</section>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """A table whose cells are HTML already."""
    head = "".join(f"<th>{_text(each)}</th>" for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _within(interval: Interval) -> str:
    return f"between {_percent(interval.low)} and {_percent(interval.high)}"


def _given(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _percent(value: float) -> str:
    return "-" if value != value else f"{100 * value:.2f}"


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.4f}"


def _text(value: str) -> str:
    return html.escape(value, quote=True)
