# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What makes a text another one."""

from __future__ import annotations

import pytest

from trustseg_ros.common.said_once import without_figures


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tf has not said for 1001 ms where 'camera' is", "tf has not said for 12345 ms where 'camera' is"),
        ("got -0.3 m", "got -1.25e-3 m"),
        ("got nan, 160x120", "got inf, 320x240"),
    ],
)
def test_another_figure_is_no_other_text(one: str, other: str) -> None:
    assert without_figures(one) == without_figures(other)


def test_another_word_is() -> None:
    assert without_figures("no mask for 5 ms") != without_figures("no cloud for 5 ms")
    assert without_figures("information") == "information"
