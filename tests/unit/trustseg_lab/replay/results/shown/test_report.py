# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The report: one file that asks for nothing, whose first words are the verdict, and that no input can break out of."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from trustseg_lab.replay.results.shown.report import RESOURCES, page
from trustseg_lab.replay.results.shown.report_verdict import verdict_of

METRICS = {
    "failure_share": 0.0, "failures": 0.0, "missed": float("nan"), "poor_frames": float("nan"), "frames": 100.0,
    "duration_s": 10.0, "start_up_s": 0.9,
}  # fmt: skip


def document(losses: tuple[str, ...] = (), truth: object = None, **metrics: float) -> dict[str, Any]:
    return {
        "metrics": METRICS | metrics, "truth": truth, "input": {"losses": list(losses)}, "failures_without_pictures": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "gate", "fired", "tone", "words"),
    [
        (document(), "", [], "good", "trusted all the way"),
        (document(failures=2.0, failure_share=0.25), "", [], "fair", "for 25.0 % of the drive"),
        (document(failure_share=float("nan")), "", [], "fair", "before the mask had earned any trust"),
        (document(truth={}, missed=3.0, poor_frames=5.0), "", [], "bad", "3 of 5 poor masks were not flagged"),
        (document(truth={}, missed=0.0, poor_frames=5.0), "", [], "good", "trusted all the way"),
        (document(), "miou < 0.6", ["miou < 0.6"], "bad", "The gate fails"),
        (document(failures=2.0, failure_share=0.25), "miou < 0.6", [], "good", "The gate passes"),
    ],
)
def test_the_verdict_comes_first(given: dict[str, Any], gate: str, fired: list[str], tone: str, words: str) -> None:
    found = verdict_of(given, {}, gate, fired)
    assert found["tone"] == tone
    assert words in found["headline"]


def test_what_is_missing_is_said() -> None:
    notes = verdict_of(document(("bag.db3 is cut off",)), {}, "", [])["notes"]
    assert any("Without labels" in each for each in notes)
    assert any("cut off" in each for each in notes)


def test_nothing_in_the_data_can_leave_its_script() -> None:
    nasty = "</script><script>alert(1)</script><!--\u2028&amp;'\""
    text = page({"name": nasty, "undefined": float("nan")})
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    assert json.loads(found.group(1)) == {"name": nasty, "undefined": None}
    assert text.count("</script>") == 2
    assert "@@" not in text


def test_it_asks_nothing_of_anybody() -> None:
    text = page({})
    assert "default-src 'none'" in text
    assert re.findall(r"https?://|//cdn|@import|url\(|fetch\(|XMLHttpRequest|<link|src=\"", text) == []


def test_every_element_that_the_script_names_is_there() -> None:
    script, markup = (RESOURCES / "report.js").read_text(), (RESOURCES / "report.html").read_text()
    named = set(re.findall(r'\$\("(\w+)"\)', script)) | {f"by{k}" for k in ("class", "row", "brightness")}
    assert named - set(re.findall(r'id="(\w+)"', markup)) == set()
