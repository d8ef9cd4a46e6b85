# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Texts that are said once: another cause is another text, another figure in it is none. Standard library only."""

from __future__ import annotations

import re

FIGURES = re.compile(r"-?\d[\d.e+-]*|\bnan\b|-?\binf\b")


def without_figures(text: str) -> str:
    """What two texts must have in common to be the same word: "for 1234 ms" grows with every frame."""
    return FIGURES.sub("", text)
