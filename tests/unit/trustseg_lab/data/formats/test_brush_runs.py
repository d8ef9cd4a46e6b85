# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Label Studio's run lengths: bytes that its own converter gave for the same masks, and all that can be wrong."""

from __future__ import annotations

import numpy as np
import pytest

from trustseg_lab.data.formats.brush_runs import pack, unpack

# Two pixels in the middle row of 3 x 4, by mask2rle of label-studio-sdk 1.0.8.
MIDDLE = [0, 0, 0, 48, 57, 27, 254, 19, 0, 159, 255, 9, 128, 0]
NOTHING = [0, 0, 0, 4, 57, 27, 252, 96, 0]  # one pixel that is not set


def mask() -> np.ndarray:
    found = np.zeros((3, 4), bool)
    found[1, 1:3] = True
    return found


def test_a_mask_is_packed_as_label_studio_packs_it() -> None:
    assert pack(mask()) == MIDDLE
    assert pack(np.zeros((1, 1), bool)) == NOTHING
    assert np.array_equal(unpack(MIDDLE, 3, 4), mask())


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_any_mask_comes_back(share: float) -> None:
    """300 x 301 pixels are 361200 bytes, more than the longest run."""
    found = np.random.default_rng(1).random((300, 301)) < share
    assert np.array_equal(unpack(pack(found), 300, 301), found)


def literal(*values: int, count: int | None = None) -> list[int]:
    """Bytes one by one, none repeated: 1 x (number / 4) pixels."""
    bits = f"{count or len(values):032b}" + "00111" + "0010001101111111" + "011" + f"{len(values) - 1:016b}"
    bits += "".join(f"{each:08b}" for each in values)
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def test_half_of_the_light_held_back_is_painted_whatever_its_colour() -> None:
    assert unpack(literal(255, 255, 255, 127, 0, 0, 0, 128), 1, 2).tolist() == [[False, True]]


@pytest.mark.parametrize(
    ("packed", "told"),
    [
        ([], "no list of bytes"),
        ([1, 2, 3], "no list of bytes"),
        ([*MIDDLE[:-1], 256], "no list of bytes"),
        ([*MIDDLE[:-1], -1], "no list of bytes"),
        ([[1], [2]], "no list of bytes"),
        ([0.5] * 20, "no list of bytes"),
        (MIDDLE[:-3], "end too early"),
        (MIDDLE[:7], "end too early"),
        (NOTHING, "run lengths of 4 bytes where an image has 48"),
        ([255] * 4 + MIDDLE[4:], "run lengths of 4294967295 bytes"),
        ([*MIDDLE[:4], 56 - 8, *MIDDLE[5:]], "other words than bytes"),
        (literal(*[0] * 49, count=48), "beyond the image"),
    ],
)  # fmt: skip
def test_broken_run_lengths_are_an_error(packed: list[int], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        unpack(packed, 3, 4)
