# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""HEIGHTxWIDTH: one form for every command."""

from __future__ import annotations

import pytest

from trustseg.errors import InputError
from trustseg_lab.cli.image_size import parse_size


def test_height_comes_first() -> None:
    assert parse_size("720x1280") == (720, 1280)
    assert parse_size("64X96", least=64) == (64, 96)


@pytest.mark.parametrize(
    "wrong", ["720", "720x", "axb", "720*1280", "31x64", "64x31", "-64x64", "64x64x3", "\u0666\u0664x64", ""]
)
def test_another_form_is_one_clear_line(wrong: str) -> None:
    with pytest.raises(InputError, match=r"^--camera-size is wrong, expected HEIGHTxWIDTH from 32x32 on"):
        parse_size(wrong, "--camera-size")


def test_what_renders_asks_for_more() -> None:
    with pytest.raises(InputError, match="from 64x64 on"):
        parse_size("32x64", least=64)
