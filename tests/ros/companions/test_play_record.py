# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg play` and `trustseg record` together: what was recorded is what was played, in order, with its clock."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rosbags.highlevel import AnyReader

from bag_factory import TOPIC, shots, write_bag, write_ros1
from patience import WAIT_S
from ros_probe import Probe
from trustseg_lab.recordings.bag_writer import typestore

pytestmark = pytest.mark.usefixtures("quick_starts")

StartProcess = Callable[..., "subprocess.Popen[bytes]"]
COUNT = 12


def messages(folder: Path) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    with AnyReader([folder], default_typestore=typestore()) as reader:
        for connection, _, raw in reader.messages():
            found.setdefault(connection.topic, []).append(reader.deserialize(raw, connection.msgtype))
    return found


@pytest.mark.parametrize("ros1", [False, True])
def test_what_is_played_is_what_is_recorded(start_process: StartProcess, tmp_path: Path, ros1: bool) -> None:
    images = shots(COUNT)
    bag = write_ros1(tmp_path / "a.bag", images) if ros1 else write_bag(tmp_path / "a", images)
    out = tmp_path / "recorded"
    probe = Probe()
    try:
        recorder = start_process(sys.executable, "-m", "trustseg", "record", "--out", out, name="recorder")
        player = start_process(
            sys.executable, "-m", "trustseg", "play", bag, "--clock", "--clock-hz", "50", "--wait-for", "1",
            name="player",
        )  # fmt: skip
        probe.until(lambda: player.poll() is not None, "the end of the bag")
        recorder.send_signal(signal.SIGINT)
        probe.until(lambda: recorder.poll() is not None, "the end of the recording")
    finally:
        probe.close()
    assert (player.returncode, recorder.returncode) == (0, 0)
    found = messages(out)
    stamps = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for m in found[TOPIC]]
    assert stamps == [s.stamp_ns for s in images]
    assert [bytes(m.data) for m in found[TOPIC]] == [s.image.tobytes() for s in images]
    clocks = [m.clock.sec * 10**9 + m.clock.nanosec for m in found["/clock"]]
    assert clocks == sorted(clocks)
    assert len(clocks) > COUNT  # also between the images
    assert images[0].time_ns <= clocks[0]
    assert clocks[-1] <= images[-1].time_ns


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["play", "BAG", "--topic", "/nowhere"], "no topic /nowhere"),
        (["play", "missing"], "there is no missing"),
        (["play", "BAG", "--rate", "0"], "--rate 0"),
        (["play", "BAG", "--remap", "a"], "--remap a"),
        (["record", "--out", "BAG"], "exists already"),
        (["record", "--out", "new", "--duration", "0"], "--duration 0"),
    ],
)
def test_bad_input_is_one_line(
    start_process: StartProcess, arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    bag = write_bag(tmp_path / "a", shots(2))
    given = [str(bag) if each == "BAG" else each for each in arguments]
    process = start_process(sys.executable, "-m", "trustseg", *given, name="refused")
    assert process.wait(WAIT_S) == 2
    (line,) = (tmp_path / "refused.log").read_text().strip().splitlines()
    assert words in line
