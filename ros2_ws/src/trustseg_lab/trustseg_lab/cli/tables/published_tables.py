# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg calibrate --published` prints: predicted IoU of segments, and selective risk, by group of views."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from trustseg_lab.calibrate.fits.selective_fit import Held
    from trustseg_lab.calibrate.published import PublishedFit
    from trustseg_lab.metrics.selective_metrics import SelectiveMetrics


def print_published(console: Console, fit: PublishedFit) -> None:
    """Both tables; what was left out of the fit by block is judged by a model that has not seen it."""
    if fit.segments is None:
        console.print("no class is an object: nothing is predicted of segments")
    else:
        heads = ("views", "segments", "IoU 0", "AUROC", "(conf.)", "AUROC .5", "(conf.)", "R2", "(conf.)", "MAE")
        title = (
            f"predicted IoU of {', '.join(fit.segments.model.classes)}, cross-fitted (%; conf.: mean confidence alone)"
        )
        console.print(title, soft_wrap=True)
        shown = Table(*heads)
        for name, each in fit.segments.groups.items():
            figures = (
                each.missed, each.auroc, each.auroc_mean_confidence, each.auroc_half, each.auroc_half_mean_confidence,
                each.r2, each.r2_mean_confidence, each.mae,
            )  # fmt: skip
            shown.add_row(name, str(each.segments), *(_percent(each) for each in figures))
        console.print(shown)
    model = fit.selective.model
    since = f"from {model.images} clean images in {model.blocks} blocks"
    risk = f"selective risk: wrong among the pixels kept, and share kept (%); a {100 * model.level:g} % bound {since}"
    _print_held(console, risk, fit.selective.risks, lambda each: each.risk, min(model.bound))
    missed = f"missed errors: mean share kept of an image's wrong pixels, and share kept of all (%); expected, {since}"
    _print_held(console, missed, fit.selective.missed, lambda each: each.missed, min(model.missed))


def _print_held(
    console: Console, title: str, held: dict[float, Held], of: Callable[[SelectiveMetrics], float], least: float
) -> None:
    if not held:
        console.print(f"{title}: the least that any confidence holds is {100 * least:.1f} %", soft_wrap=True)
        return
    console.print(title, soft_wrap=True)
    shown = Table("views", *(f"{100 * share:g} % (from {each.threshold})" for share, each in held.items()))
    for name in next(iter(held.values())).groups:
        told = (each.groups[name] for each in held.values())
        shown.add_row(name, *(f"{100 * of(each):.2f} of {100 * each.coverage:.1f}" for each in told))
    console.print(shown)


def _percent(value: float) -> str:
    return "-" if value != value else f"{100 * value:.1f}"
