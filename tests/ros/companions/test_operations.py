# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bridge as a process: metrics over HTTP, machine and fault in /diagnostics, a monitor that falls silent."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray

from fake_segmenter import FakeSegmenter
from ros_probe import TIMING, Probe
from trustseg.reasons import Reason, State
from trustseg_ros.operations.node import NODE_NAME

StartNode = Callable[..., "subprocess.Popen[bytes]"]


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def metrics(port: int) -> dict[str, float]:
    """Metric with its labels but the camera's -> value; empty while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
    except OSError:
        return {}
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {re.sub(r',?camera="camera",?', "", name).replace("{}", ""): float(value) for name, value in pairs}


def test_metrics_diagnostics_and_silence(monitor: StartNode, start_node: StartNode, probe: Probe) -> None:
    port = free_port()
    start_node("operations", {"port": port, "period_s": 0.2, **TIMING})
    told: dict[str, dict[str, str]] = {}
    stages: list[set[str]] = []

    def on_diagnostics(message: DiagnosticArray) -> None:
        for each in message.status:
            told[each.name] = {"message": each.message, **{pair.key: pair.value for pair in each.values}}

    def on_stages(message: DiagnosticArray) -> None:
        stages.append({each.name for each in message.status})

    probe.node.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 10)
    probe.node.create_subscription(DiagnosticArray, f"{NODE_NAME}/stage_times", on_stages, 10)
    probe.until(lambda: metrics(port), "metrics")
    assert metrics(port)["trustseg_failure"] == 1.0  # nobody has said that anything is good
    probe.until(lambda: told.get(f"{NODE_NAME}: fault"), "fault")
    assert told[f"{NODE_NAME}: fault"]["fault_code"] == "TRUSTSEG_NO_VERDICT"

    process = monitor()
    fake = FakeSegmenter(probe)
    probe.until(lambda: metrics(port).get("trustseg_failure") == 0.0, "flag down", every=fake.send)
    probe.until(lambda: any(v.state == State.OK for v in probe.verdicts), "OK", every=fake.send)
    assert metrics(port)['trustseg_state{state="OK"}'] == 1.0
    probe.until(lambda: told[f"{NODE_NAME}: fault"]["fault_code"] == "", "no fault", every=fake.send)
    probe.until(lambda: stages and f"{NODE_NAME}: delivery_ms" in stages[-1], "stage times", every=fake.send)
    assert "message" in told[f"{NODE_NAME}: machine"]

    probe.until(
        lambda: metrics(port).get('trustseg_reason{reason="DARK"}') == 1.0, "DARK", every=lambda: fake.send(Reason.DARK)
    )
    probe.until(
        lambda: told[f"{NODE_NAME}: fault"]["fault_code"] == "TRUSTSEG_DARK", "fault code",
        every=lambda: fake.send(Reason.DARK),
    )  # fmt: skip
    probe.until(lambda: metrics(port).get("trustseg_failure") == 0.0, "flag down again", every=fake.send)
    process.send_signal(signal.SIGSTOP)
    try:
        probe.until(
            lambda: metrics(port).get("trustseg_failure") == 1.0, "flag up for a silent monitor", every=fake.send
        )
    finally:
        process.send_signal(signal.SIGCONT)


def test_a_port_that_is_taken_ends_it_with_one_line(start_node: StartNode, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start_node("operations", {"port": taken.getsockname()[1], **TIMING}, name="bridge")
        assert process.wait(60) == 2
    lines = [line for line in (tmp_path / "bridge.log").read_text().splitlines() if line.startswith("trustseg:")]
    assert len(lines) == 1
    assert "cannot be served" in lines[0]


@pytest.mark.parametrize("address", ["127.0..1", "999.1.1.1", "x" * 64])
def test_an_address_that_is_none_ends_it_with_one_line(address: str, start_node: StartNode, tmp_path: Path) -> None:
    process = start_node("operations", {"address": address, "port": free_port(), **TIMING}, name="bridge")
    assert process.wait(60) == 2
    text = (tmp_path / "bridge.log").read_text()
    assert f"trustseg: metrics cannot be served on {address}:" in text
    assert "Traceback" not in text
