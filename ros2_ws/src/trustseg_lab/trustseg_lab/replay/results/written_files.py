# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which files a replay writes: a folder that holds others too is not only results, and is not replaced."""

from __future__ import annotations

import re
from pathlib import Path

from trustseg_lab.replay.results.result_folder import SUMMARY
from trustseg_lab.replay.results.segment_table import SEGMENTS
from trustseg_lab.replay.results.shown.annotated import FILE, METADATA
from trustseg_lab.replay.results.shown.drive_images import INDEX
from trustseg_lab.replay.results.shown.event_images import ABOUT, KINDS
from trustseg_lab.replay.results.shown.layouts import LAYOUTS
from trustseg_lab.replay.results.shown.overlay_film import NAME
from trustseg_lab.replay.results.shown.report import REPORT
from trustseg_lab.replay.results.totals import BASELINE, FRAMES, RECORDING, TIMES, TIMING, TOTALS

EVENTS, DRIVE = "events", "drive"  # folders of pictures
FILES = (
    SUMMARY, FRAMES, TIMES, TIMING, TOTALS, BASELINE, RECORDING, SEGMENTS, FILE, METADATA, NAME, REPORT, *LAYOUTS,
)  # fmt: skip
_PICTURE = rf"[0-9]{{8,}}_(?:{'|'.join(KINDS)})\.jpg"
PICTURES = re.compile(
    rf"{DRIVE}/(?:{re.escape(INDEX)}|{_PICTURE})|{EVENTS}/[0-9]{{3,}}/(?:{re.escape(ABOUT)}|{_PICTURE})"
)  # fmt: skip


def wrote(path: Path) -> bool:
    """Whether a replay writes such a file, by its path below --out: of one drive, or of several with a folder each."""
    below = [path.as_posix(), "/".join(path.parts[1:])]
    return any(each in FILES or PICTURES.fullmatch(each) for each in below)
