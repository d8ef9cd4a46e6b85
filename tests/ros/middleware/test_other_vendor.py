# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A camera of another DDS vendor: its frames come over UDP, in bursts that the sockets must hold."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ros_probe import Probe
from trustseg.host.socket_buffers import granted_bytes, shortfall

pytestmark = pytest.mark.usefixtures("quick_starts")

TIMING = {"camera_rate_hz": 5.0, "latency_budget_ms": 500.0}
TESTS = Path(__file__).resolve().parents[2]
# What rmw_cyclonedds_cpp sets up for the discovery range LOCALHOST.
LOCALHOST = """<CycloneDDS><Domain>
  <General><Interfaces><NetworkInterface name="lo"/></Interfaces><AllowMulticast>false</AllowMulticast></General>
  <Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>
    <Peers><Peer address="127.0.0.1"/></Peers></Discovery>
</Domain></CycloneDDS>"""


@pytest.fixture
def camera(ros_environ: dict[str, str]) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def start(height: int, width: int, frames: int, period_s: float) -> subprocess.Popen[str]:
        environment = {**ros_environ, "CYCLONEDDS_URI": LOCALHOST}
        environment["PYTHONPATH"] = f"{TESTS / 'made'}:{environment.get('PYTHONPATH', '')}"
        command = [sys.executable, TESTS / "rigs" / "cyclone_camera.py", height, width, frames, period_s]
        process = subprocess.Popen(
            list(map(str, command)), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


# Measured with the kernel's usual buffers of 208 KB: 14 of 30, 4 of 12 and 0 of 12.
@pytest.mark.parametrize(
    ("height", "width", "frames", "least"), [(360, 480, 30, 28), (720, 1280, 12, 10), (1080, 1920, 12, 10)]
)
def test_nearly_every_frame_of_a_cyclone_camera_is_answered(
    segmenter: Callable[..., Any], camera: Callable[..., subprocess.Popen[str]], probe: Probe,
    height: int, width: int, frames: int, least: int,
) -> None:  # fmt: skip
    missing = shortfall(granted_bytes())
    if missing:
        pytest.skip(missing)
    segmenter(**TIMING)
    sender = camera(height, width, frames, 0.2)
    assert sender.stdin is not None
    assert sender.stdout is not None
    assert sender.stdout.readline() == "matched\n"
    # Beside this process's own publisher, which stays silent.
    probe.until(lambda: probe.node.count_publishers("image") == 2, "the camera in the graph")
    probe.until(lambda: probe.node.count_publishers("trustseg/status") == 1, "the node in the graph")
    sender.stdin.write("go\n")
    sender.stdin.flush()

    def processed() -> int:
        """By the node's own count: what of its statuses reaches this process is not the question."""
        return max((int(status.processed) for status in probe.statuses), default=0)

    try:
        probe.until(lambda: processed() >= least, f"masks of {least} of {frames} frames")
        assert sender.stdout.readline() == "sent\n"
        probe.spin(1.0)  # the rest, for the figure alone
    finally:
        print(f"{width}x{height}: {processed()} of {frames} frames processed, {len(probe.pictures['mask'])} masks seen")
    assert probe.pictures["mask"]
