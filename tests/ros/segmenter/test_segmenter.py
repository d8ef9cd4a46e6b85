# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The segmentation node as a real process over real DDS: one status a frame, exact accounting, lifecycle, refusals."""

from __future__ import annotations

import array
import signal
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
from lifecycle_msgs.msg import State as LifecycleState
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, SetParameters
from sensor_msgs.msg import CompressedImage, Image
from std_srvs.srv import Trigger

from bundle_factory import CLASSES, make_tiny_bundle, paint_scene
from patience import WAIT_S
from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg.reasons import Outcome, Reason, Severity
from trustseg_ros.common.integrity import is_intact

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]


def assert_accounts_are_exact(probe: Probe) -> None:
    """Numbers without a gap, one status a frame, counters that add up, checksums that fit."""
    statuses = probe.statuses
    first = statuses[0].seq
    assert [s.seq for s in statuses] == list(range(first, first + len(statuses)))
    assert len({s.instance_id for s in statuses}) == 1
    assert statuses[0].instance_id != 0
    frames = probe.statuses_of_frames()
    assert len({stamp_ns(s) for s in frames}) == len(frames)
    for status in statuses:
        assert status.received == status.processed + status.skipped + status.rejected
        assert is_intact(status)
    last = statuses[-1]
    assert last.received == len(frames)
    by_outcome = [sum(s.outcome == o for s in frames) for o in (Outcome.PROCESSED, Outcome.SKIPPED, Outcome.REJECTED)]
    assert [last.processed, last.skipped, last.rejected] == by_outcome


def test_every_frame_has_one_status_and_a_mask_with_the_images_header(segmenter: StartNode, probe: Probe) -> None:
    segmenter()
    probe.connect_pictures()
    statuses = [probe.publish_and_wait() for _ in range(20)]
    last = stamp_ns(statuses[-1])
    probe.until(lambda: all(last in map(stamp_ns, kept) for kept in probe.pictures.values()), "pictures of every frame")
    assert_accounts_are_exact(probe)
    masks = {stamp_ns(m): m for m in probe.pictures["mask"]}
    confidences = {stamp_ns(m): m for m in probe.pictures["confidence"]}
    for status in statuses:
        assert (status.outcome, status.frame_ok, status.severity) == (Outcome.PROCESSED, True, Severity.GOOD)
        assert status.header.frame_id == "front"
        assert 0.0 <= status.failure_score < status.threshold
        assert status.latency_ms >= status.engine_ms > 0.0
        assert status.image_age_ms > -50.0
        assert status.calibrated
        mask, confidence = masks[stamp_ns(status)], confidences[stamp_ns(status)]
        for picture in (mask, confidence):
            assert picture.header == status.header
            assert (picture.encoding, picture.height, picture.width, picture.step) == ("mono8", HEIGHT, WIDTH, WIDTH)
            assert len(picture.data) == HEIGHT * WIDTH
        assert max(mask.data) < len(CLASSES)
        assert len(set(mask.data)) > 1
        assert zlib.crc32(mask.data.tobytes()) == status.mask_crc32


def test_padded_rows_are_accepted_and_malformed_frames_rejected_with_their_reason(
    segmenter: StartNode, probe: Probe
) -> None:
    segmenter()
    probe.connect()
    padding = 16
    rows = np.frombuffer(probe.image().data, np.uint8).reshape(HEIGHT, WIDTH * 3)
    padded = np.pad(rows, ((0, 0), (0, padding)), constant_values=99)
    old = probe.image()
    old.header.stamp.sec -= 3600
    future = probe.image()
    future.header.stamp.sec += 5
    zero = probe.image()
    zero.header.stamp.sec = zero.header.stamp.nanosec = 0
    cases: list[tuple[dict[str, Any] | Image, Reason]] = [
        ({"step": WIDTH * 3 + padding, "data": array.array("B", padded.tobytes())}, Reason.NONE),
        ({"data": array.array("B", bytes(HEIGHT * WIDTH * 3 - 1))}, Reason.BAD_SIZE),
        ({"data": array.array("B", bytes(HEIGHT * WIDTH * 3 + 1))}, Reason.BAD_SIZE),
        ({"data": array.array("B")}, Reason.BAD_IMAGE),
        ({"step": WIDTH * 3 - 1}, Reason.BAD_STEP),
        ({"encoding": "rgb99"}, Reason.BAD_ENCODING),
        ({"encoding": "16UC1"}, Reason.BAD_ENCODING),
        ({"height": 0}, Reason.BAD_DIMENSIONS),
        ({"width": 2**32 - 1}, Reason.BAD_DIMENSIONS),
        (old, Reason.STAMP_INVALID),
        (future, Reason.STAMP_FUTURE),
        (zero, Reason.STAMP_INVALID),
        ({}, Reason.NONE),
    ]
    for case, reason in cases:
        message = probe.image(**case) if isinstance(case, dict) else case
        already = len(probe.statuses)
        probe.publish(message)
        probe.until(lambda count=already: len(probe.statuses) > count, f"status for {reason!r}")
        status = probe.statuses[-1]
        assert Reason(status.reasons) == reason, case
        assert stamp_ns(status) == stamp_ns(message)
        assert status.outcome == (Outcome.REJECTED if reason else Outcome.PROCESSED)
        assert status.first_reason == reason.first()
        assert bool(status.mask_crc32) is not bool(reason)
    duplicate = probe.publish()
    probe.until(lambda: stamp_ns(probe.statuses[-1]) == stamp_ns(duplicate), "status")
    already = len(probe.statuses)
    probe.publish(duplicate)
    probe.until(lambda: len(probe.statuses) > already, "status of the duplicate")
    assert Reason(probe.statuses[-1].reasons) == Reason.DUPLICATE
    masked = {stamp_ns(m) for m in probe.pictures["mask"]}
    rejected = [s for s in probe.statuses if s.outcome == Outcome.REJECTED and not s.reasons & Reason.DUPLICATE]
    assert rejected
    assert not masked & {stamp_ns(s) for s in rejected}


def test_of_a_burst_every_frame_that_arrives_is_answered_once_and_the_newest_is_served(
    segmenter: StartNode, probe: Probe
) -> None:
    segmenter()
    probe.connect()
    before = len(probe.statuses)
    burst = []
    for _ in range(60):
        burst.append(stamp_ns(probe.publish()))
        probe.executor.spin_once(timeout_sec=0)
    # Best effort may lose some of a burst on the way; none of those that arrived may be lost in the node.
    last = probe.publish()
    probe.until(lambda: stamp_ns(last) in probe.answered(), "status of the newest frame")
    assert_accounts_are_exact(probe)
    answers = probe.statuses[before:]
    assert {stamp_ns(s) for s in answers} <= {*burst, stamp_ns(last)}
    newest = next(s for s in answers if stamp_ns(s) == stamp_ns(last))
    assert newest.outcome == Outcome.PROCESSED
    assert all(s.outcome in (Outcome.PROCESSED, Outcome.SKIPPED) for s in answers)


def test_lifecycle_over_the_real_services(segmenter: StartNode, probe: Probe) -> None:
    process = segmenter(autostart=False)

    def state() -> int:
        return int(probe.call(GetState, "trustseg/get_state", GetState.Request()).current_state.id)

    def change(transition: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(probe.call(ChangeState, "trustseg/change_state", request).success)

    assert state() == LifecycleState.PRIMARY_STATE_UNCONFIGURED
    assert change(Transition.TRANSITION_CONFIGURE)
    assert state() == LifecycleState.PRIMARY_STATE_INACTIVE
    assert probe.node.count_subscribers("image") == 0
    assert change(Transition.TRANSITION_ACTIVATE)
    assert state() == LifecycleState.PRIMARY_STATE_ACTIVE
    probe.connect()
    # Named by the id, as Nav2 and launch_ros do: what does not fit is refused, and the process goes on.
    for wrong in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_INACTIVE_SHUTDOWN, 255):
        assert not change(wrong)
    assert state() == LifecycleState.PRIMARY_STATE_ACTIVE
    assert probe.publish_and_wait().outcome == Outcome.PROCESSED
    answer = probe.call(Trigger, "trustseg/self_test", Trigger.Request())
    assert answer.success, answer.message
    assert change(Transition.TRANSITION_DEACTIVATE)
    probe.until(lambda: probe.statuses[-1].outcome == Outcome.NO_FRAME, "word of the deactivation")
    assert Reason(probe.statuses[-1].reasons) == Reason.NODE_INACTIVE
    assert_accounts_are_exact(probe)
    heard = len(probe.statuses)
    probe.publish()
    probe.spin(0.5)
    assert len(probe.statuses) == heard
    assert change(Transition.TRANSITION_ACTIVATE)
    probe.until(lambda: len(probe.statuses) > heard, "status after the second activation", every=probe.publish)
    assert change(Transition.TRANSITION_DEACTIVATE)
    assert not change(Transition.TRANSITION_DEACTIVATE)
    assert change(Transition.TRANSITION_CLEANUP)
    assert state() == LifecycleState.PRIMARY_STATE_UNCONFIGURED
    assert change(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert state() == LifecycleState.PRIMARY_STATE_FINALIZED
    process.send_signal(signal.SIGINT)
    assert process.wait(WAIT_S) == 0


@pytest.mark.parametrize(
    ("damage", "reason"),
    [("missing", Reason.MODEL_INTEGRITY), ("altered", Reason.MODEL_INTEGRITY), ("nan", Reason.SELF_TEST)],
)
def test_a_node_that_cannot_configure_stays_up_and_says_why(
    segmenter: StartNode, probe: Probe, tmp_path: Path, damage: str, reason: Reason
) -> None:
    path = tmp_path / "bad" / "engines" / "bad"
    if damage != "missing":
        make_tiny_bundle(path, height=HEIGHT, width=WIDTH, broken="nan" if damage == "nan" else "")
    if damage == "altered":
        model = path / "model.onnx"
        model.write_bytes(model.read_bytes()[:-1] + b"\0")
    process = segmenter(bundle=str(path))
    probe.until(lambda: len(probe.statuses) >= 5, "repeated complaint")
    for status in probe.statuses:
        assert (status.outcome, status.severity) == (Outcome.NO_FRAME, Severity.LATCH)
        assert Reason(status.reasons) == reason
        assert is_intact(status)
    assert process.poll() is None
    assert probe.call(GetState, "trustseg/get_state", GetState.Request()).current_state.id == (
        LifecycleState.PRIMARY_STATE_UNCONFIGURED
    )
    assert not probe.call(Trigger, "trustseg/self_test", Trigger.Request()).success


def test_live_parameters_change_and_bad_values_are_refused(segmenter: StartNode, probe: Probe) -> None:
    segmenter()
    probe.connect()

    def put(name: str, value: ParameterValue) -> Any:
        request = SetParameters.Request(parameters=[Parameter(name=name, value=value)])
        return probe.call(SetParameters, "trustseg/set_parameters", request).results[0]

    def get(name: str) -> ParameterValue:
        request = GetParameters.Request(names=[name])
        return probe.call(GetParameters, "trustseg/get_parameters", request).values[0]

    def text(value: str) -> ParameterValue:
        return ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=value)

    def number(value: float) -> ParameterValue:
        return ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)

    for name, value in (
        ("overlay_opacity", number(1.5)),
        ("overlay_opacity", number(float("nan"))),
        ("overlay_opacity", text("half")),
        ("output_size", text("huge")),
        ("camera_rate_hz", number(20.0)),
        ("bundle", text("other")),
        ("no_such_parameter", number(1.0)),
    ):
        result = put(name, value)
        assert not result.successful, name
        assert result.reason
    assert get("overlay_opacity").double_value == 0.5
    assert get("output_size").string_value == "network"
    assert put("output_size", text("camera")).successful
    assert get("output_size").string_value == "camera"
    described = probe.call(
        DescribeParameters, "trustseg/describe_parameters", DescribeParameters.Request(names=["camera_rate_hz"])
    ).descriptors[0]
    assert described.read_only
    assert described.description
    assert described.floating_point_range[0].from_value == 0.5
    probe.until(probe.statuses_of_frames, "frames go on", every=probe.publish)


def test_masks_at_camera_size_are_enlarged_by_the_nearest_pixel(
    segmenter: StartNode, probe: Probe, tmp_path: Path
) -> None:
    small = make_tiny_bundle(tmp_path / "engines" / "small", height=HEIGHT // 2, width=WIDTH // 2)
    segmenter(bundle=str(small), output_size="camera")
    probe.connect_pictures()
    sent = probe.publish()
    probe.until(lambda: all(sent.header in [m.header for m in kept] for kept in probe.pictures.values()), "both of one")
    mask = next(m for m in probe.pictures["mask"] if m.header == sent.header)
    assert (mask.height, mask.width) == (HEIGHT, WIDTH)
    pixels = np.frombuffer(mask.data, np.uint8).reshape(HEIGHT, WIDTH)
    assert pixels.max() < len(CLASSES)
    assert np.array_equal(pixels[::2, ::2], pixels[1::2, 1::2])
    confidence = next(m for m in probe.pictures["confidence"] if m.header == mask.header)
    doubts = np.frombuffer(confidence.data, np.uint8).reshape(HEIGHT, WIDTH)
    assert np.array_equal(doubts[::2, ::2], doubts[1::2, 1::2])
    assert doubts.mean() > 2 * len(CLASSES)  # sure of most pixels, in shares of 255: no class is so high a number


def test_a_mask_is_of_the_picture_whose_header_it_has(segmenter: StartNode, probe: Probe, bundle: Path) -> None:
    """Each frame shows another street, and the bare graph says which mask is its own."""
    segmenter()
    probe.connect_pictures()
    session = onnxruntime.InferenceSession(str(bundle / "model.onnx"), providers=["CPUExecutionProvider"])
    before: np.ndarray | None = None
    for seed in range(1, 9):
        scene = paint_scene(HEIGHT, WIDTH, seed=seed)
        sent = probe.image(data=array.array("B", scene.tobytes()))
        status = probe.publish_and_wait(sent)
        assert status.outcome == Outcome.PROCESSED
        probe.until(
            lambda sent=sent: any(m.header == sent.header for m in probe.pictures["mask"]), "mask"
        )  # type: ignore[misc]  # fmt: skip
        mask = next(m for m in probe.pictures["mask"] if m.header == sent.header)
        shown = np.frombuffer(mask.data, np.uint8).reshape(HEIGHT, WIDTH)
        own = session.run(["labels"], {"image": scene[None]})[0][0]
        assert np.mean(shown == own) > 0.999
        assert before is None or np.mean(shown == before) < 0.95  # or the check would say nothing
        before = own


@pytest.mark.parametrize("probe", [CompressedImage], indirect=True)
def test_compressed_images_are_decoded_and_broken_ones_rejected(segmenter: StartNode, probe: Probe) -> None:
    segmenter(image_transport="compressed")

    def publish(damage: bool = False) -> None:
        image = probe.image()
        pixels = np.frombuffer(image.data, np.uint8).reshape(HEIGHT, WIDTH, 3)
        data = cv2.imencode(".jpg", pixels[..., ::-1])[1].tobytes()
        message = CompressedImage(header=image.header, format="jpeg")
        message.data = array.array("B", data[: len(data) // 2] if damage else data)
        probe.publish(message)

    probe.until(
        lambda: any(s.outcome == Outcome.PROCESSED and s.frame_ok for s in probe.statuses), "good frame", every=publish
    )
    probe.until(
        lambda: any(Reason(s.reasons) == Reason.BAD_IMAGE for s in probe.statuses),
        "rejection",
        every=lambda: publish(damage=True),
    )
    assert_accounts_are_exact(probe)


@pytest.mark.parametrize(("mode", "third"), [("live", Reason.FROZEN), ("replay", Reason.FROZEN), ("sim", Reason.NONE)])
def test_a_frozen_camera_is_reported_with_its_third_identical_frame(
    segmenter: StartNode, probe: Probe, tmp_path: Path, mode: str, third: Reason
) -> None:
    segmenter(mode=mode)
    probe.connect()
    pixels = probe.image().data
    reasons = []
    for _ in range(4):
        reasons.append(Reason(probe.publish_and_wait(probe.image(data=pixels)).reasons))
    assert reasons == [Reason.NONE, Reason.NONE, third, third]
    said = "is not taken for a frozen camera" in (tmp_path / "segmenter.log").read_text()
    assert said is (third is Reason.NONE)  # a check that is off is never off silently


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_the_node_quietly(
    segmenter: StartNode, probe: Probe, tmp_path: Path, number: signal.Signals
) -> None:
    process = segmenter()
    probe.connect()
    process.send_signal(number)
    assert process.wait(WAIT_S) == 0
    assert "Traceback" not in (tmp_path / "segmenter.log").read_text()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"threads": 0}, "threads"),
        ({"camera_rate_hz": -1.0}, "camera_rate_hz"),
        ({"mode": "fast"}, "live, replay, sim"),
        ({"camera_rate": 10.0}, "unknown parameter 'camera_rate'"),
        ({"threads": "two"}, "threads"),
    ],
)
def test_a_bad_parameter_at_start_is_one_line_and_exit_code_2(
    start_node: StartNode, tmp_path: Path, parameters: dict[str, object], words: str
) -> None:
    process = start_node("segmenter", parameters)
    assert process.wait(WAIT_S) == 2
    lines = [line for line in (tmp_path / "segmenter.log").read_text().splitlines() if line]
    assert len(lines) == 1
    assert lines[0].startswith("trustseg: ")
    assert words in lines[0]
