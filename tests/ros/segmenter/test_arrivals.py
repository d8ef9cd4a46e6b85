# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Images that the node never got to see are counted, and a driver that comes back is no second camera."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray

from ros_probe import Probe
from trustseg.reasons import Reason
from trustseg_ros.common.diagnostics import INPUT, LOST, OVERWRITTEN, TAKEN_IN, TOPIC

pytestmark = pytest.mark.usefixtures("quick_starts")

BURST = 40
CAMERA = """
import sys
sys.path[:0] = sys.argv[1:]
from ros_probe import Probe
probe = Probe()
while True:
    probe.until(lambda: False, "end", every=probe.publish)
"""


def test_a_camera_driver_that_is_killed_and_started_again_is_one_camera(
    segmenter: Callable[..., subprocess.Popen[bytes]], start_process: Callable[..., Any], probe: Probe, tmp_path: Path
) -> None:
    """DDS goes on counting the dead one for its lease of 20 s."""
    program = tmp_path / "camera.py"
    program.write_text(CAMERA)
    tests = Path(__file__).parents[2]
    helpers = [str(tests / folder) for folder in (".", "made", "rigs")]

    segmenter(latency_budget_ms=3000.0)
    first = start_process(sys.executable, program, *helpers, name="first")
    probe.until(lambda: len(probe.statuses_of_frames()) > 5, "statuses")
    # The node may have heard it before this process has: killed then, it would never be known here.
    probe.until(lambda: probe.node.count_publishers("image") > 1, "a second publisher")
    first.kill()
    first.wait()
    assert probe.node.count_publishers("image") > 1
    before = len(probe.statuses)
    second = start_process(sys.executable, program, *helpers, name="second")
    probe.until(lambda: len(probe.statuses) > before + 10, "statuses of the second one")
    of_second = probe.statuses[before:]
    assert not any(Reason(status.reasons) & Reason.MULTI_SOURCE for status in of_second)
    assert any(status.frame_ok for status in of_second)
    second.kill()  # a loop without an end, which a polite signal does not always end


def test_what_a_stopped_node_could_not_take_is_counted(
    segmenter: Callable[..., subprocess.Popen[bytes]], probe: Probe
) -> None:
    counted: dict[str, int] = {}

    def note(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == f"trustseg: {INPUT}":
                values = {pair.key: pair.value for pair in status.values}
                counted.update({key: int(values[key]) for key in (TAKEN_IN, LOST, OVERWRITTEN)})

    probe.node.create_subscription(DiagnosticArray, TOPIC, note, 10)
    process = segmenter(latency_budget_ms=3000.0)
    probe.connect()
    first = next(i for i, stamp in enumerate(probe.sent) if stamp in probe.answered())

    def all_are_counted() -> bool:
        """Of the images from the first one that was heard up to the last one, which has its status."""
        return sum(counted.values()) >= len(probe.sent) - first

    # Best effort keeps the newest five: the others were never the node's to answer. Where the burst found it running
    # again before DDS had handed all over, none was overwritten: another one follows.
    bursts = 0
    while not counted.get(OVERWRITTEN):
        bursts += 1
        assert bursts <= 10, (counted, len(probe.sent))
        process.send_signal(signal.SIGSTOP)
        for _ in range(BURST):
            probe.publish()
        process.send_signal(signal.SIGCONT)
        probe.settle()  # a number of DDS is missing only once a later one has come
        probe.until(all_are_counted, "counters")
    assert sum(counted.values()) <= len(probe.sent)
    # What has a status was taken in; counters and statuses are two topics, of which either may be first.
    assert counted[OVERWRITTEN] + counted[LOST] <= len(probe.sent) - len(probe.answered())
