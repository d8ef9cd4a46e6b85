# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""From a received message to its evidence: what a node, a replay and a soak say of one frame."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import BackendError, EngineLostError, FrameRejected
from trustseg.reasons import Mode, Outcome, Reason, Severity
from trustseg.stream import FrameEvidence, Stream
from trustseg.types import Frame, FrameVerdict, HealthReport, PerceptionResult

BOUNDS = derive_bounds(33 * MS, 50 * MS)
NOW = 100 * SECOND
GOOD = FrameVerdict(Reason.NONE, 0.1, 0.5, 0.8, 0.7, 0.9, 0.05, 0.95, 0.9, 0.05)


def message(at_ns: int = NOW, frame_id: str = "front", **changes: Any) -> Any:
    """A raw image of 48 x 32 pixels whose header says `at_ns`."""
    stamp = SimpleNamespace(sec=at_ns // SECOND, nanosec=at_ns % SECOND)
    fields: dict[str, Any] = {"height": 32, "width": 48, "step": 144, "encoding": "rgb8", "data": bytes(4608)} | changes
    return SimpleNamespace(header=SimpleNamespace(stamp=stamp, frame_id=frame_id), **fields)


def jpeg(at_ns: int = NOW) -> Any:
    """The same size as a JPEG."""
    data = cv2.imencode(".jpg", np.zeros((32, 48, 3), np.uint8))[1].tobytes()
    return SimpleNamespace(header=message(at_ns).header, format="jpeg", data=data)


def stream(compressed: bool | None = False) -> Stream:
    """A live stream that counts durations in ticks of one second."""
    ticks = iter(range(1000))
    return Stream.of(BOUNDS, Mode.LIVE, max_pixels=10_000, compressed=compressed, steady=lambda: float(next(ticks)))


def good(frame: Frame) -> PerceptionResult:
    """An engine that likes everything."""
    labels = np.zeros(frame.image.shape[:2], np.uint8)
    return PerceptionResult(labels, labels, np.zeros(1, np.float32), GOOD, HealthReport(), 1.0, 1.0)


def evidence(of: Stream, given: Any, now_ns: int = NOW, waited_ns: int = 0, segment: Any = good) -> FrameEvidence:
    """What comes of one message."""
    received = of.receive(given, now_ns, lambda: (now_ns, now_ns))
    return received.refusal or of.process(received, segment, waited_ns)


def test_a_good_frame_is_good_evidence_with_its_durations() -> None:
    found = evidence(stream(), message())
    assert (found.outcome, found.reasons, found.severity, found.why) == (
        Outcome.PROCESSED,
        Reason.NONE,
        Severity.GOOD,
        "",
    )
    assert found.frame is not None
    assert found.frame.image.shape == (32, 48, 3)
    assert (found.decode_ms, found.process_ms) == (1000.0, 1000.0)


def test_age_is_that_at_receipt() -> None:
    received = stream().receive(message(NOW - 20 * MS), 7, lambda: (NOW, NOW))
    assert (received.age_ms, received.at_ns, received.refusal) == (20.0, 7, None)


def test_what_fails_the_checks_is_refused_at_receipt_and_hard() -> None:
    found = evidence(stream(), message(data=bytes(4607)))
    assert (found.outcome, found.reasons, found.severity) == (Outcome.REJECTED, Reason.BAD_SIZE, Severity.HARD)
    assert "4608" in found.why
    assert found.result is None


def test_what_no_rule_foresaw_is_internal_and_not_an_exception() -> None:
    found = evidence(stream(), SimpleNamespace())
    assert (found.reasons, found.severity) == (Reason.INTERNAL, Severity.HARD)
    assert found.why.startswith("AttributeError")
    assert isinstance(found.error, AttributeError)


@pytest.mark.parametrize(
    ("error", "reason", "kept"),
    [
        (BackendError("no answer"), Reason.BACKEND, True),
        (EngineLostError("gone"), Reason.BACKEND, True),
        (ValueError("odd"), Reason.INTERNAL, True),
        (FrameRejected(int(Reason.BAD_IMAGE), "broken"), Reason.BAD_IMAGE, False),
    ],
)
def test_what_the_engine_raises_is_evidence(error: Exception, reason: Reason, kept: bool) -> None:
    def failing(frame: Frame) -> PerceptionResult:
        raise error

    found = evidence(stream(), message(), segment=failing)
    assert (found.outcome, found.reasons, found.severity) == (Outcome.REJECTED, reason, Severity.HARD)
    assert (found.error is error) is kept


def test_backlog_counts_the_age_and_the_wait_to_the_nanosecond() -> None:
    age_ns = 10 * MS
    for more, reasons in ((0, Reason.NONE), (1, Reason.BACKLOG)):
        found = evidence(stream(), message(NOW - age_ns), waited_ns=BOUNDS.backlog_ns - age_ns + more)
        assert found.reasons == reasons


def test_backlog_is_nothing_where_age_means_nothing() -> None:
    replayed = Stream.of(BOUNDS, Mode.REPLAY, max_pixels=10_000, compressed=False)
    received = replayed.receive(message(), NOW, lambda: (NOW, NOW))
    assert math.isnan(received.age_ms)
    assert replayed.process(received, good, 10**12).reasons == Reason.NONE


def test_another_frame_id_is_another_camera() -> None:
    one = stream()
    assert evidence(one, message()).reasons == Reason.NONE
    found = evidence(one, message(NOW + MS, "rear"), NOW + MS)
    assert (found.reasons, found.severity) == (Reason.MULTI_SOURCE, Severity.SOFT)


def test_lateness_is_soft_then_hard() -> None:
    one = stream()
    found = evidence(one, message())
    assert one.timed(found, BOUNDS.latency_soft_ns) is found
    late = one.timed(found, BOUNDS.latency_soft_ns + 1)
    assert (late.reasons, late.severity) == (Reason.LATENCY, Severity.SOFT)
    assert one.timed(found, BOUNDS.latency_hard_ns).severity == Severity.SOFT
    assert one.timed(found, BOUNDS.latency_hard_ns + 1).severity == Severity.HARD


def test_more_reasons_never_lower_what_is_known() -> None:
    found = FrameEvidence.rejected(Reason.BAD_SIZE, "short").with_reasons(Reason.BLUR)
    assert (found.reasons, found.severity) == (Reason.BAD_SIZE | Reason.BLUR, Severity.HARD)
    unexplained = FrameEvidence(Outcome.REJECTED, Reason.NONE, Severity.HARD)
    assert unexplained.with_reasons(Reason.BLUR).severity == Severity.HARD
    good_so_far = FrameEvidence(Outcome.PROCESSED, Reason.NONE, Severity.GOOD)
    assert good_so_far.with_reasons(Reason.BAD_SIZE).severity == Severity.HARD


def test_a_size_that_changes_is_refused_unless_that_is_allowed() -> None:
    small = {"height": 16, "width": 24, "step": 72, "data": bytes(1152)}
    one = stream()
    assert evidence(one, message()).reasons == Reason.NONE
    assert evidence(one, message(NOW + MS, **small), NOW + MS).reasons == Reason.RES_CHANGED


def test_a_stream_of_compressed_images_takes_them_unasked() -> None:
    assert evidence(stream(compressed=True), jpeg()).outcome is Outcome.PROCESSED


def test_raw_and_compressed_images_of_one_stream_are_held_against_each_other() -> None:
    both = stream(compressed=None)
    first = both.receive(message(), NOW, lambda: (NOW, NOW), compressed=False)
    assert first.refusal is None
    assert both.process(first, good).reasons == Reason.NONE
    again = both.receive(jpeg(NOW), NOW + MS, lambda: (NOW + MS, NOW + MS), compressed=True)
    assert again.refusal is not None  # the same stamp twice
    newer = both.receive(jpeg(NOW + MS), NOW + MS, lambda: (NOW + MS, NOW + MS), compressed=True)
    assert both.process(newer, good).outcome is Outcome.PROCESSED
