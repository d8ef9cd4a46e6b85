# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two networks of one node, both loaded and proved: the heavy one, and the light one for when there is no time for it.

The one that serves is tested as a network that is alone. The light one is tested in turns with it, so that it is proved
when it is needed; the heavy one while the light one serves only when it is tried, and it serves only when that passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from trustseg.bounds import MS, SECOND
from trustseg_ros.segmenter.backend.failover import BackendFailover
from trustseg_ros.segmenter.backend.network_choice import NetworkChoice
from trustseg_ros.segmenter.backend.self_test_plan import MARGIN, SelfTestPlan


class Network:
    """One loaded bundle with the clock of its tests.

    Args:
        engines: its engine in use and spares. plan: when it is tested. now_ns, test_ns: its test at activation.

    Attributes:
        frame_ns: what its newest frame took, 0 before the first. is_proved: whether its last test came to an end.
        quickest_ns, newest_ns: what its tests took. newest_at_ns: when the newest one was.
    """

    def __init__(self, engines: BackendFailover, plan: SelfTestPlan, now_ns: int, test_ns: int) -> None:
        self.engines, self.plan = engines, plan
        self.quickest_ns = self.newest_ns = test_ns
        self.newest_at_ns, self.frame_ns, self.is_proved = now_ns, 0, True

    @property
    def name(self) -> str:
        """Of its bundle."""
        return self.engines.pipeline.bundle.card.name

    def note_test(self, now_ns: int, took_ns: int, finished: bool = True) -> None:
        """A golden image has run on it; where it is not `finished` the engine raised."""
        self.plan.note_test(now_ns, took_ns, finished)
        self.is_proved = finished
        if finished:
            self.newest_ns, self.newest_at_ns = took_ns, now_ns
            self.quickest_ns = min(self.quickest_ns, took_ns)


@dataclass(frozen=True)
class Due:
    """A test beside those of the network that serves.

    Attributes:
        network: to be tested. takes_ns: what that is expected to take.
        must: whether it may take the place of a frame.
    """

    network: Network
    takes_ns: int
    must: bool


class LightNetwork:
    """Which network serves and which test is due for the other one.

    Args:
        heavy, light: the networks. choice: decides between them. logger: of the node. fresh_ns: a test of the light
            network that is older says nothing of how busy the machine is now.
    """

    def __init__(self, heavy: Network, light: Network, choice: NetworkChoice, logger: Any, fresh_ns: int) -> None:
        self.heavy, self.light, self.choice = heavy, light, choice
        self._logger, self._fresh_ns = logger, fresh_ns
        self._left_ns = 0
        # The last trial in vain: what it took, and what a test of the light network took then.
        self._vain: tuple[int, int] | None = None
        # Whether room for a trial is looked for, which goes on for as long as the light network's test tells anything.
        self._looks_for_room = False

    @property
    def serving(self) -> Network:
        """The network whose masks are published."""
        return self.light if self.choice.is_light else self.heavy

    def note_frame(self, arrived_ns: int, took_ns: int, answered_ns: int, skipped: int = 0) -> None:
        """As `SelfTestPlan.note_frame`, of the network that serves; `skipped`: frames so far."""
        self.serving.frame_ns = took_ns
        # Room for a test of either is judged by all frames.
        for each in (self.heavy, self.light):
            each.plan.note_frame(arrived_ns, took_ns, answered_ns)
        if not self.choice.is_light:
            self.choice.note_frame(answered_ns, answered_ns - arrived_ns, skipped)

    def leave(self, now_ns: int) -> bool:
        """Let the light network serve where the heavy one does not fit; whether it is another one than before."""
        why = "" if self.choice.is_light else self.choice.why or self._unproved(now_ns)
        if not why:
            return False
        if not self.light.is_proved or self.light.plan.is_overdue(now_ns):
            text = f"{self.heavy.name} does not fit ({why}), and {self.light.name} is not proved"
            self._logger.error(text, throttle_duration_sec=60.0)
            return False
        self.choice.leave(now_ns)
        self._left_ns, self._vain, self._looks_for_room = now_ns, None, False
        self._logger.warning(
            f"{self.light.name} serves, for {self.choice.dwell_ns / SECOND:.0f} s at the least: {self.heavy.name} does "
            f"not fit, {why}"
        )
        return True

    def due(self, now_ns: int) -> Due | None:
        """The test that is due beside those of the network that serves."""
        if not self.choice.is_light:
            plan = self.light.plan
            return Due(self.light, self.light.newest_ns, plan.must_be(now_ns)) if plan.is_due(now_ns) else None
        if not self.choice.trial_is_due(now_ns):
            return None
        if now_ns - self.light.newest_at_ns > self._fresh_ns:
            if self._looks_for_room:
                self._looks_for_room = False
                self.choice.put_off(now_ns)
                return None
            return Due(self.light, self.light.newest_ns, True)
        self._looks_for_room = True
        return Due(self.heavy, self._expected_ns(), True)

    def tried(self, now_ns: int, took_ns: int, passed: bool) -> bool:
        """The heavy network was tried; whether it serves again."""
        frame_ns = took_ns + self.light.plan.beside_the_engine_ns(self.light.quickest_ns)
        heavy, light, choice = self.heavy.name, self.light.name, self.choice
        self._looks_for_room = False
        if passed:
            self.heavy.plan.expect_frames_of(frame_ns)
        if not choice.tried(now_ns, frame_ns if passed else None):
            self._vain = (took_ns, self.light.newest_ns)
            self._logger.info(
                f"{light} goes on: a trial of {heavy} took {took_ns / MS:.0f} ms"
                f"{'' if passed else ' and failed'}; the next in {choice.dwell_ns / SECOND:.0f} s"
            )
            return False
        self._logger.info(
            f"{heavy} serves again after {(now_ns - self._left_ns) / SECOND:.0f} s: a trial took {took_ns / MS:.0f} "
            f"ms, a frame would take {frame_ns / MS:.0f} ms"
        )
        return True

    def no_room(self, due: Due) -> None:
        """Say that a test which must be fits nowhere."""
        if due.must:
            text = f"no room for a golden image of {due.network.name}, expected to take {due.takes_ns / MS:.0f} ms"
            self._logger.warning(text, throttle_duration_sec=60.0)

    def figures(self) -> dict[str, Any]:
        """For /diagnostics."""
        return {
            "network": self.serving.name, "heavy network": self.heavy.name, "light network": self.light.name,
            "network switches": self.choice.switches, "heavy network ms": self.heavy.frame_ns / MS,
            "light network ms": self.light.frame_ns / MS,
        }  # fmt: skip

    def _unproved(self, now_ns: int) -> str:
        """That the heavy network's golden image finds no room beside its frames, as a reason to leave it: a trial,
        which proves it again, does."""
        if not self.heavy.plan.is_overdue(now_ns):
            return ""
        return f"its golden image has found no room for {self.heavy.plan.postponed(now_ns)} periods"

    def _expected_ns(self) -> int:
        """What a trial will take, with a margin: one that takes too long makes the stream stale.

        As in good times, and longer by as much as the light network's test is; no less than the last trial in vain,
        scaled likewise.
        """
        light_ns = self.light.newest_ns
        expected_ns = self.heavy.quickest_ns * light_ns / self.light.quickest_ns
        if self._vain is not None:
            expected_ns = max(expected_ns, self._vain[0] * light_ns / self._vain[1])
        return round(expected_ns / MARGIN)
