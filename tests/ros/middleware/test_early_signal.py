# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C in a node's first second: no traceback, and gone as after any signal."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from patience import WAIT_S

StartNode = Callable[..., "subprocess.Popen[bytes]"]
# Moments of a start, in order: a library that has just been mapped, or a line of the log.
EARLY = ("/numpy/", "/_rclpy_pybind11", "/cv2/", "libfastrtps.so", "bounds: ", "configured: ", "active: ")


def mapped_or_said(process: subprocess.Popen[bytes], log: Path, what: str) -> bool:
    """Whether a library whose path holds `what` is mapped into the process, or its log says `what`."""
    try:
        maps = Path(f"/proc/{process.pid}/maps").read_text()
    except OSError:
        maps = ""
    return what in maps or (log.exists() and what in log.read_text())


def interrupt_at(process: subprocess.Popen[bytes], log: Path, moment: str) -> int:
    """Send SIGINT as soon as `moment` is reached; exit status of the process."""
    deadline = time.monotonic() + WAIT_S
    while not mapped_or_said(process, log, moment):
        assert process.poll() is None, "the node ended on its own"
        assert time.monotonic() < deadline, f"no {moment}"
        time.sleep(0.0005)
    process.send_signal(signal.SIGINT)
    return process.wait(WAIT_S)


@pytest.mark.parametrize("moment", EARLY)
def test_an_interrupted_start_is_quiet(segmenter: StartNode, tmp_path: Path, moment: str) -> None:
    process = segmenter(backend="auto")
    log = tmp_path / "segmenter.log"
    status = interrupt_at(process, log, moment)
    # Before ROS has taken the signal over it ends the process; afterwards the node ends in order.
    assert status in (-signal.SIGINT, 0)
    if moment in ("configured: ", "active: "):
        assert status == 0
    said = log.read_text()
    assert "Traceback" not in said, said
    assert "ERROR" not in said, said


@pytest.mark.parametrize("executable", ["monitor", "camera", "recorder"])
def test_every_node_is_quiet(start_node: StartNode, tmp_path: Path, executable: str) -> None:
    process = start_node(executable, {"source": "none"} if executable == "camera" else {})
    log = tmp_path / f"{executable}.log"
    assert interrupt_at(process, log, "/_rclpy_pybind11") in (-signal.SIGINT, 0)
    assert "Traceback" not in log.read_text()
