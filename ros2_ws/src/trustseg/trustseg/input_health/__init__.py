# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Input health: is what the camera shows worth segmenting? Pure functions and small explicit state, no ROS."""

from trustseg.input_health.check import InputHealth
from trustseg.input_health.colour import ColourCheck
from trustseg.input_health.config import HealthConfig
from trustseg.input_health.corrupt import CorruptCheck
from trustseg.input_health.frame_metrics import block_means, blur_ratio
from trustseg.input_health.obscured import ObscuredCheck
from trustseg.input_health.still import FrozenCheck, StillCheck

__all__ = [
    "ColourCheck",
    "CorruptCheck",
    "FrozenCheck",
    "HealthConfig",
    "InputHealth",
    "ObscuredCheck",
    "StillCheck",
    "block_means",
    "blur_ratio",
]
