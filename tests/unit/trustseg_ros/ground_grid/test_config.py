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
    given = GroundGridConfig(camera_height_m=1.4, camera_pitch_deg=3.0).mount
    assert given is not None
    assert (given.height_m, given.pitch_deg) == (1.4, 3.0)


@pytest.mark.parametrize("name", ["height_m", "x_m", "y_m", "roll_deg", "pitch_deg", "yaw_deg"])
def test_tf_or_the_parameters_say_where_the_camera_is_and_never_both(name: str) -> None:
    assert GroundGridConfig(mount_from_tf=True).mount is None
    with pytest.raises(ParameterError, match="mount_from_tf"):
        _ = GroundGridConfig(mount_from_tf=True, **{f"camera_{name}": 1.0}).mount


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
