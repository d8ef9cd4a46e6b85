# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The OOD score under the name that it had before: in verdict models, in result tables and in Python."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from trustseg.bundle.loading import load_bundle
from trustseg.bundle.verdict_file import OOD_SCORE_INPUT, VerdictFile
from trustseg.files.old_names import OLD_NAMES, with_new_names, with_old_names
from trustseg.reasons import Reason
from trustseg.types import FrameVerdict
from trustseg_lab.replay.results.frame_table import frame_schema

LAYER = {"weight": [[1.0], [1.0]], "bias": [0.0, 0.0], "activation": "identity"}
MODEL = {"features": ["e"], "mean": [0.0], "basis": [[1.0]], "variance": [1.0], "residual_variance": 1.0, "limit": 2.0}


def document(**changes: Any) -> str:
    content = {
        "schema_version": 1, "model_sha256": "0" * 64, "features": ["log_strangeness"], "mean": [0.0], "std": [1.0],
        "layers": [LAYER], "failure_threshold": 0.5, "recovery_threshold": 0.3, "quality_lower_offset": 0.1,
        "quality_lower_coverage": 0.9, "strangeness": MODEL,
    }  # fmt: skip
    return json.dumps({**content, **changes})


def test_a_verdict_model_of_before_is_read_and_written_under_the_new_names() -> None:
    read = VerdictFile.model_validate_json(document())
    assert read.features == [OOD_SCORE_INPUT] == ["log_ood_score"]
    assert read.ood_score is not None
    assert read.ood_score.limit == 2.0
    again = read.model_dump(mode="json")
    assert again["ood_score"] == MODEL
    assert not set(OLD_NAMES.values()) & set(again)
    assert VerdictFile.model_validate_json(json.dumps(again)) == read


def test_the_released_bundle_still_has_the_old_name_and_is_read() -> None:
    assert b'"strangeness"' in load_bundle("segnet_lite_closed").verdict_bytes()
    assert load_bundle("segnet_lite_closed").verdict().ood_score is not None


def test_both_names_at_once_are_refused() -> None:
    with pytest.raises(ValidationError, match="ood_score is given twice, as ood_score and under its old name"):
        VerdictFile.model_validate_json(document(ood_score=MODEL))
    with pytest.raises(ValueError, match="twice"):
        with_new_names({"strangeness": 1, "ood_score": 1})


def test_what_is_no_verdict_model_is_refused_as_before() -> None:
    for text in ("[]", "1", document(features=1), document(features=[1])):
        with pytest.raises(ValidationError):
            VerdictFile.model_validate_json(text)


def test_results_keep_the_old_name_beside_the_new_one() -> None:
    assert with_old_names({"a": 1, "ood_score": 2}) == {"a": 1, "ood_score": 2, "strangeness": 2}
    assert {"ood_score", "strangeness"} <= set(frame_schema([]).names)
    verdict = FrameVerdict(Reason.NONE, 0.1, 0.5, 0.8, 0.7, 0.9, 0.05, 0.95, 0.9, 0.05, ood_score=1.5)
    assert verdict.strangeness == 1.5
