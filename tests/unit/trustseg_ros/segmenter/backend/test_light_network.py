# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Two networks in one node's care: which one serves, when each is tested, and what a test or a trial may cost."""

from __future__ import annotations

import threading
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from engine_stand import Log, Stand
from trustseg.bounds import MS, SECOND, Bounds, derive_bounds
from trustseg.errors import BackendError
from trustseg.reasons import Reason
from trustseg_ros.segmenter.backend.light_network import Due, LightNetwork, Network
from trustseg_ros.segmenter.backend.maintenance import BackendMaintenance
from trustseg_ros.segmenter.backend.network_choice import NetworkChoice
from trustseg_ros.segmenter.backend.self_test_plan import SelfTestPlan
from trustseg_ros.segmenter.supervisor import Supervisor

PERIOD = SECOND // 30
BOUNDS = derive_bounds(PERIOD, 50 * MS)
HEAVY, LIGHT = 24 * MS, 10 * MS
DWELL = 10 * SECOND


class Pair:
    """Two stands in one care; frames come at the camera's period and take what `takes` says of who serves."""

    def __init__(self, period_s: float = 60.0, bounds: Bounds = BOUNDS) -> None:
        self.now, self.slower, self.takes = 0, 1.0, {"heavy": HEAVY, "light": LIGHT}
        self.changed: list[str] = []
        self.forgotten: list[str] = []
        self.differs: list[str] = []
        self.tested: list[tuple[int, str]] = []
        self.log = Log()
        self.stands = {name: self._stand(name) for name in ("heavy", "light")}
        heavy, light = (
            Network(stand.engines, SelfTestPlan(period_s, bounds, 0, self.takes[name]), 0, self.takes[name])
            for name, stand in self.stands.items()
        )
        self.light = LightNetwork(heavy, light, NetworkChoice(bounds), self.log, bounds.rate_window_ns)
        supervisor = Supervisor(bounds, lambda: None, clock_ns=lambda: self.now)
        self.care = BackendMaintenance(
            heavy, threading.Lock(), supervisor, self.differs.append, lambda stand: self.changed.append(stand.which),
            self.log, clock_ns=lambda: self.now, light=self.light,
        )  # fmt: skip
        self.answers: list[tuple[int, int]] = []
        self.frame()  # the first one warms what no golden image warms

    def _stand(self, name: str) -> Any:
        stand: Any = Stand()
        stand.which, stand.bundle = name, SimpleNamespace(card=SimpleNamespace(name=name))
        stand.forget_past = lambda: self.forgotten.append(name)

        def test_takes_its_time() -> None:
            self.tested.append((self.now, name))
            self.now += round(self.takes[name] * self.slower)

        stand.meanwhile = test_takes_its_time
        return stand

    @property
    def serving(self) -> str:
        return str(self.care.engines.pipeline.which)  # type: ignore[attr-defined]

    def frame(self) -> int:
        """The next frame, at the latest one that arrived; its latency."""
        arrived = -(-self.now // PERIOD) * PERIOD
        if self.answers and arrived - self.now > PERIOD - 1:
            arrived = self.now
        self.now = max(self.now, arrived)
        took = round((self.takes[self.serving] + 2 * MS) * self.slower)
        self.now += took
        self.answers.append((arrived, self.now))
        self.care.note_frame(arrived, took, self.now)
        self.care.look()
        return took

    def drive(self, seconds: float) -> None:
        end = self.now + round(seconds * SECOND)
        while self.now < end:
            self.frame()

    @property
    def widest_gap(self) -> int:
        times = [answered for _, answered in self.answers]
        return max(later - earlier for earlier, later in pairwise(times))


def test_a_late_frame_is_the_last_one_of_the_heavy_network() -> None:
    pair = Pair()
    pair.drive(1.0)
    assert (pair.serving, pair.changed) == ("heavy", [])
    pair.takes["heavy"] = 60 * MS
    pair.frame()
    assert (pair.serving, pair.changed, pair.forgotten) == ("light", ["light"], ["light"])
    assert pair.care.plan is pair.light.light.plan
    said = [line for line in pair.log.lines if "serves" in line]
    assert said == [
        "warning: light serves, for 10 s at the least: heavy does not fit, a frame took 62 ms of 50 ms"
    ]  # fmt: skip


def test_it_is_back_after_the_dwell_proved_by_its_golden_image() -> None:
    pair = Pair(period_s=0.0)
    pair.takes["heavy"] = 60 * MS
    pair.frame()
    pair.takes["heavy"] = HEAVY
    left = pair.now
    pair.drive(9.9)
    assert (pair.serving, pair.tested) == ("light", [])
    pair.drive(0.3)
    assert (pair.serving, pair.changed, pair.forgotten) == ("heavy", ["light", "heavy"], ["light", "heavy"])
    # First how busy the machine is, by the light network's own test; then the trial.
    assert [name for _, name in pair.tested] == ["light", "heavy"]
    assert pair.now - left < 11 * SECOND
    assert pair.log.lines[-1] == ("info: heavy serves again after 10 s: a trial took 24 ms, a frame would take 26 ms")
    assert pair.widest_gap <= BOUNDS.age_limit_ns


def test_a_trial_that_is_still_too_slow_leaves_the_light_one() -> None:
    pair = Pair(period_s=0.0)
    pair.takes["heavy"] = 60 * MS
    pair.drive(11.0)
    assert (pair.serving, [name for _, name in pair.tested]) == ("light", ["light", "heavy"])
    assert pair.log.lines[-1] == "info: light goes on: a trial of heavy took 60 ms; the next in 20 s"
    pair.drive(18.0)
    assert len(pair.tested) == 2
    pair.takes["heavy"] = HEAVY
    pair.drive(3.0)
    # What it took the last time does not fit beside frames of this camera, and nothing says that it is quicker now.
    assert pair.serving == "light"
    assert any("no room for a golden image of heavy, expected to take 75 ms" in line for line in pair.log.lines)


def test_a_trial_in_vain_that_fits_beside_the_frames_is_repeated() -> None:
    pair = Pair(period_s=0.0)
    pair.takes["heavy"] = 49 * MS
    pair.drive(12.0)
    assert pair.serving == "light"
    pair.takes["heavy"] = HEAVY
    pair.drive(25.0)
    assert pair.serving == "heavy"
    assert pair.widest_gap <= BOUNDS.age_limit_ns


def test_while_the_machine_is_busy_no_trial_costs_a_frame() -> None:
    """Everything takes three times as long: the light network's test shows it."""
    pair = Pair(period_s=0.0)
    pair.drive(1.0)
    pair.slower = 2.8
    pair.drive(30.0)
    assert pair.serving == "light"
    names = [name for _, name in pair.tested]
    assert "heavy" not in names
    assert names.count("light") <= 3  # each of them costs a frame too
    assert pair.widest_gap <= BOUNDS.age_limit_ns
    pair.slower = 1.0
    pair.drive(12.0)
    assert pair.serving == "heavy"


def test_the_light_network_is_tested_in_turns_with_the_one_that_serves() -> None:
    pair = Pair()
    pair.drive(125.0)
    names = [name for _, name in pair.tested]
    assert (names.count("heavy"), names.count("light")) == (2, 2)
    assert pair.serving == "heavy"
    pair.stands["light"].golden = "mask agreement 0.2"
    pair.drive(60.0)
    assert pair.differs == ["mask agreement 0.2"]


def test_a_light_network_whose_engine_failed_does_not_serve() -> None:
    pair = Pair()
    pair.stands["light"].golden = BackendError("gone")
    pair.drive(61.0)
    pair.takes["heavy"] = 60 * MS
    pair.drive(0.5)
    assert (pair.serving, pair.changed) == ("heavy", [])
    assert any("heavy does not fit" in line and "light is not proved" in line for line in pair.log.lines)
    pair.stands["light"].golden = ""
    pair.now += 7 * SECOND
    pair.frame()
    pair.frame()
    assert pair.serving == "light"


@pytest.mark.parametrize("golden", ["mask agreement 0.2", BackendError("gone")])
def test_a_heavy_network_that_does_not_prove_itself_does_not_come_back(golden: Any) -> None:
    pair = Pair(period_s=0.0)
    pair.takes["heavy"] = 60 * MS
    pair.frame()
    pair.takes["heavy"], pair.stands["heavy"].golden = HEAVY, golden
    pair.drive(11.0)
    assert (pair.serving, pair.light.choice.dwell_ns) == ("light", 2 * DWELL)
    assert pair.differs == ([golden] if isinstance(golden, str) else [])
    assert any("a trial of heavy took 24 ms and failed" in line for line in pair.log.lines)


def test_judgement_is_looked_at_when_the_heavy_network_comes_back() -> None:
    pair = Pair(period_s=0.0)
    pair.takes["heavy"] = 60 * MS
    pair.frame()
    pair.takes["heavy"], pair.stands["heavy"].judged = HEAVY, "the table has changed"
    pair.drive(11.0)
    assert pair.serving == "heavy"
    assert "the table has changed" in pair.differs


def test_a_test_that_is_asked_for_is_of_the_network_that_serves() -> None:
    pair = Pair(period_s=0.0)
    pair.takes["heavy"] = 60 * MS
    pair.frame()
    asked = pair.care.ask()
    pair.care.look()
    assert asked.result(0).passed
    assert [name for _, name in pair.tested] == ["light"]


def test_the_figures_say_who_serves_and_how_long_each_takes() -> None:
    pair = Pair()
    pair.takes["heavy"] = 60 * MS
    pair.frame()
    pair.frame()
    assert pair.light.figures() == {
        "network": "light", "heavy network": "heavy", "light network": "light", "network switches": 1,
        "heavy network ms": 62.0, "light network ms": 12.0,
    }  # fmt: skip


def test_the_choice_is_told_of_a_frames_latency_and_of_what_was_skipped() -> None:
    pair, told = Pair(), []
    pair.light.choice = SimpleNamespace(is_light=False, note_frame=lambda *frame: told.append(frame))  # type: ignore[assignment]
    pair.care.note_frame(10, 20, 40, 3)
    assert told == [(40, 30, 3)]


def test_a_trial_that_broke_off_at_once_says_nothing_of_how_long_one_takes() -> None:
    pair = Pair(period_s=0.0)
    pair.light.choice.leave(0)
    pair.light.tried(DWELL, MS, False)
    pair.now = 3 * DWELL
    pair.light.light.note_test(pair.now, LIGHT)
    due = pair.light.due(pair.now)
    assert due is not None
    assert (due.network, due.takes_ns) == (pair.light.heavy, 30 * MS)


def test_what_is_not_possible_is_said_once_a_minute() -> None:
    pair = Pair(period_s=0.0)
    pair.light.no_room(Due(pair.light.heavy, 30 * MS, must=False))
    assert pair.log.lines == []
    pair.light.no_room(Due(pair.light.heavy, 30 * MS, must=True))
    pair.light.light.is_proved = False
    pair.light.choice.why = "late"
    assert not pair.light.leave(0)
    assert list(zip(pair.log.lines, pair.log.throttled_s, strict=True)) == [
        ("warning: no room for a golden image of heavy, expected to take 30 ms", 60.0),
        ("error: heavy does not fit (late), and light is not proved", 60.0),
    ]


@pytest.mark.parametrize(("at_s", "must"), [(53, None), (54, False), (60, True)])
def test_while_the_heavy_network_serves_a_test_of_the_light_one_is_due(at_s: int, must: bool | None) -> None:
    pair = Pair()
    expected = None if must is None else Due(pair.light.light, LIGHT, must)
    assert pair.light.due(at_s * SECOND) == expected


def test_a_trial_wants_a_fresh_test_of_the_light_network_first() -> None:
    pair = Pair(period_s=0.0)
    pair.light.choice.leave(0)
    assert pair.light.due(DWELL - 1) is None
    assert pair.light.due(DWELL) == Due(pair.light.light, LIGHT, True)
    pair.light.light.note_test(DWELL, LIGHT)
    trial = Due(pair.light.heavy, 30 * MS, True)
    assert pair.light.due(DWELL + BOUNDS.rate_window_ns) == trial
    # There was no room for it while the test told anything: it is put off, and begins with a test again.
    late = DWELL + BOUNDS.rate_window_ns + 1
    assert pair.light.due(late) is None
    assert pair.light.due(late + DWELL - 1) is None
    assert pair.light.due(late + DWELL) == Due(pair.light.light, LIGHT, True)


def test_how_long_the_light_network_served_is_said() -> None:
    pair = Pair(period_s=0.0)
    pair.light.choice.why = "late"
    assert pair.light.leave(7 * SECOND)
    assert pair.light.tried(18 * SECOND, LIGHT, passed=True)
    assert pair.log.lines[-1].startswith("info: heavy serves again after 11 s:")


def test_what_a_networks_tests_took_is_kept_where_they_came_to_an_end() -> None:
    network = Pair().light.light
    network.note_test(5 * SECOND, 8 * MS)
    network.note_test(6 * SECOND, 12 * MS)
    assert (network.newest_ns, network.newest_at_ns, network.quickest_ns) == (12 * MS, 6 * SECOND, 8 * MS)
    network.note_test(7 * SECOND, MS, finished=False)
    assert (network.newest_ns, network.newest_at_ns, network.quickest_ns) == (12 * MS, 6 * SECOND, 8 * MS)
    assert network.is_proved is False
    assert network.plan.until_due_ns(7 * SECOND) == 53 * SECOND
    network.note_test(8 * SECOND, 9 * MS)
    assert network.is_proved is True


def test_a_heavy_network_whose_golden_image_finds_no_room_keeps_nobody_from_being_proved() -> None:
    """At 30 Hz with 250 ms a frame of 148 ms leaves room for no test of as much: the light network proves itself all
    the same, serves when the heavy one has gone unproved for too long, and a trial proves that one."""
    pair = Pair(period_s=2.0, bounds=derive_bounds(PERIOD, 250 * MS))
    pair.takes = {"heavy": 146 * MS, "light": 20 * MS}
    pair.light.heavy.plan.note_test(pair.now, 146 * MS)
    pair.light.heavy.plan._tests_ns.popleft()  # that of the activation, in which it took less
    pair.drive(11.0)
    assert (pair.serving, pair.changed) == ("heavy", [])
    assert {name for _, name in pair.tested} == {"light"}
    assert len(pair.tested) >= 4
    overdue = 0
    for _ in range(1200):
        pair.frame()
        overdue += Reason.LATENCY in pair.care.reasons
    assert pair.changed[:2] == ["light", "heavy"]
    assert overdue == 0  # the change comes with the frame before the first one that would have said so
    assert any("its golden image has found no room for 5 periods" in line for line in pair.log.lines)


def test_a_frame_that_waited_for_a_trial_is_judged_by_the_network_that_answers_it() -> None:
    pair = Pair(period_s=0.0)
    plan = pair.light.heavy.plan
    for _ in range(30):
        pair.frame()  # of which the light network's plan has them too
    pair.light.choice.leave(pair.now)
    assert plan.takes_the_place_of(pair.now - 20 * MS, pair.now) is False
    assert pair.light.tried(pair.now, 17 * MS, True)
    # With the 16 ms that a frame takes beside the engine it would end 53 ms after it came, of 50 that it has.
    assert plan.takes_the_place_of(pair.now - 20 * MS, pair.now) is True
