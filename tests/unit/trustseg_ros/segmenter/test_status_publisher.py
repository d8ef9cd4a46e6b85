# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Statuses field by field: numbers without a gap, counters that add up, and nothing that was not said of the frame."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trustseg_interfaces", reason="the messages are not built")

from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from trustseg_interfaces.msg import SegmentationStatus

from patience import WAIT_S
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.messages import EngineIdentity
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Mode, Outcome, Reason, Severity
from trustseg.stream import Received
from trustseg.types import FrameVerdict, HealthReport, PerceptionResult
from trustseg_ros.common.integrity import is_intact
from trustseg_ros.segmenter.status_publisher import Counts, StatusPublisher

BOUNDS = derive_bounds(SECOND // 30, 50 * MS, slowest_period_ns=SECOND // 10)
ENGINE = EngineIdentity("onnxruntime", "fp16", "aa" * 32, "bb" * 32)
# Every figure another one, and each exact in 32 bits.
FIGURES = {
    "failure_score": 0.125, "threshold": 0.5, "predicted_miou": 0.75, "miou_lower_bound": 0.625, "coverage": 0.875,
    "low_confidence_share": 0.0625, "mean_confidence": 0.9375, "corridor_mean_confidence": 0.8125,
    "corridor_low_confidence_share": 0.1875, "recovery_threshold": 0.25,
}  # fmt: skip


def result() -> PerceptionResult:
    verdict = FrameVerdict(reasons=Reason.NONE, **FIGURES)
    labels = np.zeros((2, 3), np.uint8)
    return PerceptionResult(labels, labels, np.zeros(1, np.float32), verdict, HealthReport(), 7.5, 9.0)


class Desk:
    """A publisher of statuses, what it sent, and its two clocks, which stand still unless the test moves them."""

    def __init__(self, **changes: Any) -> None:
        self.sent: list[SegmentationStatus] = []
        self.steady_ns = 5 * SECOND
        given: dict[str, Any] = {"instance_id": 7, "mode": Mode.REPLAY, "bounds": BOUNDS, "engine": ENGINE}
        self.book = StatusPublisher(
            publish=self.sent.append, now=lambda: Time(sec=42, nanosec=3), clock_ns=lambda: self.steady_ns,
            **{**given, **changes},
        )  # fmt: skip

    def frame(self, number: int = 1, age_ms: float = 2.5) -> Received:
        message = Image()
        message.header = Header(stamp=Time(sec=number, nanosec=9), frame_id="front")
        self.book.take_in()
        return Received(message, self.steady_ns, age_ms)

    @property
    def last(self) -> SegmentationStatus:
        return self.sent[-1]


def numbers(status: SegmentationStatus) -> tuple[int, ...]:
    return status.seq, status.received, status.processed, status.skipped, status.rejected


def test_a_processed_frame_carries_its_verdict_field_by_field() -> None:
    desk = Desk()
    frame = desk.frame()
    desk.steady_ns += 20 * MS
    desk.book.processed(frame, result(), Reason.NONE, Severity.GOOD, 0xABCD)
    status = desk.last
    assert {name: getattr(status, name) for name in FIGURES} == FIGURES
    assert (status.header.stamp, status.header.frame_id) == (Time(sec=1, nanosec=9), "front")
    assert (status.outcome, status.frame_ok, status.severity) == (Outcome.PROCESSED, True, Severity.GOOD)
    assert (status.reasons, status.first_reason) == (0, "")
    assert (status.image_age_ms, status.latency_ms, status.engine_ms) == (2.5, 20.0, 7.5)
    assert status.mask_crc32 == 0xABCD


def test_every_status_says_whose_it_is_and_when_it_left() -> None:
    desk = Desk()
    for say in (
        lambda: desk.book.processed(desk.frame(), result(), Reason.NONE, Severity.GOOD, 1),
        lambda: desk.book.skipped(desk.frame()),
        lambda: desk.book.rejected(desk.frame(), Reason.BAD_STEP),
        lambda: desk.book.about_node(Reason.NODE_INACTIVE, Severity.HARD),
    ):
        say()
        status = desk.last
        assert (status.version, status.instance_id, status.mode) == (2, 7, Mode.REPLAY)
        assert status.fault_injection is False
        assert (status.camera_period_ns, status.slowest_period_ns) == (SECOND // 30, SECOND // 10)
        assert status.latency_budget_ns == 50 * MS
        assert (status.publish_stamp, status.publish_steady_ns) == (Time(sec=42, nanosec=3), desk.steady_ns)
        assert status.host_id == host_id()
        assert (status.backend, status.precision) == ("onnxruntime", "fp16")
        assert (status.model_sha256, status.calibration_sha256) == ("aa" * 32, "bb" * 32)
        assert status.calibrated is True
        assert is_intact(status)
    assert {status.mode for status in desk.sent} == {Mode.REPLAY}


def test_fault_injection_shows_in_every_status() -> None:
    desk = Desk(fault_injection=True)
    desk.book.skipped(desk.frame())
    assert desk.last.fault_injection is True


def test_before_an_engine_is_loaded_nothing_is_calibrated() -> None:
    desk = Desk(engine=EngineIdentity())
    desk.book.about_node(Reason.NODE_INACTIVE, Severity.HARD)
    assert (desk.last.backend, desk.last.precision, desk.last.model_sha256) == ("", "", "")
    assert (desk.last.calibration_sha256, desk.last.calibrated) == ("", False)
    desk.book.engine = replace(ENGINE, calibration_sha256="")
    desk.book.about_node(Reason.NODE_INACTIVE, Severity.HARD)
    assert (desk.last.backend, desk.last.calibrated) == ("onnxruntime", False)


def test_a_publisher_of_its_own_clock_and_engine_goes_by_the_machine() -> None:
    book = StatusPublisher(publish=lambda status: None, now=Time, instance_id=7, mode=Mode.LIVE, bounds=BOUNDS)
    before = time.monotonic_ns()
    assert before <= book.clock_ns() <= time.monotonic_ns()
    assert book.engine == EngineIdentity("", "", "", "")
    assert book.fault_injection is False


def test_a_frame_with_a_reason_is_not_good_and_names_the_lowest_bit() -> None:
    desk = Desk()
    desk.book.processed(desk.frame(), result(), Reason.BLUR | Reason.LATENCY, Severity.SOFT, 1)
    status = desk.last
    assert (status.frame_ok, status.severity) == (False, Severity.SOFT)
    assert Reason(status.reasons) == Reason.BLUR | Reason.LATENCY
    assert status.first_reason == min((Reason.BLUR, Reason.LATENCY)).name


def test_an_overtaken_frame_is_neither_good_nor_bad() -> None:
    desk = Desk()
    frame = desk.frame(4, age_ms=1.5)
    desk.steady_ns += 3 * MS
    desk.book.skipped(frame)
    status = desk.last
    assert (status.outcome, status.frame_ok, status.severity) == (Outcome.SKIPPED, False, Severity.GOOD)
    assert (status.reasons, status.first_reason, status.mask_crc32, status.engine_ms) == (0, "", 0, 0.0)
    assert (status.header.stamp.sec, status.image_age_ms, status.latency_ms) == (4, 1.5, 3.0)
    assert status.failure_score == 1.0  # unless somebody has said otherwise


@pytest.mark.parametrize(
    ("reasons", "severity"),
    [
        (Reason.BAD_STEP, Severity.HARD),
        (Reason.BLUR, Severity.HARD),  # soft by itself; without a mask it is no less than hard
        (Reason.BAD_STEP | Reason.SELF_TEST, Severity.LATCH),
    ],
)
def test_a_frame_without_a_mask_is_hard_at_least(reasons: Reason, severity: Severity) -> None:
    desk = Desk()
    frame = desk.frame(5)
    desk.book.rejected(frame, reasons)
    status = desk.last
    assert (status.outcome, status.frame_ok, Severity(status.severity)) == (Outcome.REJECTED, False, severity)
    assert (Reason(status.reasons), status.first_reason) == (reasons, reasons.first())
    assert (status.header, status.mask_crc32, status.failure_score) == (frame.message.header, 0, 1.0)


@pytest.mark.parametrize("severity", [Severity.HARD, Severity.LATCH])
def test_what_is_said_of_the_node_has_no_header_and_moves_no_counter(severity: Severity) -> None:
    desk = Desk()
    desk.book.skipped(desk.frame())
    desk.book.about_node(Reason.SELF_TEST, severity)
    status = desk.last
    assert (status.outcome, status.frame_ok, Severity(status.severity)) == (Outcome.NO_FRAME, False, severity)
    assert Reason(status.reasons) == Reason.SELF_TEST
    assert (status.header, status.image_age_ms, status.latency_ms) == (Header(), 0.0, 0.0)
    assert numbers(status) == (2, 1, 0, 1, 0)


def test_numbers_have_no_gap_and_counters_always_add_up() -> None:
    desk = Desk()
    frames = [desk.frame(number) for number in range(6)]
    assert desk.book.counts == Counts(taken_in=6, processed=0, skipped=0, rejected=0)
    assert desk.book.counts.answered == 0
    desk.book.processed(frames[0], result(), Reason.NONE, Severity.GOOD, 1)
    desk.book.processed(frames[1], result(), Reason.DARK, Severity.HARD, 1)
    desk.book.skipped(frames[2])
    desk.book.about_node(Reason.NODE_INACTIVE, Severity.HARD)
    desk.book.rejected(frames[3], Reason.BAD_STEP)
    desk.book.processed(frames[4], result(), Reason.NONE, Severity.GOOD, 1)
    assert [numbers(status) for status in desk.sent] == [
        (1, 1, 1, 0, 0), (2, 2, 2, 0, 0), (3, 3, 2, 1, 0), (4, 3, 2, 1, 0), (5, 4, 2, 1, 1), (6, 5, 3, 1, 1),
    ]  # fmt: skip
    assert desk.book.counts == Counts(taken_in=6, processed=3, skipped=1, rejected=1)
    assert desk.book.counts.answered == 5
    assert Counts() == Counts(taken_in=0, processed=0, skipped=0, rejected=0)


def test_statuses_of_two_threads_leave_in_the_order_of_their_numbers() -> None:
    desk = Desk()
    inside, go_on, waiting = threading.Event(), threading.Event(), threading.Event()
    sent: list[int] = []

    def slow(status: SegmentationStatus) -> None:
        if status.seq == 1:
            inside.set()
            assert go_on.wait(WAIT_S)
        sent.append(status.seq)

    desk.book.publish = slow
    first, second = desk.frame(1), desk.frame(2)

    def overtake() -> None:
        waiting.set()
        desk.book.skipped(second)

    threads = [threading.Thread(target=desk.book.skipped, args=(first,)), threading.Thread(target=overtake)]
    threads[0].start()
    assert inside.wait(WAIT_S)
    threads[1].start()
    assert waiting.wait(WAIT_S)
    assert sent == []
    go_on.set()
    for thread in threads:
        thread.join(WAIT_S)
    assert sent == [1, 2]
