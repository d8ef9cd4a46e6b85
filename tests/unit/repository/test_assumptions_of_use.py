# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bounds that docs/assumptions_of_use.md promises are those that the code derives; `--write` writes them again."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from trustseg.bounds import LONG_WINDOWS, MS, SECOND, derive_bounds

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "assumptions_of_use.md"
BEGIN, END = "<!-- bounds: ", "<!-- end of bounds -->"
TOLERANCE_BEGIN, TOLERANCE_END = "<!-- tolerances: ", "<!-- end of tolerances -->"
# (camera rate in Hz, latency budget in ms, where it is used)
CASES = (
    (30.0, 50.0, "rated; `vehicle.yaml`"),
    (60.0, 25.0, "a faster camera"),
    (20.0, 100.0, "`sim.yaml`"),
    (10.0, 150.0, "`replay.yaml`"),
    (10.0, 250.0, "`demo.yaml`"),
    (10.0, 50.0, "a slower camera"),
)
HEAD = """| camera, Hz | budget | silence | guard | verdict valid | one frame | three frames | window | hang | oldest mask | where |
|---|---|---|---|---|---|---|---|---|---|---|"""  # noqa: E501


# (camera rate, slowest rate in Hz, latency budget in ms)
TOLERANCES = (
    (30.0, 30.0, 50.0), (30.0, 10.0, 50.0), (60.0, 60.0, 25.0), (20.0, 20.0, 100.0), (10.0, 10.0, 150.0),
    (10.0, 10.0, 250.0),
)  # fmt: skip
TOLERANCE_HEAD = """| camera, Hz | slowest, Hz | budget | jitter | jitter after a lost frame | FRAME_DROP from | FAILED from | small loss that lasts, from |
|---|---|---|---|---|---|---|---|"""  # noqa: E501


def tolerances() -> str:
    rows = []
    for rate_hz, slowest_hz, budget_ms in TOLERANCES:
        bounds = derive_bounds(round(SECOND / rate_hz), round(budget_ms * MS), round(SECOND / slowest_hz))
        window_s = bounds.rate_window_ns / SECOND
        rows.append(
            f"| {rate_hz:g} | {slowest_hz:g} | {budget_ms:g} | {bounds.jitter_ns / MS:.0f} | "
            f"{bounds.jitter_after_loss_ns / MS:.0f} | {bounds.lost_soft} in {window_s:g} s | "
            f"{bounds.lost_hard} in {window_s:g} s | {bounds.lost_long} in {LONG_WINDOWS * window_s:g} s |"
        )
    return "\n".join([TOLERANCE_HEAD, *rows])


def table() -> str:
    rows = []
    for rate_hz, budget_ms, where in CASES:
        bounds = derive_bounds(round(SECOND / rate_hz), round(budget_ms * MS))
        values = (
            bounds.detection_ns, bounds.guard_ns, bounds.verdict_valid_ns, bounds.frames_ns(1), bounds.frames_ns(3),
            bounds.window_ns, bounds.backend_hang_ns, bounds.mask_age_ns,
        )  # fmt: skip
        shown = " | ".join(f"{value / MS:.0f}" for value in values)
        rows.append(f"| {rate_hz:g} | {budget_ms:g} | {shown} | {where} |")
    return "\n".join([HEAD, *rows])


def test_the_document_states_the_derived_bounds() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    for begin, end, made in ((BEGIN, END, table()), (TOLERANCE_BEGIN, TOLERANCE_END, tolerances())):
        told = text.partition(begin)[2].partition("-->\n")[2].partition(end)[0].strip()
        assert told == made, f"run: python {Path(__file__).name} --write"


def test_the_profiles_are_among_the_cases() -> None:
    import yaml

    folder = DOCUMENT.parents[1] / "launch" / "profiles"
    for rate_hz, budget_ms, where in CASES:
        named = re.search(r"`(\w+\.yaml)`", where)
        if named:
            shared = yaml.safe_load((folder / named[1]).read_text())["/**"]["ros__parameters"]
            assert (shared["camera_rate_hz"], shared["latency_budget_ms"]) == (rate_hz, budget_ms)


def test_at_the_rated_rate_silence_is_a_failure_within_100_ms() -> None:
    assert "| 30 | 50 | 100 | 100 | 70 |" in DOCUMENT.read_text(encoding="utf-8")


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    whole = DOCUMENT.read_text(encoding="utf-8")
    for begin, end, made in ((BEGIN, END, table()), (TOLERANCE_BEGIN, TOLERANCE_END, tolerances())):
        start = whole.index("-->\n", whole.index(begin)) + 4
        whole = f"{whole[:start]}{made}\n{whole[whole.index(end) :]}"
    DOCUMENT.write_text(whole, encoding="utf-8")
