# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a black box beside the node costs it: the node's latency without one, with one that starts, and with one.

    .venv/bin/python scripts/blackbox_cost.py

Real processes over DDS in a domain of their own: a camera of 1280x720 raw images at 20 Hz, the node with the tests'
tiny network, monitor and black box. Rounds alternate, so that what else the machine does falls on all alike.
"""

from __future__ import annotations

import array
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
HEIGHT, WIDTH, RATE_HZ = 720, 1280, 20.0
ROUNDS, SECONDS = 4, 6.0
TIMING = {"camera_rate_hz": RATE_HZ, "latency_budget_ms": 500.0}


def start(
    workspace: Path, executable: str, parameters: dict[str, Any], log: Path, *more: str
) -> subprocess.Popen[bytes]:
    """One of the package's processes."""
    command = [sys.executable, str(workspace / "lib" / "trustseg_ros" / executable), "--ros-args"]
    for name, value in parameters.items():
        text = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
        command += ["-p", f"{name}:={text}"]
    command += more
    with log.open("ab") as out:
        return subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)


def measure(folder: Path) -> None:
    """Start everything, print one line for each state."""
    import numpy as np
    import psutil

    from bundle_factory import make_tiny_bundle, paint_scene
    from ros_probe import Probe
    from trustseg.host.ros_env import find_ros

    workspace = find_ros().workspace
    if workspace is None:
        sys.exit("no workspace: run scripts/setup.sh first")
    bundle = make_tiny_bundle(folder / "tiny", height=360, width=480)
    node = {"bundle": str(bundle), "backend": "onnxruntime", "autostart": True, "threads": 1, **TIMING}
    box = {"output": str(folder / "records"), "before_s": 10.0, "free_megabytes": 0.0, "topics": "", **TIMING}
    log = folder / "log"
    running = [start(workspace, "segmenter", node, log), start(workspace, "monitor", TIMING, log)]
    probe = Probe(rate_hz=RATE_HZ)
    rng, scene = np.random.default_rng(0), paint_scene(HEIGHT, WIDTH).astype(np.int16)
    noisy = [np.clip(scene + rng.integers(-6, 7, scene.shape), 0, 255).astype(np.uint8) for _ in range(16)]
    images = [array.array("B", each.tobytes()) for each in noisy]
    found: dict[str, list[float]] = {}
    sent: dict[str, int] = {}
    sending: list[float] = []  # how long the camera's publish took, ms, since it was asked last
    sendings: dict[str, list[float]] = {}

    def publish() -> None:
        data = images[len(probe.sent) % len(images)]
        image = probe.image(height=HEIGHT, width=WIDTH, step=3 * WIDTH, data=data)
        begun = time.perf_counter()
        probe.publish(image)
        sending.append((time.perf_counter() - begun) * 1e3)

    def drive(name: str, seconds: float) -> None:
        first, before, end = len(probe.statuses), len(probe.sent), time.monotonic() + seconds
        probe.until(lambda: time.monotonic() > end, "end of a round", every=publish)
        found.setdefault(name, []).extend(s.latency_ms for s in probe.statuses[first:] if not s.outcome)
        sendings.setdefault(name, []).extend(sending)
        sending.clear()
        sent[name] = sent.get(name, 0) + len(probe.sent) - before

    try:
        probe.until(probe.statuses_of_frames, "first status", every=publish)
        for _ in range(ROUNDS):
            drive("without", SECONDS)
            running.append(start(workspace, "blackbox", box, log))
            process = psutil.Process(running[-1].pid)
            drive("while one starts", SECONDS)
            begun, used = time.monotonic(), sum(process.cpu_times()[:2])
            drive("with one", SECONDS)
            share = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - begun)
            print(f"the black box: {share:.2f} of a core, {process.memory_info().rss / 1e6:.0f} MB resident")
            running[-1].send_signal(signal.SIGTERM)
            running.pop().wait()
            drive("after it", 2.0)
    finally:
        probe.close()
        for each in running:
            each.send_signal(signal.SIGTERM)
            each.wait()
    for name, latencies in found.items():
        p50, p95, p99 = np.percentile(latencies, [50, 95, 99])
        print(
            f"{name}: {len(latencies)} of {sent[name]} frames processed, "
            f"latency p50 {p50:.1f} p95 {p95:.1f} p99 {p99:.1f} ms, "
            f"the camera's publish p50 {np.median(sendings[name]):.1f} ms"
        )


if __name__ == "__main__":
    from trustseg.host import ros_env
    from trustseg_lab.harness.domains import own_domain

    ros_env.enter()
    sys.path[:0] = [str(ROOT / "tests" / folder) for folder in (".", "made", "rigs")]
    with own_domain() as domain, tempfile.TemporaryDirectory() as made:
        os.environ |= {"ROS_DOMAIN_ID": str(domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
        measure(Path(made))
