# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg bench --precision all` prints: every engine of a bundle, and how near to the machine's peak it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from trustseg.cli.plain_console import PlainConsole

if TYPE_CHECKING:
    from trustseg.bundle.loading import Bundle
    from trustseg_lab.bench.engines import EngineKind, EngineMetrics
    from trustseg_lab.bench.roofline import MachinePeak

TABLE_WIDTH = 112


def bench_precisions(
    loaded: Bundle, backends: tuple[str, ...], precisions: tuple[str, ...], threads: int, rounds: int, calls: int,
    as_json: bool, on_round: Callable[[], None],
) -> None:  # fmt: skip
    """Time the engines and print one table, or one JSON document."""
    from trustseg.backends import load_golden
    from trustseg.files.json_document import print_json
    from trustseg_lab.bench.engines import bench_engines, engine_kinds
    from trustseg_lab.bench.path_timing import bench_frames

    images = [load_golden(loaded).image, *bench_frames(*loaded.card.image_size, count=3)]
    if loaded.card.input.color_order == "bgr":
        images[1:] = [image[..., ::-1].copy() for image in images[1:]]
    kinds = engine_kinds(loaded, backends, precisions)
    figures, left_out, peaks = bench_engines(loaded, kinds, images, threads, rounds, calls, on_round)
    if as_json:
        document = {
            "bundle": loaded.card.name, "threads": threads, "images": len(images), "engines": figures,
            "left_out": [{**asdict(kind), "why": why} for kind, why in left_out], "peaks": peaks,
        }  # fmt: skip
        print_json(document)
        return
    console = PlainConsole()
    console.width = max(console.width, TABLE_WIDTH)
    _print(console, figures, left_out, peaks)


def three_digits(value: float) -> str:
    """A figure above 0 with three digits at least, however small it is: a small network's is not 0.00."""
    after = 2 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:.{max(0, after)}f}"


def _print(
    console: Console,
    figures: list[EngineMetrics],
    left_out: list[tuple[EngineKind, str]],
    peaks: dict[str, MachinePeak],
) -> None:
    table = Table(
        title="every engine in one run, taking turns; agreement with fp32 on ONNX Runtime", title_justify="left"
    )
    for heading in (
        "engine",
        "graph",
        "in",
        "median",
        "p99",
        "images/s",
        "MB",
        "mask",
        "confidence",
        "bound",
        "of peak",
    ):
        table.add_column(heading, justify="left" if heading in ("engine", "graph", "in") else "right", no_wrap=True)
    for each in figures:
        kind = each.kind
        timing, cost = each.timing, each.cost
        table.add_row(
            kind.backend, kind.precision, kind.arithmetic, f"{timing.median_ms:.1f} ms", f"{timing.p99_ms:.1f}",
            f"{each.images_per_s:.1f}", three_digits(cost.file_mb), f"{100 * each.mask_agreement:.2f} %",
            f"{each.confidence_mean_abs:.2f} off", f"{three_digits(each.bound_ms)} ms",
            f"{100 * each.peak_share:.0f} %",
        )  # fmt: skip
    console.print(table)
    cost = figures[0].cost
    console.print(
        f"one image: {three_digits(cost.gmac)} GMAC, convolutions move {three_digits(cost.conv_mb)} MB in "
        f"{figures[0].kind.precision}; "
        "measured peaks: "
        + ", ".join(f"{name} {peak.gmac_per_s:.0f} GMAC/s" for name, peak in peaks.items())
        + f", memory {next(iter(peaks.values())).gb_per_s:.1f} GB/s; bound: the least time these allow",
        soft_wrap=True,
    )
    for kind, why in left_out:
        console.print(f"left out: {kind.backend} {kind.precision}: {why}", markup=False, soft_wrap=True)
