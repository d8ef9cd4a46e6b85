# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`report.html` of a benchmark: sortable tables by level and set, risk curves, studies and pictures, in one file."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trustseg.files.whole_file import write_whole
from trustseg_lab.benchmark.report_images import Shown
from trustseg_lab.benchmark.run_benchmark import BundleRun
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.evaluation import html_report
from trustseg_lab.evaluation.html_charts import Line, line_chart
from trustseg_lab.metrics.ranking.risk_coverage import risk_coverage_curve

RESOURCES = Path(__file__).parent / "resources"
PIXEL = {"auroc": "AUROC", "fpr95": "FPR95", "aupr_error": "AUPR-Error", "aurc": "AURC", "e_aurc": "E-AURC",
         "augrc": "AUGRC", "ece": "ECE", "brier": "Brier"}  # fmt: skip
IMAGE = {"auroc": "AUROC", "fpr95": "FPR95", "aupr_error": "AUPR-Error", "aurc": "AURC", "e_aurc": "E-AURC",
         "augrc": "AUGRC", "pearson": "Pearson", "spearman": "Spearman", "mae": "MAE", "rmse": "RMSE", "r2": "R2",
         "ece": "ECE"}  # fmt: skip
CLASS = {"auroc": "AUROC of IoU < 0.5", "pearson": "Pearson", "spearman": "Spearman", "mae": "MAE", "r2": "R2"}
REGION = {"auroc": "AUROC of no overlap", "auroc_half": "AUROC of truth < 0.5", "pearson": "Pearson",
          "spearman": "Spearman", "mae": "MAE", "r2": "R2"}  # fmt: skip
DECISIONS = ("precision", "recall", "f1", "accuracy", "specificity", "balanced_accuracy", "kappa")
LEVELS = {"pixel": PIXEL, "image": IMAGE, "class": CLASS, "region": REGION}
CURVES = ("fused", "mcp", "entropy", "members_entropy", "tta_epkl", "combined", "head_tcp_mse", "trust_score")
MOST_ROWS = 400
# Title and HTML of a part of the page; None where there is nothing to show.
Section = tuple[str, str] | None


def write_report(
    path: Path, document: dict[str, Any], runs: Sequence[BundleRun], shown: dict[str, list[Shown]]
) -> None:
    """Write the page; InputError where the disk does not take it."""
    write_whole(path, page(document, runs, shown).encode(errors="backslashreplace"))


def page(document: dict[str, Any], runs: Sequence[BundleRun], shown: dict[str, list[Shown]]) -> str:
    """The whole page; every text that comes from outside is escaped."""
    style = "".join((each / "report.css").read_text(encoding="utf-8") for each in (html_report.RESOURCES, RESOURCES))
    script = (RESOURCES / "sort.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{html_report.POLICY}; script-src 'sha256-{digest}'"
    parts: list[Section] = []
    for run in runs:
        told = document["bundles"][run.name]
        parts.append(_section(run.name, _groups(told)))
        parts += [_level(run.name, told, level) for level in LEVELS]
        parts += [_decisions(told), _curves(run), _pictures(shown.get(run.name, []))]
        parts += [*_studies(told, run.answers), _left_out(told)]
    kept = [each for each in (*parts, _catalogue(document)) if each is not None]
    links, sections = [], []
    for place, (title, body) in enumerate(kept):
        links.append(f'<a href="#s{place}">{_text(title)}</a>')
        sections.append(f'<section id="s{place}"><h2>{_text(title)}</h2>{body}</section>')
    names = ", ".join(_text(run.name) for run in runs)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>TrustSeg benchmark: {names}</title><style>{style}</style></head>"
        f"<body><header><h1>Benchmark: {names}</h1>"
        "<p>Click a head to sort. A failure is Q &lt; 0.5. Small: 95 % interval of the difference to the shipped score."
        f"</p></header><main><nav>{' '.join(links)}</nav>{''.join(sections)}</main>"
        f"<script>{script}</script></body></html>\n"
    )


def _section(title: str, body: str) -> Section:
    """A part of the page; nothing without a body."""
    return (title, body) if body else None


def _groups(told: dict[str, Any]) -> str:
    rows = [
        [_text(name), str(each["views"]), str(each["blocks"]), _number(each["quality_mean"]),
         _number(each["failed_share"]), _text("; ".join(each["notes"]))]
        for name, each in told["groups"].items()
    ]  # fmt: skip
    return _table(("set", "views", "blocks", "mean Q", "share failed", "note"), rows)


def _level(bundle: str, told: dict[str, Any], level: str) -> Section:
    tables, columns = told[level], LEVELS[level]
    if not any(tables.values()):
        return None
    ranks = told["mean_rank"].get(level, {})
    rows = []
    for group, scores in tables.items():
        for name, row in scores.items():
            cost = told["cost"].get(name.split("/")[0], {})
            cells = [_text(name), _text(group)]
            cells += [_number(row.get(each)) + _interval(row, each) for each in columns]
            seeds = row.get("auroc_seeds")
            cells += [f"{seeds['mean']:.4f} ± {seeds['sd']:.4f}" if seeds else "", _number(ranks.get(name), 1)]
            cells += [str(cost.get("passes", "")), _number(cost.get("read_ms"), 1)]
            rows.append(cells)
    heads = ("score", "set", *columns.values(), "AUROC over seeds", "mean rank", "passes", "ms a view")
    return f"{level.capitalize()} scores of {bundle}", _table(heads, rows)


def _interval(row: dict[str, Any], figure: str) -> str:
    found = row.get("difference", {}).get(figure)
    if not found or found["low"] != found["low"]:
        return ""
    return f"<small>{found['low']:+.4f} .. {found['high']:+.4f}</small>"


def _decisions(told: dict[str, Any]) -> Section:
    """Verdicts at a threshold, of methods that judge images themselves; pooled pixel scores are in the JSON."""
    rows = []
    for group, scores in told["image"].items():
        for name, row in scores.items():
            for cut, each in row["cuts"].items() if "/" not in name else ():
                rows.append([_text(name), _text(group), _text(cut), _number(each["auroc"]),
                             *(_number(each[figure]) for figure in DECISIONS)])  # fmt: skip
    heads = ("score", "set", "bad is", "AUROC", *DECISIONS)
    hint = "Threshold: Q = 0.5 where quality is predicted, else the best balanced accuracy on views to fit on."
    return ("Verdicts", f'<p class="hint">{hint}</p>{_table(heads, rows)}') if rows else None


def _curves(run: BundleRun) -> Section:
    charts = []
    for group in run.found.groups():
        lines = []
        for name in CURVES:
            counts = run.found.pixels.get((name, group))
            if counts is not None and counts.rankable:
                lines.append(Line(name, *risk_coverage_curve(counts)))
        if lines:
            top = max(float(line.y.max()) for line in lines) or 1.0
            chart = line_chart(lines, "share of the pixels accepted", "share of them wrong", top=1.1 * top)
            charts.append(f"<div><h3>{_text(group)}</h3>{chart}</div>")
    return ("Risk and coverage", f'<div class="columns">{"".join(charts)}</div>') if charts else None


def _studies(told: dict[str, Any], answers: Mapping[str, Answer]) -> list[Section]:
    parts: list[Section] = []
    for name, answer in told["studies"].items():
        rows = [[_cell(each) for each in row] for row in answer["rows"][:MOST_ROWS]]
        more = f" The first {MOST_ROWS} rows; all are in the JSON." if len(answer["rows"]) > MOST_ROWS else ""
        hint = f'<p class="hint">{_text(answer["hint"] + more)}</p>'
        table = _table(answer["heads"], rows) if rows else ""
        parts.append((answer["title"], hint + table + _shown(answers[name])))
    return parts


def _shown(answer: Answer) -> str:
    """Charts and pictures of a study."""
    charts = f'<div class="columns">{"".join(answer.charts)}</div>' if answer.charts else ""
    pictures = "".join(_image(name, answer.title, data) for name, data in answer.pictures.items())
    return charts + (f'<div class="pictures">{pictures}</div>' if pictures else "")


def _image(name: str, title: str, data: bytes) -> str:
    return (
        f'<figure><img alt="{_text(name)} of {_text(title)}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
        f"<figcaption>{_text(name.replace('_', ' '))}</figcaption></figure>"
    )


def _pictures(shown: Sequence[Shown]) -> Section:
    parts = []
    for each in shown:
        pictures = "".join(_image(name, each.title, data) for name, data in each.pictures.items())
        parts.append(f'<div class="worst"><h3>{_text(each.title)}</h3><div class="pictures">{pictures}</div></div>')
    hint = "The view of the lowest quality in each set. Bright is doubtful; methods by rank within the view."
    return ("Pictures", f'<p class="hint">{hint}</p>{"".join(parts)}') if parts else None


def _left_out(told: dict[str, Any]) -> Section:
    rows = [[_text(name), _text(why)] for name, why in told["left_out"].items()]
    return ("Left out", _table(("method", "why"), rows, kind="wide")) if rows else None


def _catalogue(document: dict[str, Any]) -> Section:
    rows = [
        [str(row["number"]), _text(row["name"]), _text(row["paper"]), _text(row["level"]),
         _text(", ".join([*row["methods"], *row["studies"]])), _text(row["state"]), _text(row["note"]),
         _text(row["published"])]
        for row in document["catalogue"]
    ]  # fmt: skip
    heads = ("no.", "system", "paper", "level", "scores and studies", "state", "how the form here differs", "published")
    return "The systems of the papers", _table(heads, rows, kind="wide")


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """A sortable table whose cells are HTML already; columns without a value are left out, words stand on the left."""
    kept = [each for each in range(len(heads)) if not rows or any(row[each] for row in rows)]
    style = {each: "" if all(_is_number(row[each]) for row in rows) else ' class="text"' for each in kept}
    head = "".join(f'<th tabindex="0"{style[each]}>{_text(heads[each])}</th>' for each in kept)
    body = "".join("<tr>" + "".join(f"<td{style[each]}>{row[each]}</td>" for each in kept) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="sortable {kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _is_number(cell: str) -> bool:
    """Whether a cell is empty or begins with a number, an interval or a spread behind it."""
    return not cell or re.match(r"[-+]?[0-9.]+( \xb1 [0-9.]+)?(<small>|$)", cell) is not None


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return _number(value)
    return "" if value is None else _text(str(value))


def _number(value: float | None, digits: int = 4) -> str:
    return "" if value is None or value != value else f"{value:.{digits}f}"


def _text(value: str) -> str:
    return html.escape(value, quote=True)
