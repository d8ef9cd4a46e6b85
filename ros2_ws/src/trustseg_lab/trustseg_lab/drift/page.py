# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`drift.html`: one page that asks nothing of any server: what changed first, then drives, hours, classes."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import Template
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from trustseg_lab.drift.frames import Frames

TEMPLATE = Path(__file__).parent / "resources" / "drift.html"
MOST_HISTOGRAMS = 6
NAMED = 3  # figures in the headline
OTHER_NETWORK = "The two sets were judged by different networks: what differs may be the network and not the road."
OTHER_GEOMETRY = "The two sets were seen in different ways (input geometry): what differs may be that and not the road."
TOO_FEW = "Too few frames to compare"
MOST_PLACES = 30


def page(document: dict[str, Any], reference: Frames, new: Frames) -> str:
    """The whole page as text."""
    columns = document["columns"]
    changed = [each["name"] for each in columns if each["reading"] in ("large", "some")]
    shown = (changed or [each["name"] for each in columns])[:MOST_HISTOGRAMS]
    warning = "".join(f'<p class="large">{line}</p>' for line in warnings(document))
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        sentence=html.escape(sentence(document)), warning=warning,
        old_count=document["frames"]["reference"], new_count=document["frames"]["new"],
        pictures="".join(_image(name, reference, new) for name in shown), limit=_number(document["ood_limit"], 2),
        columns=_table(
            ("figure", "reference", "new", "PSI", "KS", "outside", "reading"), map(_column_row, columns),
            [each["reading"] for each in columns],
        ),
        drives=_table(
            ("drive", "set", "frames", "out of domain", "predicted quality", "flag up", "rejected"),
            map(_drive_row, document["drives"]),
        ),
        hours=_table(
            ("hour", "frames before", "now", "out of domain before", "now", "flag up before", "now"),
            map(_hour_row, document["hours"]),
        ),
        places_note=html.escape(document["places"]["note"]),
        places=_table(
            ("place", "frames before", "now", "out of domain before", "now", "predicted quality now"),
            map(_place_row, document["places"]["cells"][:MOST_PLACES]),
        )
        if document["places"]["cells"]
        else "",
        classes=_table(
            ("class", "share before", "now", "frames with it before", "now"), map(_class_row, document["classes"])
        ),
    )  # fmt: skip


def warnings(document: dict[str, Any]) -> list[str]:
    """What may differ and is not the road, a line each."""
    lines = [] if document["same_network"] else [OTHER_NETWORK]
    return lines if document["same_geometry"] else [*lines, OTHER_GEOMETRY]


def sentence(document: dict[str, Any]) -> str:
    """The finding in a line."""
    large = [each["name"] for each in document["columns"] if each["reading"] == "large"]
    if all(each["reading"] == "unknown" for each in document["columns"]):
        return TOO_FEW
    if not large:
        return "Nothing changed much"
    more = f" and {len(large) - NAMED} more" if len(large) > NAMED else ""
    return f"Changed a lot: {', '.join(large[:NAMED])}{more}"


def histogram(name: str, reference: Frames, new: Frames) -> bytes:
    """A PNG: both distributions of a column on the same bins."""
    sets = [(label, each.columns[name][np.isfinite(each.columns[name])]) for label, each in
            (("reference", reference), ("new", new))]  # fmt: skip
    both = np.concatenate([values for _, values in sets])
    figure, axes = plt.subplots(figsize=(4.2, 2.2), dpi=110)
    if len(both):
        low, high = float(both.min()), float(both.max())
        bins = [float(edge) for edge in np.linspace(low, high if high > low else low + 1.0, 31)]
        for (label, values), colour in zip(sets, ("#2563eb", "#c4242a"), strict=True):
            if len(values):
                weights = np.full(len(values), 1.0 / len(values))
                axes.hist(values, bins, weights=weights, histtype="step", linewidth=1.6, label=label, color=colour)
        axes.legend(fontsize=7)
    axes.set_title(name, fontsize=9)
    axes.tick_params(labelsize=7)
    figure.tight_layout()
    out = io.BytesIO()
    figure.savefig(out, format="png")
    plt.close(figure)
    return out.getvalue()


def _image(name: str, reference: Frames, new: Frames) -> str:
    data = base64.b64encode(histogram(name, reference, new)).decode()
    return f'<img alt="distribution of {html.escape(name)}" src="data:image/png;base64,{data}">'


def _column_row(each: dict[str, Any]) -> tuple[str, ...]:
    numbers = (_number(each["reference"]), _number(each["new"]), _number(each["psi"], 2), _number(each["ks"], 2))
    return each["name"], *numbers, _share(each["outside"]), each["reading"]


def _drive_row(each: dict[str, Any]) -> tuple[str, ...]:
    shares = (_share(each["left"]), _number(each["predicted_miou"], 2), _share(each["flag"]), _share(each["rejected"]))
    return each["name"], each["set"], str(each["frames"]), *shares


def _hour_row(each: dict[str, Any]) -> tuple[str, ...]:
    old, new = each["reference"], each["new"]
    shares = (_share(old["left"]), _share(new["left"]), _share(old["flag"]), _share(new["flag"]))
    return f"{each['hour']:02d}", str(old["frames"]), str(new["frames"]), *shares


def _place_row(each: dict[str, Any]) -> tuple[str, ...]:
    old, new = each["reference"], each["new"]
    shares = (_share(old["left"]), _share(new["left"]), _number(new["predicted_miou"], 2))
    return each["place"], str(old["frames"]), str(new["frames"]), *shares


def _class_row(each: dict[str, Any]) -> tuple[str, ...]:
    having = each["frames_with"]
    values = (each["reference"], each["new"], having["reference"], having["new"])
    return each["name"], *map(_share, values)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], classes: Sequence[str] = ()) -> str:
    """A table; `classes` are those of each row's last cell."""
    top = "".join(f"<th>{html.escape(each)}</th>" for each in heads)
    body = ""
    for number, row in enumerate(rows):
        cells = [f"<td>{html.escape(each)}</td>" for each in row]
        if classes:
            cells[-1] = f'<td class="{classes[number]}">{html.escape(row[-1])}</td>'
        body += f"<tr>{''.join(cells)}</tr>"
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _number(value: float, digits: int = 3) -> str:
    return "-" if value != value else f"{value:.{digits}f}"


def _share(value: float) -> str:
    return "-" if value != value else f"{value:.1%}"
