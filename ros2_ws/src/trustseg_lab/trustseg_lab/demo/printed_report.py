# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a drive prints: a table that somebody who has never seen this program understands."""

from __future__ import annotations

import math
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from trustseg_lab.demo.drive_output import OVERLAY_FILE, RECORDING_FOLDER, SHEET_FILE, SUMMARY_FILE, TIMELINE_FILE
from trustseg_lab.demo.summary import Injected, Summary
from trustseg_lab.demo.words import reason_words
from trustseg_lab.harness.script import CARGO, TITLES

NEARLY_ALWAYS = 0.9  # of a drive whose truth nobody knows: the flag, not the count of frames, is what happened
GOOD, BAD = "green", "bold red"

ROOM = 0.6  # share of the time between two images that the engine may take where camera and pictures need theirs


def print_report(console: Console, summary: Summary, folder: Path) -> None:
    """Print the faults, the metrics, the verdict, and where the images are.

    Args:
        console: where to.
        summary: the drive's figures.
        folder: where its files are.
    """
    if summary.injected:
        console.print(_troubles(summary))
    console.print(_metrics(summary))
    nearly_always = summary.flag_up_s >= NEARLY_ALWAYS * summary.duration_s and math.isnan(summary.miou_mean)
    if summary.ok and (summary.flag_never_down or nearly_always):
        how_long = "ALL THE TIME" if summary.flag_never_down else "NEARLY ALL THE TIME"
        console.print(Text(f"FLAG UP {how_long}", style=BAD), _never_down(summary), soft_wrap=True)
    elif summary.ok:
        console.print(
            Text("PASS", style=GOOD),
            "no frame was lost" + (", every failure was flagged" if summary.injected else ""),
        )
    else:
        for problem in summary.problems:
            console.print(Text("FAIL", style=BAD), Text(problem))
        if hint := _slower(summary):
            console.print(hint, soft_wrap=True)
    console.print()
    for name, what in (
        (OVERLAY_FILE, "the drive as a video: camera, mask, confidence, flag"),
        (TIMELINE_FILE, "quality and flag over time"),
        (SHEET_FILE, "one moment of each fault" if summary.injected else "moments of the drive"),
        (RECORDING_FOLDER, "everything that was published, as MCAP"),
        (SUMMARY_FILE, "these metrics"),
    ):
        console.print(Text(str(folder / name), style="bold"), Text(f" {what}"), soft_wrap=True)


def _slower(summary: Summary) -> str:
    """What to do where the engine, and not a fault, kept answers from coming in time; empty where it did not."""
    engine_ms, period_ms = summary.engine_ms.p50, 1000.0 / summary.rate_hz
    if not engine_ms > ROOM * period_ms:
        return ""
    slower = math.floor(ROOM * 1000.0 / engine_ms)
    told = f"An image takes this machine {engine_ms:.0f} ms of the {period_ms:.0f} ms between two: answers come late."
    return f"{told} Try --rate {slower}." if slower >= 1 else f"{told} It is too slow for this bundle."


def _never_down(summary: Summary) -> Text:
    why = ", ".join(reason_words(name) for name in summary.flag_reasons[:4]) or "ten good frames in a row never came"
    return Text(f"these masks must not be trusted: {why}. No frame was lost.")


def _troubles(summary: Summary) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Faults on the way", title_justify="left", title_style="bold")
    for name, justify in (
        ("fault", "left"),
        ("from", "right"),
        ("should the flag rise?", "left"),
        ("it rose", "left"),
        ("because", "left"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for injected in summary.injected:
        table.add_row(
            TITLES[injected.kind],
            f"{injected.at_s:.1f} s",
            _expectation(injected),
            _outcome(injected),
            ", ".join(reason_words(name) for name in injected.reasons[:2]) or "-",
        )
    return table


def _expectation(injected: Injected) -> str:
    if injected.onset_s is None:
        return "no: the network copes"
    if injected.onset_s > injected.at_s:
        return f"yes, from {injected.onset_s:.1f} s ({'it is near' if injected.kind == CARGO else 'mask fails'})"
    return "yes, at once"


def _outcome(injected: Injected) -> Text:
    if injected.already_up:
        return Text("was still up", style=BAD)
    if not injected.expect_flag:
        return Text("early, to be safe" if injected.reasons else "no", style="yellow" if injected.reasons else GOOD)
    if injected.detected_after_ms is None:
        return Text("NEVER", style=BAD)
    if injected.flag_at_onset:
        return Text("before it was needed", style=GOOD)
    return Text(f"after {injected.detected_after_ms:.0f} ms", style=GOOD)


def _metrics(summary: Summary) -> Table:
    table = Table(
        box=SIMPLE_HEAD, title="The drive in numbers", title_justify="left", title_style="bold", show_header=False
    )
    table.add_column(style="dim")
    table.add_column()
    down = f", {summary.sent_while_down} sent while the node was down" if summary.sent_while_down else ""
    overtaken = f" ({summary.skipped} overtaken by a newer one)" if summary.skipped else ""
    table.add_row(
        "images", f"{summary.frames_sent} sent, {summary.statuses} answered{overtaken}, {summary.lost} lost{down}"
    )
    if summary.rejected_for:
        told = ", ".join(f"{name} {count}" for name, count in summary.rejected_for.items())
        table.add_row("images refused", f"{summary.rejected}: {told}")
    table.add_row("model", f"{summary.bundle} on {summary.backend or 'no backend'}")
    table.add_row(
        "engine", f"{_ms(summary.engine_ms.p50)} an image (median), {_ms(summary.engine_ms.p99)} at worst (99 %)"
    )
    table.add_row(
        "image sent to answer received",
        f"{_ms(summary.latency_ms.p50)} (median), {_ms(summary.latency_ms.p99)} at worst (99 %)",
    )
    why = f": {', '.join(reason_words(name) for name in summary.flag_reasons[:4])}" if summary.flag_reasons else ""
    table.add_row("failure flag", f"up for {summary.flag_up_s:.1f} s of {summary.duration_s:.1f} s{why}")
    if not math.isnan(summary.miou_mean):
        table.add_row(
            "quality of the masks (0 to 1)",
            f"{_share(summary.miou_clear)} on clear road, {_share(summary.miou_mean)} over all",
        )
        table.add_row("false alarm", f"{summary.false_alarm_s:.1f} s of {summary.clear_s:.1f} s of clear road")
    return table


def _ms(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f} ms"


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
