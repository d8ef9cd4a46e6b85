# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Percentiles by nearest rank over a window, by hand."""

from __future__ import annotations

import math

from trustseg_ros.operations.stage_times import StageTimes


def test_percentiles_are_values_that_were_measured() -> None:
    times = StageTimes(100.0)
    for number in range(1, 101):
        times.add(float(number) / 100, engine_ms=float(number))
    assert times.percentiles(1.0) == {"engine_ms": {"count": 100.0, "p50": 50.0, "p95": 95.0, "p99": 99.0}}


def test_few_values() -> None:
    times = StageTimes(10.0)
    assert times.percentiles(0.0) == {}
    times.add(0.0, latency_ms=7.0)
    assert times.percentiles(0.0)["latency_ms"] == {"count": 1.0, "p50": 7.0, "p95": 7.0, "p99": 7.0}
    times.add(0.0, latency_ms=9.0)
    assert times.percentiles(0.0)["latency_ms"] == {"count": 2.0, "p50": 7.0, "p95": 9.0, "p99": 9.0}


def test_what_is_older_than_the_window_and_what_is_no_number_does_not_count() -> None:
    times = StageTimes(2.0)
    times.add(0.0, latency_ms=100.0, image_age_ms=math.nan)
    times.add(1.0, latency_ms=3.0, image_age_ms=math.inf)
    assert times.percentiles(2.0)["latency_ms"]["count"] == 2.0
    assert times.percentiles(2.5) == {"latency_ms": {"count": 1.0, "p50": 3.0, "p95": 3.0, "p99": 3.0}}
    assert times.percentiles(9.0) == {}
