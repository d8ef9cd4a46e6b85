# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg calibrate --published` prints: predicted IoU of segments, and selective risk, by group of views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from trustseg_lab.calibrate.published import PublishedFit


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
    model, risks = fit.selective.model, fit.selective.groups
    title = (
        f"selective risk: wrong among the pixels kept, and share kept (%); bound at {100 * model.level:g} % "
        f"from {model.images} clean images in {model.blocks} blocks"
    )
    if not risks:
        console.print(f"{title}: the least risk that any confidence holds is {100 * min(model.bound):.1f} %")
        return
    columns = (f"{100 * risk:g} % (from {fit.selective.thresholds[risk]})" for risk in risks)
    console.print(title, soft_wrap=True)
    shown = Table("views", *columns)
    for name in next(iter(risks.values())):
        told = (f"{100 * found[name].risk:.2f} of {100 * found[name].coverage:.1f}" for found in risks.values())
        shown.add_row(name, *told)
    console.print(shown)


def _percent(value: float) -> str:
    return "-" if value != value else f"{100 * value:.1f}"
