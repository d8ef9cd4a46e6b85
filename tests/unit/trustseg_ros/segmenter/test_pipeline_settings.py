# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Each parameter that the library's pipeline knows reaches it."""

from __future__ import annotations

import pytest

pytest.importorskip("rclpy", reason="ROS 2 is not installed")

from trustseg.input_health import HealthConfig
from trustseg.pipeline import PipelineConfig
from trustseg.selective_risk import Promise
from trustseg_ros.common.parameters import SegmenterConfig
from trustseg_ros.segmenter.pipeline_settings import pipeline_settings


def test_the_defaults_are_the_librarys_but_for_the_cameras_rate() -> None:
    found = pipeline_settings(SegmenterConfig())
    assert found == PipelineConfig(temporal_gap_ns=100_000_000 - 1)  # three periods of 33 333 333 ns


def test_every_parameter_reaches_the_pipeline() -> None:
    config = SegmenterConfig(
        camera_rate_hz=10.0, camera_rate_min_hz=5.0, selective_risk=0.02, missed_errors=0.1, temporal_filter=0.5,
        input_geometry="crop", region_of_interest="1,2,30,40", undistort=True,
    )  # fmt: skip
    found = pipeline_settings(config)
    assert (found.promise, found.temporal_filter) == (Promise(0.02, 0.1), 0.5)
    assert found.temporal_gap_ns == 600_000_000
    assert found.geometry.describe() == "crop, region 1,2,30,40, undistorted"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("live", HealthConfig()), ("replay", HealthConfig()), ("sim", HealthConfig(frozen_after=0))],
)
def test_only_a_simulator_may_repeat_its_pixels(mode: str, expected: HealthConfig) -> None:
    assert pipeline_settings(SegmenterConfig(mode=mode)).health == expected
