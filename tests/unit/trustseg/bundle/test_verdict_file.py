# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bounds that a verdict model gives by itself. What a loaded file refuses is in `test_loading.py`."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from trustseg.bundle.verdict_file import Layer, VerdictFile


def verdict(failure_bias: float, high: float = 0.5) -> VerdictFile:
    """One feature within +-2, weight 1 on the failure logit: it lies within 2 of `failure_bias`."""
    layer = Layer(weight=[[1.0], [1.0]], bias=[0.0, failure_bias], activation="identity")
    return VerdictFile(
        schema_version=1, model_sha256="0" * 64, features=["a"], mean=[0.0], std=[1.0], clip=2.0, layers=[layer],
        failure_threshold=high, recovery_threshold=high, quality_lower_offset=0.1, quality_lower_coverage=0.9,
    )  # fmt: skip


def test_a_threshold_that_no_frame_can_cross_is_refused() -> None:
    """P(failure) within 1 / (1 + e^2) = 0.119 and 0.881 at bias 0; at bias -3 at most 1 / (1 + e) = 0.269."""
    assert verdict(0.0).failure_threshold == 0.5
    with pytest.raises(ValidationError, match=r"0.00669..0.269 whatever the features are"):
        verdict(-3.0)
    with pytest.raises(ValidationError, match=r"0.119..0.881 whatever the features are"):
        verdict(0.0, high=0.1)


def test_a_bound_that_follows_the_ood_score_needs_one() -> None:
    content = verdict(0.0).model_dump() | {"quality_lower_slope": 0.1}
    with pytest.raises(ValidationError, match="quality_lower_slope is above 0, but there is no model of the OOD score"):
        VerdictFile.model_validate(content)
