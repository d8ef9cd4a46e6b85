# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A hundred sets of parameters at random, at start and live; the long form is `trustseg faults fuzz parameters`."""

from __future__ import annotations

import dataclasses

from trustseg_lab.faults.rig import fuzz_parameters as fuzz
from trustseg_ros.common.parameters import MonitorConfig, SegmenterConfig


def test_every_set_is_taken_as_it_is_or_refused() -> None:
    result = fuzz.fuzz_parameters(100, seed=5)
    assert result.sets == 100
    assert result.wrong == []
    assert result.crashes == []
    assert min(result.accepted, result.refused, result.at_start, result.live) >= 20


def test_a_value_that_must_not_have_been_taken_is_noticed() -> None:
    for wrong in ({"threads": 0}, {"overlay_opacity": float("nan")}, {"output_size": "tiny"}, {"autostart": 1}):
        result = fuzz.ParameterFuzz()
        fuzz._check(dataclasses.replace(SegmenterConfig(), **wrong), {}, result)
        assert len(result.wrong) == 1
    result = fuzz.ParameterFuzz()
    fuzz._check(SegmenterConfig(), {"threads": 3}, result)
    assert result.wrong == ["threads is 2, asked for 3"]
    result = fuzz.ParameterFuzz()
    fuzz._check(MonitorConfig(soft_count=4), {}, result)
    assert result.wrong == ["soft_count 4 is above soft_window 3"]
