# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A stream of statuses into one state machine, for the tests of its behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.failsafe.evidence import Evidence, FailsafeConfig, Snapshot
from trustseg.failsafe.state_machine import StateMachine
from trustseg.reasons import Reason, State, severity_of

PERIOD = SECOND // 30
BOUNDS = derive_bounds(PERIOD, 50 * MS)


@dataclass
class Drive:
    """A stream of statuses at the camera's period into one machine."""

    config: FailsafeConfig = field(default_factory=lambda: FailsafeConfig(BOUNDS))
    instance: int = 7
    seq: int = 0
    now: int = SECOND
    latched: Reason = Reason.NONE

    def __post_init__(self) -> None:
        self.machine = StateMachine(self.config, self.now, self.latched)

    def send(self, reasons: Reason = Reason.NONE, *, step: int = PERIOD, **changes: object) -> Snapshot:
        self.seq += 1
        self.now += step
        evidence = Evidence(
            instance_id=self.instance,
            seq=self.seq,
            frame_ok=not reasons,
            severity=severity_of(reasons),
            reasons=int(reasons),
            failure_score=0.1,
            recovery_threshold=0.3,
            stamp_ns=self.now,
        )
        return self.machine.on_status(replace(evidence, **changes), self.now)

    def good(self, count: int = 1) -> Snapshot:
        for _ in range(count):
            snapshot = self.send()
        return snapshot

    def tick(self, step: int) -> Snapshot:
        self.now += step
        return self.machine.on_tick(self.now)


def ok_drive(**config: object) -> Drive:
    drive = Drive(config=FailsafeConfig(BOUNDS, **config))
    assert drive.good(40).state is State.OK
    return drive
