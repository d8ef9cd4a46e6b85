# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A tiny bundle with what `trustseg calibrate --published` would have fitted: known numbers instead."""

from __future__ import annotations

from pathlib import Path

from bundle_factory import make_tiny_bundle
from trustseg.bundle.calibration_file import SegmentModel, SelectiveRisk
from trustseg.bundle.loading import load_bundle
from trustseg.bundle.writer import FittedFiles, update_bundle

THRESHOLD, STRICTER = 230, 250
# Of every pedestrian 1 / (1 + e^-1), of every car a half.
MODEL = SegmentModel(
    classes=["car", "pedestrian"], features=["class/pedestrian"], mean=[0.0], std=[1.0], weight=[1.0], bias=0.0
)
# The risk is 10 %, and 1 % from confidence 230 on; there a fifth of the wrong pixels is kept, from 250 on a twentieth.
BOUNDS = SelectiveRisk(
    bound=[0.1] * THRESHOLD + [0.01] * (256 - THRESHOLD),
    coverage=[1.0] * THRESHOLD + [0.7] * (256 - THRESHOLD),
    missed=[1.0] * THRESHOLD + [0.2] * (STRICTER - THRESHOLD) + [0.05] * (256 - STRICTER),
    level=0.95,
    images=100,
    blocks=4,
)


def make_published_bundle(folder: Path, height: int = 72, width: int = 96) -> Path:
    """Write it into `folder`, and return that."""
    bundle = load_bundle(make_tiny_bundle(folder, height=height, width=width))
    calibration = bundle.calibration().model_copy(update={"segments": MODEL, "selective_risk": BOUNDS})
    update_bundle(bundle, "fp32", FittedFiles(calibration=calibration, verdict=None, quality={}))
    return folder
