# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A calibration table of 256 probabilities that never fall. What a loaded file refuses is in `test_loading.py`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from trustseg.bundle.calibration_file import CalibrationFile


def calibration(table: list[float]) -> CalibrationFile:
    return CalibrationFile(schema_version=1, bundle="b", precision="fp32", model_sha256="0" * 64, table=table)


def test_a_table_may_stand_still_but_not_fall() -> None:
    made = calibration([0.25] * 128 + [0.75] * 128)
    assert made.scene_shift is None
    assert made.low_confidence.corridor_share == 1.0
    with pytest.raises(ValidationError, match=r"table must not fall, but table\[128\] < table\[127\]"):
        calibration([0.75] * 128 + [0.25] * 128)
