"""Images that the node never got to see are counted: by the numbers of their writer, and in a node that was stopped."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray

from bundle_factory import make_tiny_bundle
from ros_probe import HEIGHT, WIDTH, Probe
from trustseg_ros.arrivals import MOST_MISSED, Arrivals
from trustseg_ros.diagnostics import INPUT, LOST, OVERWRITTEN, TAKEN_IN, TOPIC

BURST = 40


@pytest.mark.parametrize(
    ("numbers", "missed"),
    [
        ([], 0),
        ([7], 0),
        ([1, 2, 3], 0),
        ([1, 3], 1),
        ([5, 9, 10, 12], 4),
        ([8, 1, 2], 0),  # another writer, or the same one restarted
        ([8, 1, 3], 1),
        ([None, 4, None, 6], 1),
        ([1, 2 + MOST_MISSED], MOST_MISSED),
        ([1, 3 + MOST_MISSED, 5 + MOST_MISSED], 1),
    ],
)
def test_gaps_in_the_numbers_are_counted(numbers: list[int | None], missed: int) -> None:
    arrivals = Arrivals()
    for number in numbers:
        arrivals.note(number)
    assert arrivals.missed == missed


def test_what_a_stopped_node_could_not_take_is_counted(
    start_node: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    bundle = make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    timing = {"camera_rate_hz": 10.0, "latency_budget_ms": 3000.0}
    probe = Probe()
    counted: dict[str, int] = {}

    def note(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name == f"trustseg: {INPUT}":
                values = {pair.key: pair.value for pair in status.values}
                counted.update({key: int(values[key]) for key in (TAKEN_IN, LOST, OVERWRITTEN)})

    try:
        probe.node.create_subscription(DiagnosticArray, TOPIC, note, 10)
        parameters = {"bundle": str(bundle), "backend": "onnxruntime", "autostart": True, **timing}
        process = start_node("segmenter", parameters)
        probe.connect()
        first = next(i for i, stamp in enumerate(probe.sent) if stamp in probe.answered())
        process.send_signal(signal.SIGSTOP)
        for _ in range(BURST):
            probe.publish()
        process.send_signal(signal.SIGCONT)
        # Best effort keeps the newest five: the others were never the node's to answer. Ten a second go on meanwhile.
        probe.until(
            lambda: sum(counted.values()) >= len(probe.sent) - first and counted[OVERWRITTEN] > 0, "counters",
            every=lambda: len(probe.sent) < first + 4 * BURST and probe.publish(),
        )  # fmt: skip
    finally:
        probe.close()
    assert counted[OVERWRITTEN] + counted[LOST] <= BURST
