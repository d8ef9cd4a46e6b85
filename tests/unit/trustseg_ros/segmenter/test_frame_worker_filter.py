# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The temporal filter in the worker: what is published goes through it, what the flag hangs on does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from trustseg.errors import BackendError, FrameRejected
from trustseg.reasons import Outcome, Reason
from trustseg.types import PerceptionResult
from worker_rig import Rig, reasons, result_of


def past(result: PerceptionResult) -> PerceptionResult:
    """Mask and confidence of another frame; a verdict that nobody may publish."""
    worse = replace(result.verdict, failure_score=0.99, predicted_miou=0.01)
    return replace(result, labels=np.full_like(result.labels, 77), confidence=result.confidence - 50, verdict=worse)


def test_mask_confidence_and_pictures_are_filtered_and_status_and_objects_are_not(rig: Rig) -> None:
    rig.shown = past
    status = rig.send(1)
    rig.idle()
    assert [int(result.labels[0, 0]) for _, _, result, _ in rig.published] == [77]
    assert [int(result.confidence[0, 0]) for _, _, result, _ in rig.published] == [51]
    assert (status.failure_score, status.predicted_miou) == (np.float32(0.1), np.float32(0.8))
    assert rig.worker.last.failure_score == 0.1
    assert [int(each[2].labels[0, 0]) for each in rig.pictures] == [77]
    assert [int(each[2].labels[0, 0]) for each in rig.segments] == [1]
    assert [int(each[2].labels[0, 0]) for each in rig.unknown] == [1]


def test_the_filter_is_told_of_every_reason_that_is_known_before_publishing(rig: Rig) -> None:
    rig.send(1)
    rig.engine = lambda frame: result_of(frame.stamp_ns, Reason.BLUR)
    rig.info_reasons, rig.interleaved = Reason.CAMERA_INFO, True
    rig.care.reasons = Reason.BACKEND_FALLBACK
    expected = Reason.BLUR | Reason.CAMERA_INFO | Reason.MULTI_SOURCE | Reason.BACKEND_FALLBACK
    assert reasons(rig.send(2)) == expected
    assert rig.filtered == [(1, Reason.NONE), (2, expected)]
    assert rig.forgotten == []


@pytest.mark.parametrize("where", ["receipt", "decoder", "engine", "middleware"])
def test_an_image_without_a_mask_ends_the_past(rig: Rig, where: str) -> None:
    refusal = FrameRejected(Reason.STAMP_BACKWARD, "the stamp goes back")
    if where == "receipt":
        rig.refuse[1] = refusal
    elif where == "decoder":
        rig.undecodable[1] = refusal
    elif where == "middleware":
        rig.unpublishable[1] = RuntimeError("no room")
    else:

        def broken(frame: object) -> PerceptionResult:
            raise BackendError("broken")

        rig.engine = broken
    assert rig.send(1).outcome == Outcome.REJECTED
    assert rig.forgotten == [True]
