# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The compiled messages: an empty one means failure, and no two constants of a kind are equal."""

from trustseg_interfaces.msg import FailureState, SegmentationStatus, Segments


def test_an_empty_verdict_is_failure():
    message = FailureState()
    assert (message.version, message.failure, message.state) == (2, True, FailureState.UNKNOWN)
    assert message.fault_injection
    assert message.failure_score == 1.0


def test_an_empty_status_is_a_rejected_frame():
    message = SegmentationStatus()
    assert (message.version, message.frame_ok) == (2, False)
    assert message.outcome == SegmentationStatus.REJECTED
    assert message.severity == SegmentationStatus.HARD
    assert not message.calibrated


def test_an_empty_list_of_objects_predicts_nothing():
    message = Segments()
    assert (message.version, message.has_predicted_iou, len(message.segments)) == (1, False, 0)


def test_states_are_numbered_without_a_gap():
    states = ("UNKNOWN", "OK", "DEGRADED", "FAILED", "STALE", "LATCHED")
    assert [getattr(FailureState, name) for name in states] == list(range(6))
    severities = ("GOOD", "SOFT", "HARD", "LATCH")
    assert [getattr(SegmentationStatus, name) for name in severities] == list(range(4))
