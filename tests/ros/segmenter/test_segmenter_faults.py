# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The node when its parts fail: a backend that raises or hangs, any exception, lateness, several cameras, listeners."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Float64
from std_srvs.srv import Trigger
from trustseg_interfaces.msg import SegmentationStatus

from patience import WAIT_S
from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg.reasons import Outcome, Reason, Severity
from trustseg_ros.segmenter.supervisor import EXIT_HUNG

pytestmark = pytest.mark.usefixtures("quick_starts")

# The node of the product with a pipeline that does what the frame_id says: the seam is `Pipeline.process`.
FAULTY_NODE = """
import os, sys, time
from functools import partial
from trustseg.errors import BackendError
from trustseg.pipeline import Pipeline
from trustseg_ros.segmenter import node as segmenter
from trustseg_ros.segmenter import supervisor

process, self_test, select_backend = Pipeline.process, Pipeline.self_test, segmenter.Company().select
hangs = os.environ.get("HANGS", "")
if hangs:
    # Loading may take a minute; no test waits for that.
    segmenter.LOADING_NS = 8 * 10**9

def hanging_self_test(self, **arguments):
    if hangs == "activation" or getattr(self, "hang", False):
        time.sleep(3600)
    return self_test(self, **arguments)

def hanging_selection(name, *arguments):
    if hangs == name:
        time.sleep(3600)
    return select_backend(name, *arguments)

def faulty(self, frame, *others, **named):
    fault = frame.frame_id
    if fault == "raise_backend":
        raise BackendError("the engine has gone")
    if fault == "raise":
        raise ZeroDivisionError("anything")
    if fault == "no_memory":
        raise MemoryError
    if fault == "hang_self_test":
        self.hang = True
    if fault == "hang":
        time.sleep(3600)
    if fault == "alter_judge":
        self._judgement._judge._layers[0][0][0, 0] += 1e-9
    if fault.startswith("slow_"):
        time.sleep(float(fault[5:]) / 1e3)
    return process(self, frame, *others, **named)

Pipeline.process, Pipeline.self_test = faulty, hanging_self_test
segmenter.Company = partial(segmenter.Company, select=hanging_selection)
sys.exit(segmenter.main())
"""
BUDGET_MS = 300.0
SIGNALLED = 6


@pytest.fixture
def segmenter(
    start_process: Callable[..., Any], bundle: Path, tmp_path: Path
) -> Callable[..., subprocess.Popen[bytes]]:
    """Starts the node whose pipeline obeys the frame_id."""
    program = tmp_path / "faulty_node.py"
    program.write_text(FAULTY_NODE)

    def start(*arguments: str, hangs: str = "", name: str = "segmenter", **changes: str) -> subprocess.Popen[bytes]:
        given = {
            "bundle": f'"{bundle}"', "backend": "onnxruntime", "autostart": "true", "camera_rate_hz": "10.0",
            "latency_budget_ms": BUDGET_MS, **changes,
        }  # fmt: skip
        parameters = [part for key, value in given.items() for part in ("-p", f"{key}:={value}")]
        process: subprocess.Popen[bytes] = start_process(
            sys.executable, program, "--ros-args", *parameters, *arguments, name=name, env={"HANGS": hangs}
        )
        return process

    return start


def framed(probe: Probe, frame_id: str) -> Image:
    message = probe.image()
    message.header.frame_id = frame_id
    return message


def test_whatever_the_pipeline_raises_the_frame_is_answered_and_the_node_goes_on(
    segmenter: Callable[[], Any], probe: Probe
) -> None:
    segmenter()
    probe.connect()
    for fault, reason in (
        ("raise_backend", Reason.BACKEND),
        ("raise", Reason.INTERNAL),
        ("no_memory", Reason.INTERNAL),
    ):
        status = probe.publish_and_wait(framed(probe, fault))
        assert (status.outcome, Reason(status.reasons)) == (Outcome.REJECTED, reason)
        assert (status.severity, status.frame_ok, status.mask_crc32) == (Severity.HARD, False, 0)
        good = probe.publish_and_wait()
        assert (good.outcome, good.frame_ok) == (Outcome.PROCESSED, True)
    masked = {stamp_ns(m) for m in probe.pictures["mask"]}
    assert not masked & {stamp_ns(s) for s in probe.statuses if s.outcome == Outcome.REJECTED}


def test_another_backend_takes_over_verified_and_the_first_one_comes_back(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    segmenter(backend="onnxruntime,openvino")
    probe.connect()
    assert probe.publish_and_wait().backend == "onnxruntime"
    assert Reason(probe.publish_and_wait(framed(probe, "raise_backend")).reasons) == Reason.BACKEND
    probe.until(lambda: probe.statuses[-1].outcome == Outcome.PROCESSED, "a mask again", every=probe.publish)
    status = probe.statuses[-1]
    assert (status.backend, Reason(status.reasons)) == ("openvino", Reason.BACKEND_FALLBACK)
    assert "takes over from onnxruntime, verified" in (tmp_path / "segmenter.log").read_text()
    probe.until(lambda: probe.statuses[-1].backend == "onnxruntime", "the first backend", every=probe.publish)
    assert Reason(probe.publish_and_wait().reasons) == Reason.NONE


def test_a_verdict_model_that_changed_in_memory_latches_with_the_next_self_test(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    segmenter(self_test_period_s="1.0")
    probe.connect()
    assert Reason(probe.publish_and_wait(framed(probe, "alter_judge")).reasons) & ~Reason.MULTI_SOURCE == Reason.NONE
    probe.until(lambda: probe.statuses[-1].severity == Severity.LATCH, "SELF_TEST", every=probe.publish)
    assert Reason(probe.statuses[-1].reasons) == Reason.SELF_TEST
    assert "judgement of the golden output" in (tmp_path / "segmenter.log").read_text()


def test_a_required_camera_info_is_missed(segmenter: Callable[..., Any], probe: Probe) -> None:
    segmenter(require_camera_info="true")
    probe.connect()
    info_out = probe.node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
    info = CameraInfo(height=HEIGHT, width=WIDTH)
    info.header.frame_id = "front"

    def publish() -> None:
        info_out.publish(info)
        probe.publish()

    probe.until(lambda: not probe.statuses[-1].reasons, "a good frame", every=publish)
    probe.until(lambda: Reason(probe.statuses[-1].reasons) == Reason.CAMERA_INFO, "CAMERA_INFO", every=probe.publish)


def test_a_backend_that_hangs_ends_the_process(segmenter: Callable[[], Any], probe: Probe, tmp_path: Path) -> None:
    process = segmenter()
    probe.connect()
    probe.publish(framed(probe, "hang"))
    assert process.wait(WAIT_S) == EXIT_HUNG
    assert "the backend has not answered" in (tmp_path / "segmenter.log").read_text()


def test_a_self_test_that_is_asked_for_and_hangs_ends_the_process(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    process = segmenter()
    probe.connect()
    probe.publish_and_wait(framed(probe, "hang_self_test"))
    client = probe.node.create_client(Trigger, "trustseg/self_test")
    probe.until(client.service_is_ready, "service")
    client.call_async(Trigger.Request())
    probe.until(lambda: process.poll() is not None, "end of the process")
    assert process.returncode == EXIT_HUNG
    assert "the backend, in its self-test, has not answered" in (tmp_path / "segmenter.log").read_text()


def test_a_start_that_hangs_ends_the_process(segmenter: Callable[..., Any], tmp_path: Path) -> None:
    """Both at once: each does nothing but hang."""
    who = {"activation": "the self-test at activation", "onnxruntime": "loading the bundle"}
    processes = {hangs: segmenter(hangs=hangs, name=hangs) for hangs in who}
    for hangs, process in processes.items():
        assert process.wait(WAIT_S) == EXIT_HUNG
        assert f"{who[hangs]} has not answered" in (tmp_path / f"{hangs}.log").read_text()


def test_while_a_spare_hangs_in_loading_frames_are_answered_until_the_process_ends(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    process = segmenter(hangs="openvino", backend="onnxruntime,openvino")
    probe.connect()
    assert Reason(probe.publish_and_wait(framed(probe, "raise_backend")).reasons) == Reason.BACKEND
    for _ in range(10):
        status = probe.publish_and_wait()
        assert (status.outcome, Reason(status.reasons)) == (Outcome.REJECTED, Reason.BACKEND_FALLBACK)
    assert process.wait(WAIT_S) == EXIT_HUNG
    assert "loading the backend openvino has not answered" in (tmp_path / "segmenter.log").read_text()


def test_lateness_is_soft_beyond_the_budget_and_hard_beyond_twice(segmenter: Callable[[], Any], probe: Probe) -> None:
    segmenter()
    probe.connect()
    soft = probe.publish_and_wait(framed(probe, f"slow_{1.1 * BUDGET_MS}"))
    assert Reason(soft.reasons) & Reason.LATENCY
    assert soft.latency_ms >= BUDGET_MS
    hard = probe.publish_and_wait(framed(probe, f"slow_{2.1 * BUDGET_MS}"))
    assert Reason(hard.reasons) & Reason.LATENCY
    assert hard.severity == Severity.HARD


def test_a_signal_in_the_middle_of_a_stream_ends_nodes_quietly(
    segmenter: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    """At a moment of its own for each: frames are worked on, wait, and arrive, and none can be answered any more."""
    names = [f"segmenter_{number}" for number in range(SIGNALLED)]
    heard: set[str] = set()
    nodes = {}
    for name in names:
        nodes[name] = segmenter("-r", f"__node:={name}", name=name, self_test_period_s="1.0")
        probe.node.create_subscription(SegmentationStatus, f"{name}/status", lambda _, n=name: heard.add(n), 10)

    def publish() -> None:
        # Longer than a period: a frame always waits.
        probe.publish(framed(probe, f"slow_{1200 * probe.period_s}"))

    rng = np.random.default_rng()
    for name in names:
        probe.until(lambda n=name: n in heard, f"status of {name}", every=publish)
        end = time.monotonic() + rng.uniform(0.0, 3 * probe.period_s)
        probe.until(lambda at=end: time.monotonic() > at, "the moment", every=publish)
        nodes[name].send_signal(signal.SIGINT)
    probe.until(lambda: all(node.poll() is not None for node in nodes.values()), "end of all", every=publish)
    for name, node in nodes.items():
        said = (tmp_path / f"{name}.log").read_text()
        assert node.returncode == 0, said
        assert "Traceback" not in said, said
        assert "ERROR" not in said, said


def test_under_overload_the_newest_frame_is_served_and_the_rest_skipped(
    segmenter: Callable[[], Any], probe: Probe
) -> None:
    """The seam holds the engine at a third of the camera's rate, so that the machine's own speed does not matter."""
    segmenter()
    probe.connect()
    first = len(probe.statuses)
    probe.until(
        lambda: len(probe.statuses) - first >= 30,
        "statuses",
        every=lambda: probe.publish(framed(probe, "slow_300")),
    )
    # A camera's images are best effort: a busy reader loses some, and of those no status is owed. The last one is.
    newest: list[int] = []
    probe.until(
        lambda: newest and newest[-1] in probe.answered(), "status of a newest frame",
        every=lambda: newest.append(stamp_ns(probe.publish(framed(probe, "slow_300")))) if not newest else None,
    )  # fmt: skip
    answers = probe.statuses[first:]
    stamps = [stamp_ns(s) for s in answers]
    assert len(set(stamps)) == len(stamps)
    assert sorted(stamps) == [s for s in probe.sent if s in set(stamps)]
    assert [s.seq for s in answers] == list(range(answers[0].seq, answers[0].seq + len(answers)))
    skipped = [s for s in answers if s.outcome == Outcome.SKIPPED]
    served = [stamp_ns(s) for s in answers if s.outcome == Outcome.PROCESSED]
    assert len(skipped) + len(served) == len(answers)
    assert len(skipped) >= len(answers) // 3
    assert served == sorted(served)
    for status in skipped:
        # Overtaken means that a newer frame had come: never is the newest one skipped.
        assert stamp_ns(status) < max(served)
        assert (status.severity, status.reasons, status.mask_crc32) == (Severity.GOOD, 0, 0)
    last = answers[-1]
    assert last.received == last.processed + last.skipped + last.rejected == len(probe.statuses_of_frames())


def test_a_second_camera_on_the_topic_is_noticed(segmenter: Callable[..., Any], probe: Probe) -> None:
    """Whatever the period of the diagnostics is: by what arrives."""
    segmenter(diagnostics_period_s="60.0")
    probe.connect()
    assert Reason(probe.publish_and_wait().reasons) == Reason.NONE
    assert Reason(probe.publish_and_wait(framed(probe, "rear")).reasons) & Reason.MULTI_SOURCE
    assert Reason(probe.publish_and_wait().reasons) == Reason.NONE
    other = probe.node.create_publisher(Image, "image", qos_profile_sensor_data)
    # One that is there and sends nothing is no camera yet.
    probe.until(lambda: other.get_subscription_count(), "a reader")
    for _ in range(10):
        assert Reason(probe.publish_and_wait().reasons) == Reason.NONE
    for _ in range(3):
        other.publish(probe.image())
        probe.publish()
    probe.until(
        lambda: Reason(probe.statuses[-1].reasons) & Reason.MULTI_SOURCE, "MULTI_SOURCE",
        every=lambda: other.publish(probe.publish()),
    )  # fmt: skip


def test_pictures_camera_info_and_figures_for_whoever_listens(segmenter: Callable[[], Any], probe: Probe) -> None:
    segmenter()
    probe.connect()
    names = ("color_mask", "overlay", "confidence_heat")
    heard: dict[str, list[Any]] = {name: [] for name in (*names, "camera_info", "time")}
    for name in names:
        probe.node.create_subscription(Image, f"trustseg/{name}", heard[name].append, 5)
    probe.node.create_subscription(CameraInfo, "trustseg/camera_info", heard["camera_info"].append, 5)
    probe.node.create_subscription(Float64, "trustseg/debug/processing_time_ms", heard["time"].append, 5)
    info_out = probe.node.create_publisher(CameraInfo, "camera_info", qos_profile_sensor_data)
    info = CameraInfo(height=2 * HEIGHT, width=2 * WIDTH)
    info.k = np.array([100.0, 0, 50, 0, 100, 50, 0, 0, 1])

    def publish() -> None:
        info_out.publish(info)
        probe.publish()

    probe.until(lambda: all(heard.values()), "everything", every=publish)
    for name in names:
        picture = heard[name][-1]
        assert (picture.encoding, picture.height, picture.width) == ("rgb8", HEIGHT, WIDTH)
        assert len(picture.data) == 3 * HEIGHT * WIDTH
        assert stamp_ns(picture) in probe.sent
        assert len(set(picture.data)) > 5
    assert (heard["camera_info"][-1].width, heard["camera_info"][-1].k[0]) == (WIDTH, 50.0)
    assert heard["time"][-1].data > 0.0


def test_diagnostics_follow_the_node(segmenter: Callable[..., Any], probe: Probe) -> None:
    heard: dict[str, DiagnosticStatus] = {}

    def on_diagnostics(message: DiagnosticArray) -> None:
        heard.update({status.name: status for status in message.status})

    probe.node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 10)
    # Remapped as on a vehicle, where the diagnosis must be of the camera's own topic.
    probe.node.destroy_publisher(probe.images)
    probe.images = probe.node.create_publisher(Image, "front/image_raw", qos_profile_sensor_data)
    segmenter("-r", "image:=front/image_raw")
    probe.connect()
    names = {"trustseg: input", "trustseg: engine", "trustseg: evidence"}
    probe.until(
        lambda: names <= set(heard) and {heard[n].level for n in names} == {DiagnosticStatus.OK}, "all OK",
        every=probe.publish,
    )  # fmt: skip
    values = {pair.key: pair.value for pair in heard["trustseg: engine"].values}
    assert values["backend"] == "onnxruntime"
    probe.until(lambda: heard["trustseg: input"].level == DiagnosticStatus.ERROR, "word that no frame arrives")
    assert heard["trustseg: input"].message == "no frame arrives"
    dark = probe.image(data=Image(data=bytes(3 * HEIGHT * WIDTH)).data)
    assert Reason(probe.publish_and_wait(dark).reasons) & Reason.DARK
    probe.until(lambda: "DARK" in heard["trustseg: evidence"].message, "DARK in the diagnostics")
