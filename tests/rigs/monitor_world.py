# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The monitor's core with clocks that a test moves, and everything that comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.failsafe.publication import host_id
from trustseg.reasons import Outcome, Reason, Severity, State
from trustseg_ros.monitor.latch_file import LatchFile

pytest.importorskip("trustseg_interfaces", reason="the messages are not built")
from trustseg_interfaces.msg import SegmentationStatus

from trustseg_ros.common.integrity import seal
from trustseg_ros.monitor.core import MonitorCore, MonitorOutputs

PERIOD = SECOND // 30
BOUNDS = derive_bounds(PERIOD, 50 * MS)
ROS_START = 1_700_000_000 * SECOND + 123
OK, WARN, ERROR = b"\x00", b"\x01", b"\x02"


@dataclass
class Log:
    lines: list[tuple[str, str]] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)

    def info(self, text: str) -> None:
        self.lines.append(("info", text))

    def warning(self, text: str) -> None:
        self.lines.append(("warning", text))

    def error(self, text: str, **options: Any) -> None:
        self.lines.append(("error", text))
        self.options.append(options)


class World:
    """A core, what came out of it, and the clocks it sees; ROS time runs with the steady clock."""

    def __init__(self, folder: Path, *, latched: Reason = Reason.NONE, **config: Any) -> None:
        self.now = SECOND
        self.log = Log()
        self.alive = True
        self.verdicts: list[Any] = []
        self.flags: list[bool] = []
        self.diagnostics: list[Any] = []
        self.woken: list[int] = []
        self.latch_file = LatchFile(folder / "kept" / "latched.json")
        if latched:
            self.latch_file.write(latched)
        self.seq = 0
        outlets = MonitorOutputs(
            verdict=self.verdicts.append, flag=self.flags.append, diagnostics=self.diagnostics.append,
            wake_at=self.woken.append, log=self.log,
            steady_ns=lambda: self.now, ros_ns=lambda: ROS_START + self.now, running=lambda: self.alive,
        )  # fmt: skip
        self.core = MonitorCore("the_monitor", 99, FailsafeConfig(BOUNDS, **config), outlets, self.latch_file, 1.0)

    def status(self, reasons: Reason = Reason.NONE, **changes: Any) -> SegmentationStatus:
        self.seq += 1
        message = SegmentationStatus(
            instance_id=7, seq=self.seq, outcome=int(Outcome.PROCESSED), frame_ok=not reasons,
            severity=int(Severity.GOOD), reasons=int(reasons), failure_score=0.25, recovery_threshold=0.5,
        )  # fmt: skip
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(self.now, SECOND)
        message.camera_period_ns, message.slowest_period_ns, message.latency_budget_ns = BOUNDS.timing
        message.fault_injection = False
        message.publish_steady_ns, message.host_id = self.now, host_id()
        for name, value in changes.items():
            setattr(message, name, value)
        seal(message)
        return message

    def send(self, reasons: Reason = Reason.NONE, **changes: Any) -> Any:
        self.now += PERIOD
        self.core.on_status(self.status(reasons, **changes))
        return self.verdicts[-1]

    def until_ok(self) -> World:
        for _ in range(20):
            self.send()
        assert self.state is State.OK
        return self

    @property
    def state(self) -> State:
        return State(self.verdicts[-1].state)

    def values(self) -> dict[str, str]:
        return {pair.key: pair.value for pair in self.diagnostics[-1].values}
