# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the geometry cannot do without, and names that a bundle does not have, are refused in one line."""

from __future__ import annotations

import pytest

from trustseg.errors import InputError
from trustseg_ros.common.parameters import ParameterError
from trustseg_ros.ground_grid.config import GroundGridConfig

NAMES = {"sky": 0, "road": 3, "pavement": 4}


def test_the_height_must_be_given() -> None:
    with pytest.raises(ParameterError, match="camera_height_m"):
        _ = GroundGridConfig().mount
    assert GroundGridConfig(camera_height_m=1.4, camera_pitch_deg=3.0).mount.pitch_deg == 3.0


def test_a_grid_that_ends_before_it_begins_or_is_too_fine_is_refused() -> None:
    with pytest.raises(ParameterError, match="to_m"):
        _ = GroundGridConfig(from_m=5.0, to_m=5.0).shape
    with pytest.raises(ParameterError, match="larger cells"):
        _ = GroundGridConfig(cell_m=0.01, to_m=100.0, width_m=100.0).shape
    assert GroundGridConfig().shape.size == (100, 200)


def test_classes_by_name() -> None:
    assert GroundGridConfig(free_classes="road, pavement").free_ids(NAMES) == [3, 4]
    for wrong in ("rode", "road,lawn", " , "):
        with pytest.raises(InputError, match="free_classes"):
            GroundGridConfig(free_classes=wrong).free_ids(NAMES)
