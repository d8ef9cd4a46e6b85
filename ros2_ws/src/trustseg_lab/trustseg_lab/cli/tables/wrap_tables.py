# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg wrap` prints: how the network was read, and how it did on labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from trustseg_lab.wrap.find_input import Normalisation
    from trustseg_lab.wrap.find_normalisation import InnerNormalisation
    from trustseg_lab.wrap.labelled_check import Check
    from trustseg_lab.wrap.network import Network, Wanted


def print_reading(
    console: Console, network: Network, wanted: Wanted, normalisation: Normalisation,
    inside: InnerNormalisation | None, given: bool,
) -> None:  # fmt: skip
    """One line for each thing that was found or told."""
    entry, end = network.input, network.outputs
    table = Table.grid(padding=(0, 2))
    size = "of the graph" if entry.fixed else "as told"
    table.add_row("input", f"{entry.name}: {entry.kind} {entry.layout}, {entry.height} x {entry.width} {size}")
    found = "as told" if wanted.logits else "found"
    left_out = f", without {', '.join(end.left_out)}" if end.left_out else ""
    shape = f"{end.channels} channels {end.layout}, {end.height} x {end.width}"
    table.add_row("output", f"{end.logits}: {end.kind}, {shape}{left_out}; {found}")
    dropped = sum(each < 0 for each in end.own)
    if end.own and end.own != tuple(range(end.channels)):
        table.add_row("classes", f"{len(set(end.own) - {-1})} out of {end.channels} channels, {dropped} left out")
    table.add_row(
        "embedding", f"{end.features} {end.feature_shape}; " + ("as told" if wanted.features else "the coarsest map")
    )
    table.add_row("normalisation", _normalisation(normalisation, inside, given))
    table.add_row("colours", normalisation.color_order)
    half = ", float16 or float64 made float32" if network.half else ""
    table.add_row("graph", f"opset {network.opset}{half}")
    console.print(table, soft_wrap=True)


def print_check(console: Console, check: Check, names: Sequence[str]) -> None:
    """Accuracy by guess and, of the first, by class."""
    table = Table("normalisation, colours", "right pixels", "mIoU", title=f"on {check.images} labelled images (%)",
                  title_justify="left")  # fmt: skip
    for guess in check.guesses:
        table.add_row(guess.name, f"{100 * guess.accuracy:.1f}", f"{100 * guess.confusion.miou():.1f}")
    console.print(table)
    shown, counts = check.guesses[0], check.guesses[0].confusion.counts
    table = Table("class", "of the pixels", "right", "IoU", title=f"by class, {shown.name} (%)", title_justify="left")
    for name, row, hit, iou in zip(names, counts, np.diagonal(counts), shown.confusion.class_iou(), strict=True):
        shares = (row.sum() / max(counts.sum(), 1), hit / row.sum() if row.any() else np.nan, iou)
        table.add_row(name, *("-" if each != each else f"{100 * each:.1f}" for each in shares))
    console.print(table)


def _normalisation(normalisation: Normalisation, inside: InnerNormalisation | None, given: bool) -> str:
    scale = "pixel / 255" if abs(normalisation.scale * 255 - 1) < 1e-9 else f"pixel x {normalisation.scale:g}"
    told = f"({scale} - {_three(normalisation.mean)}) / {_three(normalisation.std)}"
    if inside is None:
        return told
    if given:
        return f"{told}, and {', '.join(inside.operators)} in the graph"
    taken = "0 to 255" if normalisation.scale == 1 else "0 to 1"
    return f"{', '.join(inside.operators)} in the graph, which takes {taken}"


def _three(values: Sequence[float]) -> str:
    return f"{values[0]:g}" if len(set(values)) == 1 else f"({', '.join(f'{each:g}' for each in values)})"
