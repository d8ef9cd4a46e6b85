# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Camera and recorder as real processes: what is sent is logged, what is heard is in the bag, refusals are one line."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rclpy.qos import qos_profile_sensor_data
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import Image

from bundle_factory import paint_scene
from patience import WAIT_S
from ros_probe import HEIGHT, WIDTH, Probe, stamp_ns
from trustseg.reasons import Outcome

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]
FRAMES = 24
RATE_HZ = 10.0


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for index in range(FRAMES):
        cv2.imwrite(str(folder / f"{index:03d}.png"), paint_scene(HEIGHT, WIDTH, seed=index)[..., ::-1])
    return folder


def listen(received: list[Image]) -> Probe:
    probe = Probe()
    # One publisher a topic in this test: the probe's own stays unused.
    probe.node.destroy_publisher(probe.images)
    probe.node.create_subscription(Image, "image", received.append, qos_profile_sensor_data)
    return probe


def log_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_camera_sends_what_its_log_says_freezes_and_stops(
    start_node: StartNode, pictures: Path, tmp_path: Path
) -> None:
    schedule = tmp_path / "schedule.json"
    troubles = [{"kind": "freeze", "start_s": 0.5, "end_s": 1.0}, {"kind": "stop", "start_s": 1.5, "end_s": 1.8}]
    schedule.write_text(json.dumps(troubles))
    received: list[Image] = []
    probe = listen(received)
    log = tmp_path / "log.jsonl"
    process = start_node(
        "camera",
        {
            "source": str(pictures),
            "rate_hz": RATE_HZ,
            "schedule": str(schedule),
            "log": str(log),
            "wait_for_subscribers": 1,
        },
    )
    try:
        probe.until(lambda: process.poll() is not None, "end of the source")
    finally:
        probe.close()
    assert process.returncode == 0
    entries = log_of(log)
    assert [e["index"] for e in entries] == list(range(FRAMES))
    # A slot that a starved machine could not serve is logged as not sent as well.
    assert not any(e["sent"] for e in entries[15:18])
    sent = {e["stamp_ns"]: e for e in entries if e["sent"]}
    assert len(sent) == len([e for e in entries if e["sent"]])
    assert {e["source_index"] for e in entries[5:10]} == {4}
    assert [e["source_index"] for e in (entries[4], entries[10], entries[23])] == [4, 10, 23]
    assert received
    stamps = [stamp_ns(m) for m in received]
    assert set(stamps) <= set(sent)
    assert stamps == sorted(stamps)
    for message in received:
        assert (message.encoding, message.height, message.width, message.step) == ("bgr8", HEIGHT, WIDTH, 3 * WIDTH)
        expected = cv2.imread(str(pictures / f"{sent[stamp_ns(message)]['source_index']:03d}.png"))
        assert np.array_equal(np.frombuffer(message.data, np.uint8).reshape(HEIGHT, WIDTH, 3), expected)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({}, "source is empty"),
        ({"source": "no/such/place"}, "no/such/place"),
        ({"source": "PICTURES", "schedule": "no/such/file"}, "no/such/file"),
        ({"source": "PICTURES", "topic": "/camera"}, "no bag"),
        ({"source": "PICTURES", "log": "no/such/folder/log"}, "log"),
    ],
)
def test_a_camera_without_footage_is_one_line_and_exit_code_2(
    start_node: StartNode, pictures: Path, tmp_path: Path, parameters: dict[str, str], words: str
) -> None:
    given = {k: str(pictures) if v == "PICTURES" else v for k, v in parameters.items()}
    process = start_node("camera", given)
    assert process.wait(WAIT_S) == 2
    # Its own: on a busy machine the middleware has words too.
    lines = [line for line in (tmp_path / "camera.log").read_text().splitlines() if "RTPS_" not in line]
    assert len(lines) == 1
    assert words in lines[0]


def test_a_recording_holds_a_whole_drive(
    start_node: StartNode, segmenter: StartNode, monitor: StartNode, probe: Probe, tmp_path: Path
) -> None:
    """Two of the same drive, of which each ends by another signal."""
    recorders = {
        number: start_node(
            "recorder", {"output": str(tmp_path / number.name)}, ["-r", f"__node:={number.name}"], name=number.name
        )
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    segmenter(backend="auto")
    monitor()
    probe.until(lambda: probe.images.get_subscription_count() == 3, "readers of the images")
    probe.drive_until_ok()
    probe.settle()
    first = len(probe.sent)

    def masked() -> set[int]:
        processed = {stamp_ns(s) for s in probe.statuses_of_frames() if s.outcome == Outcome.PROCESSED}
        return processed & set(probe.sent[first:])

    probe.until(lambda: len(masked()) >= FRAMES, "a drive", every=probe.publish)
    heard = len(probe.verdicts)
    probe.until(lambda: len(probe.verdicts) >= heard + 50, "a second for the recorder")
    for number, recorder in recorders.items():
        recorder.send_signal(number)
    for number, recorder in recorders.items():
        assert recorder.wait(WAIT_S) == 0
        assert "Traceback" not in (tmp_path / f"{number.name}.log").read_text()
        assert sorted(p.name for p in (tmp_path / number.name).iterdir()) == [f"{number.name}.mcap", "metadata.yaml"]
        assert not list(tmp_path.glob(f".{number.name}*"))
        check_recording(tmp_path / number.name, probe, first, masked())


def check_recording(output: Path, probe: Probe, first: int, masked: set[int]) -> None:
    """All topics, and of the frames from number `first` on nothing is missing in between."""
    counts: Counter[str] = Counter()
    stamps: dict[str, set[int]] = {}
    with AnyReader([output]) as reader:
        for connection, _, raw in reader.messages():
            message: Any = reader.deserialize(raw, connection.msgtype)
            counts[connection.topic] += 1
            stamps.setdefault(connection.topic, set()).add(stamp_ns(message))
            if connection.topic == "/image/compressed":
                assert cv2.imdecode(np.asarray(message.data), cv2.IMREAD_COLOR).shape == (HEIGHT, WIDTH, 3)
    assert set(counts) == {
        "/image/compressed", "/trustseg/mask", "/trustseg/confidence", "/trustseg/status",
        "/trustseg_monitor/failure_state",
    }  # fmt: skip
    # What a writer sent before DDS had shown it the recorder is not in the bag, nor what was still on its way when the
    # signal came; in between nothing is missing.
    drive = set(probe.sent[first:])
    for topic, offered in (
        ("/image/compressed", drive), ("/trustseg/status", drive & probe.answered()),
        ("/trustseg/mask", masked), ("/trustseg/confidence", masked),
    ):  # fmt: skip
        wanted = {stamp for stamp in offered if min(stamps[topic]) <= stamp <= max(stamps[topic])}
        assert len(wanted) >= FRAMES // 2, topic
        if topic == "/image/compressed":  # best effort may lose some on their way to the recorder
            assert len(wanted & stamps[topic]) >= FRAMES // 2
        else:
            assert wanted <= stamps[topic], topic
    assert counts["/trustseg_monitor/failure_state"] > counts["/trustseg/status"]


def test_a_recording_stays_below_its_limit_and_keeps_the_small_messages(start_node: StartNode, tmp_path: Path) -> None:
    output = tmp_path / "bag"
    rng = np.random.default_rng(0)
    probe = Probe(rate_hz=30.0)
    try:
        recorder = start_node("recorder", {"output": str(output), "max_megabytes": 1.0})
        start_node("monitor", {"camera_rate_hz": RATE_HZ})
        probe.until(lambda: probe.images.get_subscription_count() == 1, "the recorder")
        noise = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)

        def publish() -> None:
            np.random.default_rng(len(probe.sent)).shuffle(noise)
            probe.publish(probe.image(data=Image(data=noise.tobytes()).data))

        probe.until(lambda: len(probe.sent) >= 150, "enough noise", every=publish)
        heard = len(probe.verdicts)
        probe.until(lambda: len(probe.verdicts) >= heard + 20, "verdicts after the limit")
        recorder.send_signal(signal.SIGINT)
        assert recorder.wait(WAIT_S) == 0
    finally:
        probe.close()
    assert (output / "bag.mcap").stat().st_size <= 1.0e6
    assert "left out for lack of room" in (tmp_path / "recorder.log").read_text()
    with AnyReader([output]) as reader:
        by_topic = {c.topic: c.msgcount for c in reader.connections}
    assert 0 < by_topic["/image/compressed"] < 150
    assert by_topic["/trustseg_monitor/failure_state"] >= 20


def test_a_recorder_overwrites_nothing(start_node: StartNode, tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    process = start_node("recorder", {"output": str(tmp_path / "bag")})
    assert process.wait(WAIT_S) == 2
    assert "exists already" in (tmp_path / "recorder.log").read_text()
    assert list((tmp_path / "bag").iterdir()) == []
