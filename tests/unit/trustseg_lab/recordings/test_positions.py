# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Positions in a bag: by which topic, at which time, and where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bag_factory import FIRST_NS, PERIOD_NS, TOPIC, shots, write_bag
from position_messages import fix, odometry, tf, writing
from trustseg.errors import InputError
from trustseg_lab.recordings.positions import EARTH, NEAR_NS, Positions, read_positions

HALF = float(np.sqrt(0.5))


def bag(path: Path, *extra: Callable[[Any], None]) -> Path:
    return write_bag(path, shots(2), extra=lambda writer: [each(writer) for each in extra] and None)


def test_a_fix_goes_before_odometry(tmp_path: Path) -> None:
    fixes = [fix(FIRST_NS + k * PERIOD_NS, 48.0 + k, 11.0) for k in range(3)]
    lost, unknown = fix(FIRST_NS + 3 * PERIOD_NS, 0.0, 0.0, status=-1), fix(FIRST_NS + 4 * PERIOD_NS, np.nan, 11.0)
    path = bag(
        tmp_path / "bag", writing("/odom", [odometry(FIRST_NS, 1.0, 2.0)] * 9), writing("/gps", [*fixes, lost, unknown])
    )
    found = read_positions(path)
    assert (found.frame, found.topic) == (EARTH, "/gps")
    assert found.stamps.tolist() == [FIRST_NS + k * PERIOD_NS for k in range(3)]
    assert found.values.tolist() == [[48.0, 11.0], [49.0, 11.0], [50.0, 11.0]]


def test_odometry_is_in_its_own_frame(tmp_path: Path) -> None:
    found = read_positions(bag(tmp_path / "bag", writing("/odometry", [odometry(FIRST_NS, 3.0, -4.0, frame="map")])))
    assert (found.frame, found.values.tolist()) == ("map", [[3.0, -4.0]])


def test_tf_is_chained_from_the_vehicle_to_its_root(tmp_path: Path) -> None:
    # A map whose odometry begins at (10, 20), turned left by a quarter: 5 ahead in odom is (10, 25) in the map.
    path = bag(
        tmp_path / "bag",
        writing("/tf", [tf(FIRST_NS, "odom", "base_link", 5.0, 0.0)]),
        writing("/tf_static", [tf(FIRST_NS, "map", "odom", 10.0, 20.0, (0.0, 0.0, HALF, HALF))], late_ns=-1),
    )
    found = read_positions(path)
    assert found.frame == "map"
    np.testing.assert_allclose(found.values[-1], [10.0, 25.0], atol=1e-9)


def test_where_there_is_none_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no NavSatFix, Odometry or tf of base_link"):
        read_positions(bag(tmp_path / "bag", writing("/tf", [tf(FIRST_NS, "base", "camera", 1.0, 0.0)])))
    with pytest.raises(InputError, match="is no bag: no NavSatFix"):
        read_positions(tmp_path)


def test_images_stamped_by_the_times_of_recording_have_positions_of_them(tmp_path: Path) -> None:
    path = bag(tmp_path / "bag", writing("/gps", [fix(FIRST_NS, 48.0, 11.0)], late_ns=7))
    assert read_positions(path).stamps.tolist() == [FIRST_NS]
    assert read_positions(path, recorded_stamps=True).stamps.tolist() == [FIRST_NS + 7]


def test_the_nearest_in_time_within_a_second() -> None:
    known = Positions(EARTH, TOPIC, np.array([0, 1000]), np.array([[1.0, 1.0], [2.0, 2.0]]))
    found = known.at(np.array([0, 499, 501, 1000 + NEAR_NS, 1001 + NEAR_NS]))
    assert found[:, 0].tolist()[:4] == [1.0, 1.0, 2.0, 2.0]
    assert np.isnan(found[4]).all()
