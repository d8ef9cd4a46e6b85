# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results as messages: filled in place, headers unchanged, checksums over every field, geometry that fits."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header
from trustseg_interfaces.msg import FailureState, SegmentationStatus, Segments

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import Snapshot
from trustseg.failsafe.publication import host_id
from trustseg.imaging.resize import nearest
from trustseg.reasons import Mode, Outcome, Reason, Severity, State
from trustseg.segments import Segment, connected_parts
from trustseg.stream import Received
from trustseg_ros.common.integrity import is_intact, seal
from trustseg_ros.monitor.core import evidence_of, failure_state
from trustseg_ros.segmenter.messages import ImageMessage, scaled_camera_info, segments_message
from trustseg_ros.segmenter.status_publisher import StatusPublisher

BOUNDS = derive_bounds(SECOND // 20, 40 * MS, SECOND // 10)


def header(frame_id: str = "front", sec: int = 7) -> Header:
    made = Header(frame_id=frame_id)
    made.stamp.sec = sec
    return made


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3), (1, 1), (5, 3)])
def test_an_image_message_carries_what_it_was_filled_with_each_time(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    message = ImageMessage("mono8" if len(shape) == 2 else "rgb8")
    for sec in (1, 2, 3):
        pixels = rng.integers(0, 256, shape, np.uint8)
        filled = message.fill(header(sec=sec), pixels)
        back = deserialize_message(serialize_message(filled), type(filled))
        assert np.array_equal(np.frombuffer(back.data, np.uint8).reshape(shape), pixels)
        assert (back.height, back.width, back.step) == (shape[0], shape[1], pixels.size // shape[0])
        assert back.header == header(sec=sec)
        assert message.crc32 == zlib.crc32(pixels.tobytes())


def test_an_image_message_takes_another_size_and_strided_pixels() -> None:
    message = ImageMessage("mono8")
    message.fill(header(), np.zeros((4, 6), np.uint8))
    pixels = np.arange(96, dtype=np.uint8).reshape(8, 12)[::2, ::3]
    filled = message.fill(header(), pixels)
    assert list(filled.data) == pixels.ravel().tolist()
    assert (filled.height, filled.width, filled.step) == (4, 4, 4)


def test_camera_info_scales_with_the_pixels() -> None:
    info = CameraInfo(height=720, width=1280, distortion_model="plumb_bob", d=[0.1, 0.2])
    info.k = np.array([1000.0, 0, 640, 0, 900, 360, 0, 0, 1])
    info.p = np.array([1000.0, 0, 640, -50, 0, 900, 360, 0, 0, 0, 1, 0])
    scaled = scaled_camera_info(info, header(), (360, 320))
    assert (scaled.height, scaled.width, scaled.header) == (360, 320, header())
    assert scaled.k.tolist() == [250, 0, 159.625, 0, 450, 179.75, 0, 0, 1]
    assert scaled.p.tolist() == [250, 0, 159.625, -12.5, 0, 450, 179.75, 0, 0, 0, 1, 0]
    assert list(scaled.d) == [0.1, 0.2]
    assert scaled_camera_info(CameraInfo(), header(), (10, 10)).k.tolist() == [0] * 9


@pytest.mark.parametrize("kind", [SegmentationStatus, FailureState])
def test_the_checksum_survives_transport_and_notices_every_field(kind: type) -> None:
    message = kind(instance_id=2**63 + 1, seq=5, first_reason="DARK", failure_score=0.1)
    message.header = header("kamera \u00e4")
    seal(message)
    back = deserialize_message(serialize_message(message), kind)
    assert is_intact(back)
    for name, kind_name in kind.get_fields_and_field_types().items():
        altered = deserialize_message(serialize_message(message), kind)
        value = getattr(altered, name)
        if name == "header":
            altered.header.stamp.nanosec += 1
        elif hasattr(value, "nanosec"):
            value.nanosec += 1
        elif kind_name == "string":
            setattr(altered, name, value + "x")
        elif kind_name == "boolean":
            setattr(altered, name, not value)
        else:
            setattr(altered, name, value + 1)
        assert not is_intact(altered), name


def test_evidence_is_what_the_status_says() -> None:
    status = SegmentationStatus(
        instance_id=3, seq=9, outcome=int(Outcome.SKIPPED), frame_ok=True, severity=int(Severity.SOFT),
        reasons=int(Reason.BLUR), failure_score=0.5, recovery_threshold=0.25, header=header(),
    )  # fmt: skip
    evidence = evidence_of(status, 77)
    assert (evidence.instance_id, evidence.seq, evidence.outcome) == (3, 9, Outcome.SKIPPED)
    assert (evidence.frame_ok, evidence.severity, evidence.reasons) == (True, Severity.SOFT, Reason.BLUR)
    assert (evidence.failure_score, evidence.recovery_threshold, evidence.stamp_ns) == (0.5, 0.25, 7_000_000_000)
    assert (evidence.fault_injection, evidence.timing, evidence.published_ns) == (True, (0, 0, 0), 77)


def test_a_verdict_as_a_message() -> None:
    snapshot = Snapshot(
        State.STALE, True, Reason.INPUT_STALE, Reason.NONE, "INPUT_STALE", float("nan"), 4, 8, 120_000_000, 2, 1
    )
    message = failure_state(snapshot, 5_000_000_001, 99_999_999)
    assert (message.state, message.failure, message.reasons) == (State.STALE, True, Reason.INPUT_STALE)
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (5, 1)
    assert (message.valid_until.sec, message.valid_until.nanosec) == (5, 100_000_000)
    assert message.failure_score == 1.0  # not a number is no score to trust
    assert message.source_age_ms == pytest.approx(120.0)


class Ledger:
    """A status book that writes into a list."""

    def __init__(self) -> None:
        self.sent: list[SegmentationStatus] = []
        self.book = StatusPublisher(
            publish=self.sent.append,
            now=lambda: header().stamp,
            instance_id=9,
            mode=Mode.SIM,
            bounds=BOUNDS,
            fault_injection=True,
            clock_ns=lambda: 5_000_000,
        )


class Picture:
    header = header()


def test_the_book_counts_every_outcome_and_never_skips_a_number() -> None:
    ledger = Ledger()
    frame = Received(Picture, 2_000_000, float("nan"))
    for _ in range(3):
        ledger.book.take_in()
    ledger.book.skipped(frame)
    ledger.book.about_node(Reason.NODE_INACTIVE, Severity.HARD)
    ledger.book.rejected(frame, Reason.BLUR)
    assert [s.seq for s in ledger.sent] == [1, 2, 3]
    assert [s.received for s in ledger.sent] == [1, 1, 2]
    assert [s.outcome for s in ledger.sent] == [Outcome.SKIPPED, Outcome.NO_FRAME, Outcome.REJECTED]
    assert [s.severity for s in ledger.sent] == [Severity.GOOD, Severity.HARD, Severity.HARD]
    assert [s.latency_ms for s in ledger.sent] == [3.0, 0.0, 3.0]
    assert [s.header == Picture.header for s in ledger.sent] == [True, False, True]
    assert not any(s.frame_ok or s.mask_crc32 for s in ledger.sent)
    assert {(s.mode, s.fault_injection) for s in ledger.sent} == {(Mode.SIM, True)}
    assert {(s.camera_period_ns, s.slowest_period_ns, s.latency_budget_ns) for s in ledger.sent} == {BOUNDS.timing}
    assert {(s.publish_steady_ns, s.host_id) for s in ledger.sent} == {(5_000_000, host_id())}
    assert all(is_intact(s) for s in ledger.sent)
    counts = ledger.book.counts
    assert (counts.taken_in, counts.answered, counts.skipped, counts.rejected) == (3, 2, 1, 1)


@settings(max_examples=60)
@given(st.tuples(st.integers(3, 12), st.integers(3, 12)), st.tuples(st.integers(3, 60), st.integers(3, 60)), st.data())
def test_a_box_at_camera_size_lies_around_its_part_of_the_enlarged_mask(
    size: tuple[int, int], published: tuple[int, int], data: st.DataObject
) -> None:
    y, x = (data.draw(st.integers(0, side - 1)) for side in size)
    height, width = (data.draw(st.integers(1, side - first)) for side, first in zip(size, (y, x), strict=True))
    mask = np.zeros(size, np.uint8)
    mask[y : y + height, x : x + width] = 1
    found = [Segment(1, x, y, width, height, width * height, 0.5, 0.25)]
    sent = segments_message(header(), found, ("road", "car"), size, published, True)
    (told,) = sent.segments
    enlarged = connected_parts(nearest(mask, published), [1], 1)
    if len(enlarged):  # else no pixel of a smaller picture has its centre in it
        assert [told.x, told.y, told.width, told.height] == enlarged.box[0].tolist()
    back = deserialize_message(serialize_message(sent), Segments)
    assert back == sent
    assert (back.version, told.class_name, told.mean_confidence, told.predicted_iou) == (1, "car", 0.5, 0.25)


def test_an_empty_message_of_objects_promises_no_iou() -> None:
    message = segments_message(header(), [], ("road",), (4, 6), (4, 6), False)
    assert (message.has_predicted_iou, len(message.segments), message.header) == (False, 0, header())
    assert not Segments().has_predicted_iou
