# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The setting that says which part of the image the network sees: what it takes and what it refuses."""

from __future__ import annotations

import pytest

from trustseg.camera.input_geometry import InputGeometry, region_of
from trustseg.errors import InputError


def test_the_whole_image_is_plain_and_nothing_else_is() -> None:
    assert InputGeometry().is_plain
    assert InputGeometry() == InputGeometry("fit")
    assert InputGeometry("stretch").is_plain
    for other in (InputGeometry("crop"), InputGeometry(region=(0, 0, 16, 16)), InputGeometry(undistort=True)):
        assert not other.is_plain
    assert InputGeometry("letterbox", (1, 2, 30, 40), True).describe() == "letterbox, region 1,2,30,40, undistorted"


def test_a_region_is_four_numbers() -> None:
    assert region_of("") is None
    assert region_of(" 1, 2,16,17 ") == (1, 2, 16, 17)
    for text in ("1,2,16", "1,2,16,17,18", "a,2,16,17", "1.5,2,16,17"):
        with pytest.raises(InputError, match="region of interest, expected X,Y,WIDTH,HEIGHT in pixels, got"):
            region_of(text)
    for text in ("-1,0,16,16", "0,-1,16,16", "0,0,15,16", "0,0,16,15"):
        with pytest.raises(InputError, match="expected x and y from 0, at least 16 pixels wide and high, got"):
            region_of(text)


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(InputError, match=r"input geometry, expected one of fit, stretch, crop, letterbox, got 'pad'"):
        InputGeometry("pad")
