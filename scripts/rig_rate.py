# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether a rig of cameras keeps up on this machine: frames sent, answered with a mask, overtaken and lost, by camera.

    .venv/bin/python scripts/rig_rate.py --bundle segnet_lite                three cameras of 360x480 at 5 Hz
    .venv/bin/python scripts/rig_rate.py --bundle tiny --cameras 4 --rate 10

Real processes over DDS in a domain of their own: the cameras, `segmenter_rig`, a monitor a camera and the rig's
monitor. The cameras show one rendered drive, each from another place on. `tiny` is the tests' network: it shows the way
of the frames and not what a network costs. Exit code 1 when a frame has no mask.
"""

from __future__ import annotations

import argparse
import array
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("front", "left", "right", "rear", "front_left", "front_right", "rear_left", "rear_right")
DRIVE_S = 30.0  # after which the cameras see the same again


def main() -> int:
    """0 when every frame has a mask."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", default="tiny")
    parser.add_argument("--backend", default="onnxruntime")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--cameras", type=int, default=3, choices=range(1, len(NAMES) + 1))
    parser.add_argument("--rate", type=float, default=5.0, help="of each camera, Hz")
    parser.add_argument("--budget", type=float, default=400.0, help="latency budget, ms")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--size", default="360x480", help="HEIGHTxWIDTH, pixels")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "made"), str(ROOT / "tests" / "rigs")]
    from blackbox_cost import start

    from trustseg.host.ros_env import enter, find_ros
    from trustseg_lab.cli.image_size import parse_size
    from trustseg_lab.harness.domains import own_domain

    enter()
    workspace = find_ros().workspace
    if workspace is None:
        sys.exit("no workspace: run scripts/setup.sh first")
    running = []
    with own_domain() as domain, tempfile.TemporaryDirectory() as scratch:
        os.environ |= {
            "ROS_DOMAIN_ID": str(domain), "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "XDG_RUNTIME_DIR": scratch,
        }  # fmt: skip
        names, log = NAMES[: options.cameras], Path(scratch) / "log"
        timing = {"camera_rate_hz": options.rate, "latency_budget_ms": options.budget}
        height, width = parse_size(options.size)
        street = drive_of((height, width), options.rate)
        bundle = options.bundle
        if bundle == "tiny":
            from bundle_factory import make_tiny_bundle

            bundle = str(make_tiny_bundle(Path(scratch) / "tiny", height=height, width=width))
        node = {
            "bundle": bundle,
            "backend": options.backend,
            "precision": options.precision,
            "threads": options.threads,
            "autostart": True,
            **timing,
        }
        rig = {"cameras": ",".join(names)}
        try:
            running.append(start(workspace, "segmenter_rig", {**node, **rig}, log))
            running.append(start(workspace, "rig_monitor", {**timing, **rig}, log))
            running += [start(workspace, "monitor", timing, log, "-r", f"__ns:=/{name}") for name in names]
            pids = [process.pid for process in running]
            return measure(names, street, options.rate, options.seconds, pids)
        finally:
            for process in running:
                process.send_signal(signal.SIGINT)
            for process in running:
                process.wait()


def processor_s(pid: int) -> float:
    """Processor time that a process has used so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def drive_of(size: tuple[int, int], rate_hz: float) -> list[np.ndarray]:
    """Images of a rendered drive without a trouble: uint8 BGR of (height, width)."""
    from trustseg_lab.data.labelled_images import read_image
    from trustseg_lab.harness.rendered import rendered_drive
    from trustseg_lab.harness.script import plan_script

    script, _ = plan_script((), rate_hz, DRIVE_S)
    drive = rendered_drive(script, 0, size)
    return [read_image(drive.image_path(slot)) for slot in range(drive.slots)]


def measure(
    names: tuple[str, ...], street: Sequence[np.ndarray], rate_hz: float, seconds: float, pids: Sequence[int]
) -> int:
    """Drive the cameras, spread over the period, and print a table; the first of `pids` is the segmenters' process."""
    from sensor_msgs.msg import Image

    from rig_probe import RigProbe
    from ros_probe import stamp_ns
    from trustseg.reasons import Outcome, Reason, State

    height, width = street[0].shape[:2]
    pixels = [array.array("B", each.tobytes()) for each in street]
    probe = RigProbe(dict.fromkeys(names, 1))
    turn = 0

    def send() -> None:
        nonlocal turn
        name = names[turn % len(names)]
        message = Image(height=height, width=width, step=3 * width, encoding="bgr8")
        apart = turn % len(names) * len(pixels) // len(names)
        message.data = pixels[(apart + turn // len(names)) % len(pixels)]
        message.header.frame_id, message.header.stamp = name, probe.node.get_clock().now().to_msg()
        probe.cameras[name].sent.append(stamp_ns(message))
        probe.cameras[name].images.publish(message)
        turn += 1

    probe.period_s = 1.0 / (rate_hz * len(names))
    try:
        probe.until(
            lambda: all(each.processed() for each in probe.cameras.values()), "frame of each camera", every=send
        )
        begun = {name: len(each.sent) for name, each in probe.cameras.items()}
        end = time.monotonic() + seconds
        heard, used = len(probe.rig), [processor_s(pid) for pid in pids]
        probe.until(lambda: time.monotonic() >= end, "end", every=send)
        used = [processor_s(pid) - before for pid, before in zip(pids, used, strict=True)]
        sent = {name: each.sent[begun[name] :] for name, each in probe.cameras.items()}
        answered: dict[str, dict[int, Any]] = {}

        def all_are_answered() -> bool:
            for name, each in probe.cameras.items():
                answered[name] = {stamp_ns(s): s for s in each.statuses}
            return time.monotonic() > end + 10.0 or all(set(sent[name]) <= set(answered[name]) for name in names)

        probe.until(all_are_answered, "answers")
    finally:
        probe.close()
    print("| camera | sent | with a mask | overtaken | rejected | lost on the way | latency, median / worst |")
    print("|---|---|---|---|---|---|---|")
    missing = 0
    for name in names:
        found = [answered[name].get(stamp) for stamp in sent[name]]
        outcomes = [None if s is None else Outcome(s.outcome) for s in found]
        by = [outcomes.count(each) for each in (Outcome.PROCESSED, Outcome.SKIPPED, Outcome.REJECTED)]
        lost = outcomes.count(None)
        latency = sorted(s.latency_ms for s in found if s is not None) or [float("nan")]
        missing += len(found) - by[0]
        figures = f"{latency[len(latency) // 2]:.0f} / {latency[-1]:.0f} ms"
        print(f"| {name} | {len(found)} | {by[0]} | {by[1]} | {by[2]} | {lost} | {figures} |")
    frames = sum(map(len, sent.values()))
    others = 100 * sum(used[1:]) / seconds
    print(
        f"processor: segmenter_rig {1e3 * used[0] / frames:.0f} ms a frame; monitors together {others:.0f} % of a core"
    )
    verdicts = probe.rig[heard:]
    good = sum(not v.failure for v in verdicts)
    last = State(probe.rig[-1].state).name
    print(f"the rig's flag was down in {good} of {len(verdicts)} verdicts; the last one is {last}")
    for name in names:
        reasons = Reason(0)
        for status in answered[name].values():
            reasons |= Reason(status.reasons)
        print(f"{name}: {', '.join(each.name or '' for each in reasons) or 'no reason'}")
    return 1 if missing else 0


if __name__ == "__main__":
    raise SystemExit(main())
