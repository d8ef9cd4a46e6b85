# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`report.html` of a benchmark: sortable tables by level and set, risk curves, studies and pictures, in one file."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trustseg.files.whole_file import write_whole
from trustseg_lab.benchmark.pictures import Shown
from trustseg_lab.benchmark.run import BundleRun
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.evaluation import html_report
from trustseg_lab.evaluation.html_charts import Line, line_chart
from trustseg_lab.metrics.ranking.risk_coverage import risk_coverage_curve

SCRIPT = Path(__file__).parent / "resources" / "sort.js"
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


def write_report(
    path: Path, document: dict[str, Any], runs: Sequence[BundleRun], shown: dict[str, list[Shown]]
) -> None:
    """Write the page; InputError where the disk does not take it."""
    write_whole(path, page(document, runs, shown).encode(errors="backslashreplace"))


def page(document: dict[str, Any], runs: Sequence[BundleRun], shown: dict[str, list[Shown]]) -> str:
    """The whole page; every text that comes from outside is escaped."""
    style = (html_report.RESOURCES / "report.css").read_text(encoding="utf-8")
    script = SCRIPT.read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{html_report.POLICY}; script-src 'sha256-{digest}'"
    parts = [_catalogue(document)]
    for run in runs:
        told = document["bundles"][run.name]
        parts.append(f"<section><h2>{_text(run.name)}</h2>{_groups(told)}</section>")
        parts += [_level(run.name, told, level) for level in LEVELS]
        parts += [
            _decisions(told),
            _curves(run),
            _studies(told, run.answers),
            _pictures(shown.get(run.name, [])),
            _left_out(told),
        ]
    names = ", ".join(_text(run.name) for run in runs)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        f"<title>TrustSeg benchmark: {names}</title><style>{style} th {{ cursor: pointer; }}"
        " th[aria-sort=ascending]::after { content: ' \\25b2'; }"
        " th[aria-sort=descending]::after { content: ' \\25bc'; }"
        f"</style></head><body><header><h1>Benchmark: {names}</h1>"
        "<p>Click a head to sort. A failure is Q &lt; 0.5. Small: 95 % interval of the difference to the shipped score."
        f"</p></header><main>{''.join(parts)}</main><script>{script}</script></body></html>\n"
    )


def _groups(told: dict[str, Any]) -> str:
    rows = [
        [_text(name), str(each["views"]), str(each["blocks"]), _number(each["quality_mean"]),
         _number(each["failed_share"]), _text("; ".join(each["notes"]))]
        for name, each in told["groups"].items()
    ]  # fmt: skip
    return _table(("set", "views", "blocks", "mean Q", "share failed", "note"), rows)


def _level(bundle: str, told: dict[str, Any], level: str) -> str:
    tables, columns = told[level], LEVELS[level]
    if not any(tables.values()):
        return ""
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
    title = f"{level.capitalize()} scores of {bundle}"
    return f"<section><h2>{_text(title)}</h2>{_table(heads, rows)}</section>"


def _interval(row: dict[str, Any], figure: str) -> str:
    found = row.get("difference", {}).get(figure)
    if not found or found["low"] != found["low"]:
        return ""
    return f"<small>{found['low']:+.4f} .. {found['high']:+.4f}</small>"


def _decisions(told: dict[str, Any]) -> str:
    """Verdicts at a threshold, of methods that judge images themselves; pooled pixel scores are in the JSON."""
    rows = []
    for group, scores in told["image"].items():
        for name, row in scores.items():
            for cut, each in row["cuts"].items() if "/" not in name else ():
                rows.append([_text(name), _text(group), _text(cut), _number(each["auroc"]),
                             *(_number(each[figure]) for figure in DECISIONS)])  # fmt: skip
    heads = ("score", "set", "bad is", "AUROC", *DECISIONS)
    hint = "Threshold: Q = 0.5 where quality is predicted, else the best balanced accuracy on views to fit on."
    return f'<section><h2>Verdicts</h2><p class="hint">{hint}</p>{_table(heads, rows)}</section>' if rows else ""


def _curves(run: BundleRun) -> str:
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
    body = "".join(charts)
    return f'<section><h2>Risk and coverage</h2><div class="columns">{body}</div></section>' if charts else ""


def _studies(told: dict[str, Any], answers: Mapping[str, Answer]) -> str:
    parts = []
    for name, answer in told["studies"].items():
        rows = [[_cell(each) for each in row] for row in answer["rows"][:MOST_ROWS]]
        more = f" The first {MOST_ROWS} rows; all are in the JSON." if len(answer["rows"]) > MOST_ROWS else ""
        hint = f'<p class="hint">{_text(answer["hint"] + more)}</p>'
        parts.append(f"<section><h2>{_text(answer['title'])}</h2>{hint}{_table(answer['heads'], rows)}"
                     f"{_shown(answers[name])}</section>")  # fmt: skip
    return "".join(parts)


def _shown(answer: Answer) -> str:
    """Charts and pictures of a study."""
    charts = f'<div class="columns">{"".join(answer.charts)}</div>' if answer.charts else ""
    pictures = "".join(_picture(name, answer.title, data) for name, data in answer.pictures.items())
    return charts + (f'<div class="pictures">{pictures}</div>' if pictures else "")


def _picture(name: str, title: str, data: bytes) -> str:
    return (
        f'<figure><img alt="{_text(name)} of {_text(title)}" '
        f'src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
        f"<figcaption>{_text(name.replace('_', ' '))}</figcaption></figure>"
    )


def _pictures(shown: Sequence[Shown]) -> str:
    parts = []
    for each in shown:
        pictures = "".join(_picture(name, each.title, data) for name, data in each.pictures.items())
        parts.append(f'<div class="worst"><h3>{_text(each.title)}</h3><div class="pictures">{pictures}</div></div>')
    hint = "The view of the lowest quality in each set. Bright is doubtful; methods by rank within the view."
    return f'<section><h2>Pictures</h2><p class="hint">{hint}</p>{"".join(parts)}</section>' if parts else ""


def _left_out(told: dict[str, Any]) -> str:
    rows = [[_text(name), _text(why)] for name, why in told["left_out"].items()]
    return f"<section><h2>Left out</h2>{_table(('method', 'why'), rows, kind='wide')}</section>" if rows else ""


def _catalogue(document: dict[str, Any]) -> str:
    rows = [
        [str(row["number"]), _text(row["name"]), _text(row["paper"]), _text(row["level"]),
         _text(", ".join([*row["methods"], *row["studies"]])), _text(row["state"]), _text(row["note"]),
         _text(row["published"])]
        for row in document["catalogue"]
    ]  # fmt: skip
    heads = ("no.", "system", "paper", "level", "scores and studies", "state", "how the form here differs", "published")
    return f"<section><h2>The systems of the papers</h2>{_table(heads, rows, kind='wide')}</section>"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """A sortable table whose cells are HTML already."""
    head = "".join(f'<th tabindex="0">{_text(each)}</th>' for each in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div class="scroll"><table class="sortable {kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


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
