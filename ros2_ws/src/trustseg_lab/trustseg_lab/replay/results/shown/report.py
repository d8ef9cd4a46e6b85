# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`report.html`: one file with everything in it, verdict first; it asks nothing of any server."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trustseg.files.json_document import json_ready
from trustseg.files.whole_file import write_whole
from trustseg_lab.data.documents import parse_json
from trustseg_lab.replay.results.frame_table import read_columns
from trustseg_lab.replay.results.shown.drive_images import INDEX
from trustseg_lab.replay.results.shown.report_verdict import verdict_of

RESOURCES = Path(__file__).parent / "resources"
REPORT = "report.html"
MAX_POINTS = 6000
MAX_STEPS = 160  # pictures of a step take about 40 kB in the file
HISTOGRAM_BINS = 60
COLUMNS = (
    "seq", "time_s", "state", "reasons", "failure", "predicted_miou", "miou_lower_bound", "true_quality",
)  # fmt: skip


def write_report(
    folder: Path, document: dict[str, Any], timing: dict[str, float], gate: str, fired: Sequence[str]
) -> None:
    """Write report.html of the results in `folder`.

    Args:
        folder: results of one drive. document: its summary. timing: measured times.
        gate: the expression, empty for none. fired: clauses of it that hold.

    Raises:
        InputError: the disk does not take it.
    """
    first_ns, period_s = document["input"]["first_ns"], 1.0 / document["input"]["rate_hz"]
    series, names = _series(folder)
    baseline = folder / "baseline.json"
    data = {
        "summary": document, "timing": timing, "series": series, "reason_names": names, "period_s": period_s,
        "changes": [{"t": c["time_s"], "state": c["state"], "failure": c["failure"]} for c in document["changes"]],
        "states": list(dict.fromkeys(c["state"] for c in document["changes"])),
        "events": _events(folder, document, first_ns), "no_events": _no_events(document),
        "drive": _drive(folder / "drive", first_ns),
        "verdict": verdict_of(document, timing, gate, fired),
        "baseline": parse_json(baseline.read_bytes()) if baseline.is_file() else None,
        "histogram": _histogram(folder), "about": _about(document),
    }  # fmt: skip
    write_whole(folder / REPORT, page(data).encode(errors="backslashreplace"))


def page(data: dict[str, Any]) -> str:
    """The page with `data` in it; nothing in the data can end the script that holds it."""
    text = json.dumps(json_ready(data), allow_nan=False, separators=(",", ":"))
    text = text.replace("&", "\\u0026").replace("<", "\\u003c").replace("\u2028", "\\u2028")
    template = (RESOURCES / "report.html").read_text(encoding="utf-8")
    parts = {"CSS": "report.css", "JS": "report.js"}
    for name, file in parts.items():
        template = template.replace(f"@@{name}@@", (RESOURCES / file).read_text(encoding="utf-8"))
    return template.replace("@@DATA@@", text)


def write_index(folder: Path, drives: Sequence[tuple[str, dict[str, Any]]], failed: Sequence[str]) -> None:
    """report.html of several drives: a table with links to theirs."""
    style = (RESOURCES / "report.css").read_text(encoding="utf-8")
    rows = []
    for name, document in drives:
        metrics = json_ready(document["metrics"])
        cells = [f'<a href="{html.escape(name)}/{REPORT}">{html.escape(name)}</a>']
        for key, digits in (("frames", 0), ("rejected", 0), ("failures", 0), ("failure_share", 3), ("miou", 3)):
            value = metrics[key]
            cells.append("-" if value is None else f"{value:.{digits}f}")
        rows.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    notes = "".join(f"<li>{html.escape(each)}</li>" for each in failed)
    heads = "".join(f"<th>{h}</th>" for h in ("drive", "images", "rejected", "failures", "flag up (share)", "mIoU"))
    tone = "bad" if failed else "good"
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>TrustSeg replay</title><style>{style}</style></head><body>"
        f'<header class="{tone}"><h1>{len(drives)} drives replayed, {len(failed)} failed</h1><ul>{notes}</ul></header>'
        f'<main><section class="scroll"><table><tr>{heads}</tr>{"".join(rows)}</table></section></main></body></html>\n'
    )
    write_whole(folder / REPORT, text.encode(errors="backslashreplace"))


def _series(folder: Path) -> tuple[dict[str, Any], list[str]]:
    """The timeline's values, the worst of each group where there are too many frames for a screen."""
    rows = read_columns(folder / "frames.parquet", COLUMNS).to_pydict()
    latency = read_columns(folder / "timing.parquet", ["latency_ms"]).to_pydict()["latency_ms"]
    reasons = [text.split("|") if text else [] for text in rows["reasons"]]
    names = sorted({name for each in reasons for name in each})
    number = {name: i for i, name in enumerate(names)}
    count = len(reasons)
    group = -(-count // MAX_POINTS)
    spans = [(i, min(i + group, count)) for i in range(0, count, max(1, group))]

    def worst(values: list[Any], pick: Any) -> list[Any]:
        kept = ([v for v in values[a:b] if v is not None] for a, b in spans)
        return [round(pick(found), 4) if found else None for found in kept]

    def bad_or_first(a: int, b: int) -> int:
        return next((i for i in range(a, b) if rows["failure"][i]), a)

    shown = [bad_or_first(a, b) for a, b in spans]
    return {
        "group": group, "seq": [rows["seq"][i] for i in shown], "t": [rows["time_s"][a] for a, _ in spans],
        "state": [rows["state"][i] for i in shown],
        "reasons": [sorted({number[n] for each in reasons[a:b] for n in each}) for a, b in spans],
        "predicted": worst(rows["predicted_miou"], min), "lower": worst(rows["miou_lower_bound"], min),
        "true": worst(rows["true_quality"], min), "latency": worst(latency, max),
    }, names  # fmt: skip


def _events(folder: Path, document: dict[str, Any], first_ns: int) -> list[dict[str, Any]]:
    """Failures with their pictures, as many as the file's size bears, from the beginning."""
    left = MAX_STEPS
    found = []
    for number, failure in enumerate(document["failures"], start=1):
        about = folder / "events" / f"{number:03d}" / "event.json"
        frames: list[dict[str, Any]] = []
        if about.is_file() and left > 0:
            listed = parse_json(about.read_bytes())["frames"][:left]
            frames = [_with_images(frame, about.parent, first_ns) for frame in listed]
            left -= len(frames)
        lasted = failure["end_s"] - failure["start_s"]
        title = f"{number}: {failure['start_s']:.1f} s, {failure['first_reason']}, for {lasted:.1f} s"
        found.append({"title": title, "start_seq": failure["start_seq"], "frames": frames})
    return found


def _drive(folder: Path, first_ns: int) -> list[dict[str, Any]]:
    """Frames of the whole drive with their pictures; none where they were not asked for."""
    index = folder / INDEX
    if not index.is_file():
        return []
    return [_with_images(each, folder, first_ns) for each in parse_json(index.read_bytes())]


def _with_images(frame: dict[str, Any], folder: Path, first_ns: int) -> dict[str, Any]:
    """A frame as it was written, with its time in the drive, and its pictures themselves in place of their names."""
    pictures = {
        kind: base64.b64encode((folder / name).read_bytes()).decode() for kind, name in frame["pictures"].items()
    }
    return {**frame, "t": (frame["time_ns"] - first_ns) / 1e9, "pictures": pictures}


def _no_events(document: dict[str, Any]) -> str:
    start_up = document["metrics"]["start_up_s"]
    return f"The flag was never up after start-up ({start_up:.1f} s)."


def _histogram(folder: Path) -> dict[str, list[float]]:
    values = read_columns(folder / "timing.parquet", ["latency_ms"]).to_pydict()["latency_ms"]
    known = np.array([v for v in values if v is not None], np.float64)
    if not known.size:
        return {"counts": [], "edges": []}
    # The slowest per mille would squeeze everything else into one bar: it is counted in the last one.
    top = float(np.quantile(known, 0.999)) + 1e-6
    counts, edges = np.histogram(np.minimum(known, top), HISTOGRAM_BINS, (float(known.min()), top))
    return {"counts": counts.tolist(), "edges": np.round(edges, 3).tolist()}


def _about(document: dict[str, Any]) -> list[list[str]]:
    told: list[list[str]] = []
    for part in ("input", "bundle", "settings", "versions"):
        for name, value in document[part].items():
            if name not in ("classes", "losses"):
                told.append([f"{part} {name.replace('_', ' ')}", str(value)])
    told.append(["instance id of the statuses", str(document["instance_id"])])
    return told
