# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""HEIGHTxWIDTH, as every option says the size of an image."""

from __future__ import annotations

import re

from trustseg.errors import InputError

LEAST_SIDE = 32  # pixels: below it neither a network nor a scene shows anything


def parse_size(text: str, option: str = "--size", least: int = LEAST_SIDE) -> tuple[int, int]:
    """(height, width) in pixels from HEIGHTxWIDTH.

    Args:
        text: as the user typed it. option: its name, for the error. least: shortest side, pixels.

    Raises:
        InputError: another form, or a side below `least` or above 99999 pixels.
    """
    found = re.fullmatch(r"([0-9]{1,5})[xX]([0-9]{1,5})", text)
    if not found or min(int(found[1]), int(found[2])) < least:
        expected = f"HEIGHTxWIDTH from {least}x{least} on, such as 720x1280"
        raise InputError(f"{option} is wrong", expected=expected, got=repr(text))
    return int(found[1]), int(found[2])
