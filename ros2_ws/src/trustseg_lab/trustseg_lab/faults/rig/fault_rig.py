# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Stack and probe together, with an operator, who brings the system back to OK between faults and says how."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from trustseg.bounds import SECOND
from trustseg.errors import TrustSegError
from trustseg_lab.faults.rig.planner_probe import ALONE, ANSWERS, CONSUMER, GUARD, VERDICTS, PlannerProbe
from trustseg_lab.faults.rig.stack import SEGMENTER, Stack

START_LIMIT_S = 90.0
OPERATOR_STEP_S = 1.0
# Reasons that a reset alone does not cure: the engine itself is unsound, and the node must be started again.
UNSOUND = {"SELF_TEST", "MODEL_INTEGRITY"}


@dataclass
class FaultRig:
    """What every fault works with.

    Attributes:
        stack, probe: the processes and who listens to them.
        say: gets lines for the log: resets, restarts by hand.
        resets: how often the operator reset a latch.
    """

    stack: Stack
    probe: PlannerProbe
    say: Callable[[str], None]
    resets: int = 0
    notes: list[str] = field(default_factory=list)

    def wait_ok(self, limit_s: float = START_LIMIT_S, frames: int = 0) -> bool:
        """Whether the system came to OK in time, with guard and consumer content; latches are reset on the way.

        Args:
            limit_s: how long it may take. frames: that the segmenter must have processed since its start.
        """
        end = time.monotonic() + limit_s
        while True:
            if self.probe.wait(lambda: self._all_ok(frames) or self._latched(), max(0.0, end - time.monotonic())):
                if self._all_ok(frames):
                    return True
                self._operate()
                self.probe.wait(lambda: not self._latched(), OPERATOR_STEP_S)
            if time.monotonic() > end:
                return False

    def operate(self) -> None:
        """Reset a latch, if there is one."""
        if self._latched():
            self._operate()

    def _all_ok(self, frames: int) -> bool:
        probe = self.probe
        heard = [probe.moments[where] for where in (VERDICTS, GUARD, CONSUMER)]
        quiet = all(kept and not kept[-1].failure for kept in heard)
        status = probe.status
        return quiet and probe.state == "OK" and status is not None and status.processed >= frames

    def _latched(self) -> bool:
        return self.probe.state == "LATCHED"

    def _operate(self) -> None:
        """Reset a latch; where the engine is unsound, first start the node again, as its log asks for."""
        latest = self.probe.moments[VERDICTS][-1]
        if UNSOUND & set(latest.reasons):
            self._note(f"operator: segmenter started again, {', '.join(latest.reasons)}")
            status = self.probe.status
            gone = 0 if status is None else status.instance_id
            self.stack.restart(SEGMENTER)
            self.probe.wait(lambda: self.probe.status and self.probe.status.instance_id != gone, START_LIMIT_S)
        self.resets += 1
        self._note(f"operator: {self.probe.reset()}")

    def _note(self, text: str) -> None:
        self.notes.append(text)
        self.say(text)

    def describe(self) -> str:
        """The newest verdict, for a text."""
        kept = self.probe.moments[VERDICTS]
        return f"{kept[-1].state} {', '.join(kept[-1].reasons)}".rstrip() if kept else "no verdict"

    def now_ns(self) -> int:
        """The steady clock."""
        return time.monotonic_ns()

    def rest(self, duration_ns: int) -> None:
        """Let a fault go on while the probe listens; raises what went wrong meanwhile."""
        end = time.monotonic_ns() + duration_ns
        while (left := end - time.monotonic_ns()) > 0:
            self.probe.wait(lambda: False, min(0.2, left / SECOND))

    def alive(self, name: str) -> None:
        """TrustSegError unless a program runs."""
        if not self.stack.is_running(name):
            raise TrustSegError(f"the {name} has ended", got=self.stack.last_words(name))


# Where a kind shows when not in the monitor's verdicts.
PLACES = {
    "no_camera": ALONE, "monitor_killed": GUARD, "monitor_stopped": GUARD, "mask_of_another_frame": CONSUMER,
    "bad_parameter": ANSWERS,
}  # fmt: skip


def place_of(kind: str) -> str:
    """Which of the probe's lists shows a kind of fault."""
    return PLACES.get(kind, VERDICTS)
