# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The black box beside real nodes: a camera that dies leaves a record that replay and rosbags read."""

from __future__ import annotations

import array
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rosbags.highlevel import AnyReader
from sensor_msgs.msg import CompressedImage
from std_srvs.srv import Trigger
from trustseg_interfaces.msg import FailureState

from bundle_factory import paint_scene
from patience import WAIT_S
from ros_probe import HEIGHT, TIMING, WIDTH, Probe
from trustseg.reasons import Reason
from trustseg_lab.recordings.bag import Bag
from trustseg_ros.blackbox import NICENESS
from trustseg_ros.blackbox.node import NODE_NAME
from video_packets import KEY_EVERY, packets

pytestmark = pytest.mark.usefixtures("quick_starts")

StartNode = Callable[..., "subprocess.Popen[bytes]"]
SHORT = {"before_s": 2.0, "after_s": 1.0, "longest_s": 30.0, "free_megabytes": 0.0}
OWN = {
    "/image/compressed",
    "/trustseg/mask",
    "/trustseg/confidence",
    "/trustseg/status",
    "/trustseg_monitor/failure_state",
}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    scene, noise = paint_scene(HEIGHT, WIDTH).astype(np.int16), np.random.default_rng(1)
    # More than are ever sent: a source that begins again repeats a picture, which raises the flag.
    for index in range(400):
        noisy = np.clip(scene + noise.integers(-6, 7, scene.shape), 0, 255).astype(np.uint8)
        # Noise: there is next to nothing to be compressed.
        cv2.imwrite(str(folder / f"{index:03d}.png"), noisy[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 0])
    return folder


@pytest.fixture
def blackbox(start_node: StartNode, tmp_path: Path) -> StartNode:
    """`blackbox(name="x", **parameters)`: records go to tmp_path / "records"."""

    def start(name: str = "blackbox", **parameters: object) -> subprocess.Popen[bytes]:
        given = {"output": str(tmp_path / "records"), **TIMING, **SHORT, **parameters}
        return start_node("blackbox", given, name=name)

    return start


def listen(probe: Probe) -> dict[str, str]:
    """Keeps the newest values that the black box tells of itself."""
    told: dict[str, str] = {}

    def keep(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == f"{NODE_NAME}: records":
                told.update({each.key: each.value for each in status.values})

    probe.node.create_subscription(DiagnosticArray, "/diagnostics", keep, 10)
    return told


def records(folder: Path) -> list[Path]:
    return sorted(each for each in folder.glob("[0-9]*")) if folder.is_dir() else []


def document(record: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((record / "record.json").read_text())
    return found


def raised(probe: Probe) -> int:
    """How often the flag went up after it had been down."""
    return sum(after.failure and not before.failure for before, after in pairwise(probe.verdicts))


def flags_in(record: Path) -> list[bool]:
    with AnyReader([record]) as reader:
        found = [c for c in reader.connections if c.topic == "/trustseg_monitor/failure_state"]
        return [bool(reader.deserialize(raw, c.msgtype).failure) for c, _, raw in reader.messages(found)]


def ended_up(record: Path) -> bool:
    """Whether the flag was down in this record, and up at its end."""
    flags = flags_in(record)
    return False in flags and flags[-1]


@pytest.mark.slow
def test_a_camera_that_dies_leaves_a_record_that_replay_reads(
    start_node: StartNode, start_process: Callable[..., Any], segmenter: StartNode, monitor: StartNode,
    blackbox: StartNode, probe: Probe, pictures: Path, bundle: Path, tmp_path: Path,
) -> None:  # fmt: skip
    probe.node.destroy_publisher(probe.images)
    folder = tmp_path / "records"
    box = blackbox(topics="/trustseg/camera_info,/nobody/publishes/this")
    segmenter()
    monitor()
    camera = start_node("camera", {"source": str(pictures), "rate_hz": 10.0, "wait_for_subscribers": 2})
    probe.until(lambda: probe.verdicts and probe.verdicts[-1].state == FailureState.OK, "state OK")
    seen = len(probe.pictures["mask"])
    probe.until(
        lambda: len(probe.pictures["mask"]) >= seen + 15 and not probe.verdicts[-1].failure, "a drive of some frames"
    )
    assert os.getpriority(os.PRIO_PROCESS, box.pid) == os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
    # A busy machine may have raised the flag in between: nothing else has made a record.
    before = records(folder)
    assert len(before) <= raised(probe)
    camera.kill()
    probe.until(lambda: probe.verdicts[-1].failure, "the flag")
    probe.until(lambda: any(ended_up(each) for each in records(folder) if each not in before), "the record")
    assert len(records(folder)) <= raised(probe)
    record = next(each for each in records(folder) if each not in before and ended_up(each))
    about = document(record)
    names = [each.name for each in record.iterdir()]
    assert sorted(names) == sorted([about["bag"], "metadata.yaml", "picture.jpg", "record.json"])
    assert about["causes"][0]["what"] == "flag"
    assert (about["ended_by"], about["camera"]) == ("time", "/image/compressed")
    assert hashlib.sha256((record / about["bag"]).read_bytes()).hexdigest() == about["bag_sha256"]
    assert about["bundle"]["model_sha256"] == probe.statuses[-1].model_sha256
    assert len(about["software"]["sources_sha256"]) == 64
    height, width = cv2.imread(str(record / "picture.jpg")).shape[:2]
    assert (height, width) == (HEIGHT, 3 * WIDTH)

    # What rosbags reads is what the JSON counts, and the flag goes up in it.
    flags, statuses, shown = flags_in(record), [], []
    with AnyReader([record]) as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
        for connection, _, raw in reader.messages():
            message: Any = reader.deserialize(raw, connection.msgtype)
            if connection.topic == "/trustseg/status":
                statuses.append(message)
            elif connection.topic == "/image/compressed":
                shown.append(cv2.imdecode(np.asarray(message.data), cv2.IMREAD_COLOR).shape)
    assert counts == {topic: each["messages"] for topic, each in about["topics"].items()}
    assert set(counts) == OWN
    # On a slow machine its first seconds are of before the flag came down for the first time.
    down = flags.index(False)
    assert any(flags[down:])
    assert flags[-1]
    assert statuses
    assert set(shown) == {(HEIGHT, WIDTH, 3)}

    # And replay judges it as a drive.
    out = tmp_path / "replay"
    replay = start_process(
        sys.executable,
        "-m",
        "trustseg",
        "replay",
        record,
        "--bundle",
        bundle,
        "--backend",
        "onnxruntime",
        "--out",
        out,
        name="replay",
    )
    assert replay.wait(WAIT_S) in (0, 1), (tmp_path / "replay.log").read_text()
    assert json.loads((out / "summary.json").read_text())
    assert Bag(record).losses == []

    box.send_signal(signal.SIGTERM)
    assert box.wait(WAIT_S) == 0
    assert "Traceback" not in (tmp_path / "blackbox.log").read_text()


@pytest.mark.slow
def test_a_service_a_signal_and_a_reason_make_records_and_what_overlaps_is_one(
    segmenter: StartNode, monitor: StartNode, blackbox: StartNode, probe: Probe, tmp_path: Path
) -> None:
    folder = tmp_path / "records"
    box = blackbox(on_flag=False, on_reasons="duplicate", camera_as="received", before_s=0.5, after_s=3.0)
    segmenter()
    monitor()
    told = listen(probe)
    probe.until(lambda: probe.images.get_subscription_count() == 2, "readers of the images")
    probe.drive_until_ok()
    probe.until(lambda: told, "diagnostics", every=probe.publish)
    assert (told["records written"], told["memory at most, MB"]) == ("0", "256")
    answer = probe.call(Trigger, f"{NODE_NAME}/record", Trigger.Request())
    assert (answer.success, answer.message) == (True, "a record has begun")
    box.send_signal(signal.SIGUSR1)
    probe.until(lambda: records(folder), "the first record", every=probe.publish)
    first = document(records(folder)[0])
    assert [each["what"] for each in first["causes"]] == ["service", "signal"]
    assert first["topics"]["/image"]["type"] == "sensor_msgs/msg/Image"

    def send_twice() -> None:
        probe.publish(probe.publish())

    # Best effort may lose either of the two.
    duplicate = Reason.DUPLICATE
    probe.until(lambda: any(Reason(s.reasons) & duplicate for s in probe.statuses), "a duplicate", every=send_twice)
    probe.until(lambda: len(records(folder)) == 2, "the second record", every=probe.publish)
    second = document(records(folder)[1])
    # Of the status, and of the verdict that follows from it.
    assert {(each["what"], each["detail"]) for each in second["causes"]} == {("reason", Reason.DUPLICATE.name)}
    assert box.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["h264", "hevc"])
def test_packets_of_video_are_kept_as_they_came_and_replay_decodes_them(
    blackbox: StartNode, start_process: Callable[..., Any], probe: Probe, bundle: Path, tmp_path: Path, coding: str
) -> None:
    scenes = [np.roll(paint_scene(HEIGHT, WIDTH), 2 * index, axis=1) for index in range(2 * KEY_EVERY)]
    sent, made = packets(scenes, coding), probe.node.create_publisher(CompressedImage, "/video", 100)
    box = blackbox(on_flag=False, topics="/video", before_s=2.0, after_s=2.0)
    told, count = listen(probe), 0

    def send() -> None:
        nonlocal count
        message = CompressedImage(format=coding, data=array.array("B", sent[count % len(sent)]))
        message.header.stamp, message.header.frame_id = probe.node.get_clock().now().to_msg(), "front"
        made.publish(message)
        count += 1
        probe.publish()

    probe.until(lambda: made.get_subscription_count() and told, "a reader of the packets", every=send)
    box.send_signal(signal.SIGUSR1)
    begun = count
    probe.until(lambda: records(tmp_path / "records"), "a record", every=send)
    (record,) = records(tmp_path / "records")
    with AnyReader([record]) as reader:
        found = [c for c in reader.connections if c.topic == "/video"]
        kept = [bytes(reader.deserialize(raw, c.msgtype).data) for c, _, raw in reader.messages(found)]
    first = next(at for at in range(begun + 1) if sent[at % len(sent)] == kept[0])
    assert kept == [sent[at % len(sent)] for at in range(first, first + len(kept))]
    assert len(kept) > KEY_EVERY
    out = tmp_path / "replay"
    chosen = ("--topic", "/video", "--bundle", bundle, "--backend", "onnxruntime", "--out", out)
    replay = start_process(sys.executable, "-m", "trustseg", "replay", record, *chosen, name="replay")
    assert replay.wait(WAIT_S) in (0, 1), (tmp_path / "replay.log").read_text()
    counted = json.loads((out / "summary.json").read_text())["metrics"]
    assert counted["processed"] > len(kept) - KEY_EVERY  # none before the first key frame


@pytest.mark.slow
def test_what_a_kill_leaves_is_no_record_and_is_gone_after_the_next_start(
    blackbox: StartNode, probe: Probe, tmp_path: Path
) -> None:
    folder = tmp_path / "records"
    box = blackbox(after_s=20.0)
    told = listen(probe)
    probe.until(lambda: int(told.get("messages held", 0)), "images in the black box", every=probe.publish)
    box.send_signal(signal.SIGUSR1)
    probe.until(lambda: list(folder.glob(".*partial*/*.mcap")), "the beginning of a record", every=probe.publish)
    (half,) = folder.glob(".*partial*")
    box.kill()
    box.wait(WAIT_S)
    assert half.is_dir()
    assert records(folder) == []
    second = blackbox(name="second", after_s=0.2, before_s=0.2)
    probe.until(lambda: not half.exists(), "removal of what was left")
    told.clear()
    probe.until(lambda: int(told.get("messages held", 0)), "images in the second black box", every=probe.publish)
    second.send_signal(signal.SIGUSR1)
    probe.until(lambda: records(folder), "a whole record", every=probe.publish)
    with AnyReader(records(folder)) as reader:
        assert reader.message_count == document(records(folder)[0])["topics"]["/image/compressed"]["messages"]
    assert "removed 1 unfinished" in (tmp_path / "second.log").read_text()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"output": "/proc/nowhere"}, "/proc/nowhere"),
        ({"on_reasons": "WET"}, "on_reasons"),
        ({"longest_s": 2.0}, "before_s + after_s"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(
    blackbox: StartNode, tmp_path: Path, parameters: dict[str, object], words: str
) -> None:
    process = blackbox(**parameters)
    assert process.wait(WAIT_S) == 2
    (line,) = (tmp_path / "blackbox.log").read_text().splitlines()
    assert words in line
