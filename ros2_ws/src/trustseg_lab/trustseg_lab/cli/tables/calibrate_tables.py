# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg calibrate` prints of the pixels' calibration: before and after, under shift, and as a diagram."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from trustseg_lab.calibrate.calibrate import CalibrationResult
    from trustseg_lab.calibrate.calibration_report import TemperatureReport
    from trustseg_lab.calibrate.verdict_intervals import VerdictIntervals

BAR = 30
# What the word "cross-fitted" does not cover: said beside the figures.
LIMITS_NOT_CROSSED = (
    "cross-fitted: predicted quality and scores; threshold, OOD limit and lower bound are the final ones, fitted on "
    "these views but the held-out kinds"
)
TABLE_NOT_CROSSED = (
    "table and scene's shift are the final ones, fitted on some of these views, none of the held-out kinds; only the "
    "predicted quality is cross-fitted here"
)


def intervals_line(told: VerdictIntervals) -> str:
    """The intervals of a group of views in a line, in per cent."""
    ranges = [
        "undefined (too few blocks or failures)" if each.low != each.low
        else f"{100 * each.low:.1f} .. {100 * each.high:.1f}"
        for each in (told.auroc, told.auroc_gain, told.balanced_accuracy)
    ]  # fmt: skip
    return (
        "95 % intervals over blocks: AUROC {}, gain over mean confidence {}, balanced accuracy {} "
        "(majority class 50)".format(*ranges)
    )


def print_calibration(console: Console, result: CalibrationResult, temperature: TemperatureReport | None) -> None:
    """Reliability before and after, ECE of every group of views, and the temperature where one was fitted."""
    table = result.table
    for title, points in (("before", table.reliability_before), ("after, cross-fitted", table.reliability_after)):
        shown = Table("confidence", "right", "pixels", "", title=f"reliability {title} (%)", title_justify="left")
        for confidence, right, share in points:
            bar = "#" * round(BAR * right) + "." * (BAR - round(BAR * right))
            shown.add_row(f"{100 * confidence:.1f}", f"{100 * right:.1f}", f"{100 * share:.1f}", bar)
        console.print(shown)
    heads = ("views", "n", "ECE before", "table", "published", "adaptive before", "table", "published")
    shown = Table(*heads, title="calibration of the pixels (%); held-out kinds are the shift", title_justify="left")
    for name, each in result.calibration_groups.items():
        figures = (each.ece_before, each.ece_table, each.ece_published, each.adaptive_ece_before,
                   each.adaptive_ece_table, each.adaptive_ece_published)  # fmt: skip
        shown.add_row(name, str(each.views), *("-" if v != v else f"{100 * v:.2f}" for v in figures))
    console.print(shown)
    console.print(TABLE_NOT_CROSSED, soft_wrap=True)
    if temperature is not None:
        console.print(
            f"temperature {temperature.temperature:.3f} on {temperature.images} images, cross-fitted over blocks: "
            f"ECE of MCP {temperature.ece_before:.4f} before, {temperature.ece_after:.4f} after; "
            f"adaptive {temperature.adaptive_ece_before:.4f}, {temperature.adaptive_ece_after:.4f}; "
            f"log loss {temperature.nll_before:.4f}, {temperature.nll_after:.4f}"
        )
