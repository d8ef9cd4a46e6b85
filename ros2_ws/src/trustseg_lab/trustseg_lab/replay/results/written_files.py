# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which files a replay writes: a folder that holds others too is not only results, and is not replaced."""

from __future__ import annotations

from pathlib import Path

from trustseg_lab.replay.results.result_folder import SUMMARY
from trustseg_lab.replay.results.segment_table import SEGMENTS
from trustseg_lab.replay.results.shown.annotated import FILE, METADATA
from trustseg_lab.replay.results.shown.layouts import LAYOUTS
from trustseg_lab.replay.results.shown.overlay_film import NAME
from trustseg_lab.replay.results.shown.report import REPORT
from trustseg_lab.replay.results.totals import BASELINE, FRAMES, RECORDING, TIMES, TIMING, TOTALS

EVENTS, DRIVE = "events", "drive"  # folders of pictures
FILES = (
    SUMMARY, FRAMES, TIMES, TIMING, TOTALS, BASELINE, RECORDING, SEGMENTS, FILE, METADATA, NAME, REPORT, *LAYOUTS,
)  # fmt: skip


def wrote(path: Path) -> bool:
    """Whether a replay writes such a file, by its path below --out: of one drive, or of several with a folder each."""
    folders = path.parts[:-1]
    if not {EVENTS, DRIVE}.isdisjoint(folders[:2]):
        return True
    return path.name in FILES and len(folders) < 2
