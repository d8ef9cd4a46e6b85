# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Encoders by name, and the shape of the one that is given: EfficientNet-Lite0's (Tan and Le, ICML 2019)."""

from __future__ import annotations

from typing import Final

PLAIN: Final = "plain"
LITE0: Final = "lite0"
# Of each resolution after the first: units as (outputs, kernel, stride, expansion). The first resolution has the stem.
LITE0_STAGES = (
    ((16, 3, 1, 1), (24, 3, 2, 6), (24, 3, 1, 6)),
    ((40, 5, 2, 6), (40, 5, 1, 6)),
    ((80, 3, 2, 6), (80, 3, 1, 6), (80, 3, 1, 6), (112, 5, 1, 6), (112, 5, 1, 6), (112, 5, 1, 6)),
    ((192, 5, 2, 6), (192, 5, 1, 6), (192, 5, 1, 6), (192, 5, 1, 6)),
)
LITE0_STEM = 32
LITE0_WIDTHS = (LITE0_STEM, *(stage[-1][0] for stage in LITE0_STAGES))
LITE0_UNITS = (1, *(len(stage) for stage in LITE0_STAGES))
