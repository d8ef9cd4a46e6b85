# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The launch file executed: nodes come up, evidence and verdicts flow, what dies comes back, SIGINT ends all."""

from __future__ import annotations

import array
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from bundle_factory import make_tiny_bundle, paint_scene
from patience import WAIT_S

RUNNER = Path(__file__).with_name("launch_runner.py")
HEIGHT, WIDTH = 96, 128
PERIOD_S = 0.1


class Planner:
    """A node that publishes a painted drive and keeps what comes back."""

    def __init__(self, namespace: str, image_topic: str) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from rclpy.qos import qos_profile_sensor_data
        from sensor_msgs.msg import Image
        from trustseg_interfaces.msg import FailureState, SegmentationStatus

        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("planner", namespace=namespace, context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.statuses: list[Any] = []
        self.verdicts: list[Any] = []
        self.node.create_subscription(SegmentationStatus, "trustseg/status", self.statuses.append, 100)
        self.node.create_subscription(FailureState, "trustseg_monitor/failure_state", self.verdicts.append, 100)
        self.images = self.node.create_publisher(Image, image_topic, qos_profile_sensor_data)
        self.image_type = Image
        self.rng = np.random.default_rng(3)
        self.scene = paint_scene(HEIGHT, WIDTH)
        self.node.create_timer(PERIOD_S, self.publish)

    def publish(self) -> None:
        noisy = self.scene.astype(np.int16) + self.rng.integers(-6, 7, self.scene.shape)
        pixels = np.clip(noisy, 0, 255).astype(np.uint8)
        message = self.image_type(height=HEIGHT, width=WIDTH, step=WIDTH * 3, encoding="rgb8")
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.header.frame_id = "front"
        message.data = array.array("B", pixels.tobytes())
        self.images.publish(message)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            if time.monotonic() > deadline:
                last = self.statuses[-1] if self.statuses else None
                pytest.fail(f"no {what} within {WAIT_S:g} s; last status {last}, verdicts {self.verdicts[-1:]}")
            self.executor.spin_once(timeout_sec=0.05)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def planner() -> Iterator[Callable[..., Planner]]:
    made: list[Planner] = []

    def make(namespace: str = "", image_topic: str = "image") -> Planner:
        made.append(Planner(namespace, image_topic))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def launch(start_process: Callable[..., Any], repository: Path, tmp_path: Path) -> Callable[..., Any]:
    """`launch("name:=value", ...)` starts the repository's launch file with the tiny bundle and the demo profile."""
    bundle = make_tiny_bundle(tmp_path / "bundle", height=HEIGHT, width=WIDTH)

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        file = repository / "launch" / "trustseg.launch.py"
        given = [f"bundle:={bundle}", "profile:=demo", "backend:=onnxruntime", *arguments]
        process: subprocess.Popen[bytes] = start_process(sys.executable, RUNNER, file, *given, name="launch")
        return process

    return start


def pids_of(launch_log: Path, executable: str) -> list[int]:
    """Process ids that the runner has started for one executable, in order."""
    marker = f"[{executable}] started with pid "
    return [int(line[len(marker) :]) for line in launch_log.read_text().splitlines() if line.startswith(marker)]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nodes_come_up_and_a_killed_one_comes_back(
    launch: Callable[..., Any], planner: Callable[..., Planner], tmp_path: Path
) -> None:
    runner = launch("namespace:=front", "image:=camera/image_raw")
    observer = planner("front", "camera/image_raw")

    observer.until(lambda: any(s.outcome == 0 and s.processed > 0 for s in observer.statuses), "processed frame")
    observer.until(lambda: any(v.state != 0 for v in observer.verdicts), "verdict")
    status = next(s for s in observer.statuses if s.outcome == 0 and s.processed > 0)
    assert status.header.frame_id == "front"
    assert status.backend == "onnxruntime"
    assert status.mode == 0
    # The flag goes down once enough good frames came in a row: parameters, messages and topics all fit together.
    observer.until(lambda: not observer.verdicts[-1].failure, "verdict without failure")

    log = tmp_path / "launch.log"
    first = observer.statuses[-1].instance_id
    os.kill(pids_of(log, "segmenter")[0], signal.SIGKILL)
    observer.until(lambda: observer.verdicts[-1].failure, "failure after the node was killed")
    observer.until(
        lambda: observer.statuses[-1].instance_id != first and observer.statuses[-1].processed > 0, "respawn"
    )
    observer.until(lambda: not observer.verdicts[-1].failure, "recovery after the respawn")
    assert len(pids_of(log, "segmenter")) == 2
    assert len(pids_of(log, "monitor")) == 1

    runner.send_signal(signal.SIGINT)
    assert runner.wait(timeout=WAIT_S) == 0
    assert not any(is_alive(pid) for name in ("segmenter", "monitor") for pid in pids_of(log, name))


def test_clock_timing_and_respawn_are_arguments_of_both_nodes(
    launch: Callable[..., Any], planner: Callable[..., Planner], tmp_path: Path
) -> None:
    from rcl_interfaces.srv import GetParameters

    from ros_probe import Question

    launch("use_sim_time:=True", "use_respawn:=False", "camera_rate_hz:=12.5", "autostart:=false")
    observer = planner()
    for node in ("trustseg", "trustseg_monitor"):
        client = observer.node.create_client(GetParameters, f"{node}/get_parameters")
        request = GetParameters.Request(names=["use_sim_time", "camera_rate_hz", "latency_budget_ms"])
        question = Question(client, request)
        observer.until(question.is_answered, f"parameters of {node}")
        clock, rate, budget = question.answer().values
        assert (clock.bool_value, rate.double_value) == (True, 12.5)
        assert budget.double_value == 250.0  # the profile's

    log = tmp_path / "launch.log"
    os.kill(pids_of(log, "monitor")[0], signal.SIGKILL)
    observer.until(lambda: "[monitor] ended" in log.read_text(), "the monitor's end")
    os.kill(pids_of(log, "segmenter")[0], signal.SIGKILL)
    # With nothing left to run or to start again the launch itself ends.
    observer.until(lambda: "[segmenter] ended" in log.read_text(), "the segmenter's end")
    assert [len(pids_of(log, name)) for name in ("monitor", "segmenter")] == [1, 1]


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The runner as a module, its stand-ins in place for this test."""
    spec = importlib.util.spec_from_file_location("launch_runner", RUNNER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "launch_runner", module)  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    for name in module.STAND_INS:
        monkeypatch.setitem(sys.modules, name, None)
    module.install_stand_ins()
    return module


def test_a_profile_keeps_its_clock_where_no_argument_says_otherwise(
    runner: Any, repository: Path, tmp_path: Path
) -> None:
    description = runner.load(repository / "launch" / "trustseg.launch.py")
    prefixes = [find_workspace()]

    def monitor_files(**given: str) -> list[str]:
        scratch = tmp_path / f"scratch_{len(list(tmp_path.iterdir()))}"
        scratch.mkdir()
        started = runner.prepare(description, runner.Context(given, prefixes, scratch))
        command = next(command for node, command, _ in started if node.executable == "monitor")
        return [Path(command[i + 1]).read_text() for i, part in enumerate(command) if part == "--params-file"]

    (profile,) = monitor_files(profile="sim")
    assert "use_sim_time: true" in profile
    assert "use_sim_time: false" in monitor_files(profile="sim", use_sim_time="false")[-1]
    with pytest.raises(SystemExit, match="use_sim_time"):
        monitor_files(use_sim_time="perhaps")


def test_a_black_box_is_started_where_it_is_asked_for(runner: Any, repository: Path, tmp_path: Path) -> None:
    description = runner.load(repository / "launch" / "trustseg.launch.py")

    def started(name: str, **given: str) -> dict[str, str]:
        """Executable -> its command with the parameters in it."""
        scratch = tmp_path / name
        scratch.mkdir()
        found = runner.prepare(description, runner.Context(given, [find_workspace()], scratch))
        files = {n.executable: [c[i + 1] for i, part in enumerate(c) if part == "--params-file"] for n, c, _ in found}
        texts = {name: "".join(Path(file).read_text() for file in given) for name, given in files.items()}
        return {n.executable: " ".join(map(str, c)) + texts[n.executable] for n, c, _ in found}

    assert set(started("without")) == {"segmenter", "monitor"}
    given = {"blackbox": "true", "blackbox_output": "/data/records", "image": "/front/image", "camera_rate_hz": "12.5"}
    box = started("with", **given)["blackbox"]
    for words in ("image:=/front/image", "output: /data/records", "image_transport: raw", "camera_rate_hz: 12.5"):
        assert words in box
    assert "output:" not in started("default", blackbox="True")["blackbox"]


def test_a_light_bundle_reaches_the_segmenter_where_it_is_given(runner: Any, repository: Path, tmp_path: Path) -> None:
    for launch in ("trustseg.launch.py", "rig.launch.py"):
        description = runner.load(repository / "launch" / launch)
        for number, given in enumerate(({}, {"light_bundle": "small"})):
            scratch = tmp_path / f"{launch}_{number}"
            scratch.mkdir()
            found = runner.prepare(description, runner.Context(given, [find_workspace()], scratch))
            command = next(command for node, command, _ in found if node.executable.startswith("segmenter"))
            files = [Path(command[i + 1]) for i, part in enumerate(command) if part == "--params-file"]
            said = any("light_bundle: small" in each.read_text() for each in files)
            assert said is bool(given)


def find_workspace() -> Path:
    from trustseg.host.ros_env import find_ros

    workspace = find_ros().workspace
    assert workspace is not None
    return workspace


def test_every_argument_says_what_it_is(repository: Path) -> None:
    shown = subprocess.run(
        [sys.executable, RUNNER, repository / "launch" / "trustseg.launch.py", "--show-args"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = dict(line.split(": ", 1) for line in shown.stdout.splitlines())
    assert {"namespace", "profile", "params_file", "bundle", "backend", "precision", "image"} <= set(lines)
    assert all(len(text) > 10 for text in lines.values()), lines


def test_profiles_set_only_parameters_that_exist(repository: Path) -> None:
    from dataclasses import fields

    from trustseg_ros.common.parameters import MonitorConfig, SegmenterConfig, Timing

    known = {
        "/**": {f.name for f in fields(Timing)} | {"use_sim_time"},
        "/**/trustseg": {f.name for f in fields(SegmenterConfig)},
        "/**/trustseg_monitor": {f.name for f in fields(MonitorConfig)},
    }
    profiles = sorted((repository / "launch" / "profiles").glob("*.yaml"))
    assert {p.stem for p in profiles} >= {"vehicle", "demo", "replay", "sim"}
    for profile in profiles:
        for node, content in yaml.safe_load(profile.read_text()).items():
            assert set(content["ros__parameters"]) <= known[node], f"{profile.name}, {node}"


def test_an_unknown_argument_is_refused(repository: Path) -> None:
    file = repository / "launch" / "trustseg.launch.py"
    refused = subprocess.run([sys.executable, RUNNER, file, "bundel:=x"], capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    assert "bundel" in refused.stderr
