# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg faults inject` into what runs, and what is refused before anything starts: no time is asserted here."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import Image

from bundle_factory import make_tiny_bundle
from patience import WAIT_S
from ros_probe import Probe, stamp_ns

pytestmark = pytest.mark.usefixtures("quick_starts")

# The command, but for how long it looks around: nobody comes here.
IMPATIENT = """
import sys
from trustseg.cli.app import main
from trustseg_lab.faults.rig import inject
inject.SERVICE_LIMIT_S = 1.0
main(sys.argv[1:])
"""


def test_a_fault_is_injected_into_a_running_stream_and_ends(
    start_process: Callable[..., Any], probe: Probe, ros_environ: dict[str, str]
) -> None:
    """What the injector passes on, and what it makes of it while the command runs."""
    remaps = ("-r", "image_in:=image", "-r", "image:=injected")
    start_process(sys.executable, "-m", "trustseg_lab.faults.rig.injector", "--ros-args", *remaps, name="injector")
    heard: list[Image] = []
    probe.node.create_subscription(Image, "injected", heard.append, qos_profile_sensor_data)
    probe.until(lambda: len(heard) >= 3, "images", every=probe.publish)
    passed = probe.publish()
    probe.until(lambda: stamp_ns(heard[-1]) == stamp_ns(passed), "the image that was sent")
    assert heard[-1] == passed
    running = subprocess.Popen(
        [sys.executable, "-m", "trustseg", "faults", "inject", "black", "--for", "1s"], env=ros_environ
    )
    probe.until(lambda: not any(heard[-1].data), "a black image", every=probe.publish)
    black = heard[-1]
    assert (black.encoding, black.height, black.width) == (passed.encoding, passed.height, passed.width)
    assert stamp_ns(black) in probe.sent
    probe.until(lambda: any(heard[-1].data), "an image as it was", every=probe.publish)
    probe.until(lambda: running.poll() is not None, "the end of the command", every=probe.publish)
    assert running.returncode == 0


def test_injecting_needs_somebody_who_can(start_process: Callable[..., Any], tmp_path: Path) -> None:
    program = tmp_path / "impatient.py"
    program.write_text(IMPATIENT)
    cases = (
        (("black",), "there is no node trustseg_injector"),
        (("monitor_killed",), "needs one monitor"),
        (("engine_missing",), "trustseg faults run"),
        (("black", "--for", "0"), "--for is wrong"),
    )
    running = [
        start_process(sys.executable, program, "faults", "inject", *arguments, name=f"inject_{index}")
        for index, (arguments, _) in enumerate(cases)
    ]
    for index, (process, (_, said)) in enumerate(zip(running, cases, strict=True)):
        status, log = process.wait(WAIT_S), (tmp_path / f"inject_{index}.log").read_text()
        assert (status, said in log) == (2, True), log


def test_a_bundle_that_is_refused_is_refused_before_anything_starts(
    tmp_path: Path, ros_environ: dict[str, str]
) -> None:
    bundle = make_tiny_bundle(tmp_path / "engines" / "tiny", broken="nan")
    ran = subprocess.run(
        [sys.executable, "-m", "trustseg", "faults", "run", "--only", "1", "--bundle", str(bundle), "--json"],
        cwd=tmp_path, env=ros_environ, text=True, capture_output=True, check=False, timeout=WAIT_S,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "fails the golden test, got onnxruntime: " in ran.stderr
    assert "bounds:" not in ran.stderr  # the processes would have been started after that line
