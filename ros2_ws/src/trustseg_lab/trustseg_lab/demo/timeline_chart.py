# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`timeline.png`: predicted and true quality, what was injected, the flag and the states, over the whole drive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from trustseg.reasons import State
from trustseg_lab.demo.moments import Moment
from trustseg_lab.demo.summary import Injected, Summary
from trustseg_lab.demo.words import STATES
from trustseg_lab.harness.script import TITLES
from trustseg_lab.metrics.images.image_quality import FAILURE_BELOW

_TROUBLE, _UP, _DOWN = "#ffe2a8", "#c4242a", "#1a7f3c"
_STATE_COLORS = {
    State.UNKNOWN: "#9a9a9a", State.OK: "#1a7f3c", State.DEGRADED: "#e8892c", State.FAILED: "#c4242a",
    State.STALE: "#7b3fa0", State.LATCHED: "#000000",
}  # fmt: skip


def write_timeline(path: Path, moments: Sequence[Moment], summary: Summary) -> None:
    """Draw the drive.

    Args:
        path: the PNG to write.
        moments: the drive.
        summary: its figures; troubles are marked with when the flag had to rise and when it did.
    """
    figure, (quality, flag) = plt.subplots(
        2, 1, figsize=(15, 6.4), sharex=True, height_ratios=(4.2, 1), constrained_layout=True
    )
    end_s = moments[-1].time_s + 1 / summary.rate_hz
    labelled = any(m.true == m.true for m in moments)
    for injected in summary.injected:
        for axes in (quality, flag):
            axes.axvspan(injected.at_s, injected.until_s, color=_TROUBLE, lw=0)
        _annotate(quality, injected)
    times = [m.time_s for m in moments]
    if labelled:
        quality.plot(
            times,
            [m.true for m in moments],
            color="#222222",
            lw=1.6,
            marker=".",
            ms=3,
            label="true quality (against labels)",
        )
    quality.plot(
        times,
        [m.predicted for m in moments],
        color="#1f6fd6",
        lw=1.6,
        marker=".",
        ms=3,
        label="quality predicted by the node",
    )
    quality.axhline(FAILURE_BELOW, color="#777777", lw=1, ls="--")
    quality.text(end_s, FAILURE_BELOW - 0.01, "below 0.5: failure ", ha="right", va="top", color="#555555", fontsize=9)
    quality.set(ylim=(0, 1.36), xlim=(0, end_s), yticks=[0, 0.25, 0.5, 0.75, 1])
    quality.set_ylabel("quality of the mask (mean IoU)")
    quality.set_title(_title(summary), loc="left", fontsize=14, fontweight="bold")
    _bands(flag, moments, 1 / summary.rate_hz)
    flag.set(xlabel="seconds of the drive", ylim=(0, 2), yticks=[0.5, 1.5], yticklabels=["state", "flag"])
    handles, _ = quality.get_legend_handles_labels()
    handles.append(Patch(color=_TROUBLE, label="fault injected"))
    if any(i.onset_s is not None for i in summary.injected):
        handles.append(Line2D([], [], color=_UP, lw=1.2, ls=":", label="from here on the flag must be up"))
    quality.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=4, frameon=False)
    states = sorted({m.flag.state for m in moments} - {State.OK, State.FAILED})
    flag.legend(
        handles=[Patch(color=_UP, label="flag up / FAILED"), Patch(color=_DOWN, label="flag down / OK")]
        + [Patch(color=_STATE_COLORS[s], label=STATES[s]) for s in states],
        loc="upper center", bbox_to_anchor=(0.5, -0.45), ncols=8, frameon=False,
    )  # fmt: skip
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _title(summary: Summary) -> str:
    expected = [i for i in summary.injected if i.expect_flag]
    caught = sum(i.detected_after_ms is not None and not i.already_up for i in expected)
    parts = [f"{caught} of {len(expected)} failures flagged"] if expected else []
    if not summary.injected:
        parts.append(f"flag up for {summary.flag_up_s:.1f} s of {summary.duration_s:.0f} s")
    if summary.false_alarm_s == summary.false_alarm_s:
        parts.append(f"{summary.false_alarm_s:.1f} s of false alarm in {summary.clear_s:.0f} s of clear road")
    parts.append(f"{summary.lost} of {summary.frames_sent} frames lost")
    return ", ".join(parts)


def _annotate(axes: Axes, injected: Injected) -> None:
    middle = (injected.at_s + injected.until_s) / 2
    missed = injected.already_up or (injected.expect_flag and injected.detected_after_ms is None)
    if injected.already_up:
        verdict = "flag still up"
    elif not injected.expect_flag:
        verdict = "the network survives"
    elif injected.detected_after_ms is None:
        verdict = "NOT FLAGGED"
    elif injected.flag_at_onset:
        verdict = "flagged before onset"
    else:
        verdict = f"flagged after {injected.detected_after_ms:.0f} ms"
    title = TITLES[injected.kind].replace(" (", "\n(").replace("camera stream", "stream")
    color = _UP if missed else "#333333"
    axes.text(middle, 1.34, title, ha="center", va="top", fontsize=10, fontweight="bold")
    axes.text(middle, 1.03, verdict.replace("flagged ", "flagged\n"), ha="center", fontsize=9, color=color)
    if injected.onset_s is not None:
        axes.axvline(injected.onset_s, ymax=1 / 1.36, color=_UP, lw=1.2, ls=":")


def _bands(axes: Axes, moments: Sequence[Moment], period_s: float) -> None:
    """Flag above, state below: one coloured bar per stretch without a change."""
    for row, key, colors in (
        (1.1, lambda m: m.flag.up, {True: _UP, False: _DOWN}),
        (0.1, lambda m: m.flag.state, _STATE_COLORS),
    ):
        start = 0
        for index in range(1, len(moments) + 1):
            if index == len(moments) or key(moments[index]) != key(moments[start]):
                left = moments[start].time_s
                width = moments[index - 1].time_s + period_s - left
                axes.broken_barh([(left, width)], (row, 0.8), color=colors[key(moments[start])], lw=0)
                start = index
