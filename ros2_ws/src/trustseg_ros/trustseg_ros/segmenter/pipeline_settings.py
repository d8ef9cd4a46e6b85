# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the node's parameters mean for the library's pipeline."""

from __future__ import annotations

from trustseg.input_health import HealthConfig
from trustseg.pipeline import PipelineConfig
from trustseg.reasons import Mode
from trustseg.selective_risk import Promise
from trustseg.temporal_filter import GAP_PERIODS
from trustseg_ros.common.parameters import MODES, SegmenterConfig


def pipeline_settings(config: SegmenterConfig) -> PipelineConfig:
    """Settings of the pipeline of a node with these parameters."""
    # A simulator that stands still repeats its pixels; a camera does not, nor does its recording.
    still = MODES[config.mode] is Mode.SIM
    return PipelineConfig(
        HealthConfig(frozen_after=0) if still else HealthConfig(),
        promise=Promise(config.selective_risk, config.missed_errors),
        geometry=config.geometry,
        temporal_filter=config.temporal_filter,
        temporal_gap_ns=GAP_PERIODS * config.bounds.slowest_period_ns,
    )
