# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Views of the annotated bag: a Foxglove layout and an RViz config, for the topics of `annotated.mcap`."""

from __future__ import annotations

from pathlib import Path

RESOURCES = Path(__file__).parent / "resources"
LAYOUTS = ("foxglove_layout.json", "view.rviz")


def write_layouts(folder: Path) -> None:
    """Both files into `folder`."""
    for name in LAYOUTS:
        (folder / name).write_bytes((RESOURCES / name).read_bytes())
