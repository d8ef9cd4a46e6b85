# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A calibration table of 256 probabilities that never fall. What a loaded file refuses is in `test_loading.py`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from trustseg.bundle.calibration_file import CalibrationFile, SegmentModel


def calibration(table: list[float]) -> CalibrationFile:
    return CalibrationFile(schema_version=1, bundle="b", precision="fp32", model_sha256="0" * 64, table=table)


def test_a_table_may_stand_still_but_not_fall() -> None:
    made = calibration([0.25] * 128 + [0.75] * 128)
    assert made.scene_shift is None
    assert made.low_confidence.corridor_share == 1.0
    with pytest.raises(ValidationError, match=r"table must not fall, but table\[128\] < table\[127\]"):
        calibration([0.75] * 128 + [0.25] * 128)


MODEL = {
    "classes": ["car"],
    "features": ["confidence", "at_border"],
    "mean": [0.5, 0],
    "std": [0.25, 1],
    "weight": [2, 1],
}


def test_a_model_of_segments_has_a_value_for_every_figure() -> None:
    assert SegmentModel.model_validate(MODEL | {"bias": 0.5}).clip == 8.0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"weight": [2.0]}, "mean, std and weight must have 2 values"),
        ({"mean": [0.5, 0.5, 0.5]}, "mean, std and weight must have 2 values"),
        ({"std": [0.25, 0.0]}, "greater than 0"),
        ({"features": ["confidence", "confidence"]}, "features must differ"),
        ({"classes": ["car", "car"]}, "classes must differ"),
        ({"classes": []}, "at least 1 item"),
        ({"bias": float("nan")}, "must be finite"),
    ],
)
def test_a_model_of_segments_that_does_not_fit_itself_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        SegmentModel.model_validate(MODEL | {"bias": 0.5} | changes)
