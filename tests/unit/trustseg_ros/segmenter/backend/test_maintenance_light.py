# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The network that does not serve, in the node's care: its tests and trials, each answer of its plan given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine_stand import BOUNDS, Care, Stand
from trustseg.bounds import MS, SECOND
from trustseg.errors import EngineLostError
from trustseg.reasons import Reason
from trustseg_ros.segmenter.backend.failover import RETRY_NS
from trustseg_ros.segmenter.backend.light_network import Due, LightNetwork, Network
from trustseg_ros.segmenter.backend.network_choice import NetworkChoice
from trustseg_ros.segmenter.backend.self_test_plan import SelfTestPlan
from trustseg_ros.segmenter.supervisor import EXIT_LOST


class Lock:
    """Says whether it is free; nobody ever waits for it."""

    def __init__(self, free: bool) -> None:
        self.free, self.held = free, False

    def acquire(self, blocking: bool = True) -> bool:
        assert blocking is False
        self.held = self.free
        return self.free

    def release(self) -> None:
        assert self.held
        self.held = False


class Two:
    """A care with two networks, of which the one that does not serve is due as `due` says."""

    def __init__(self, *spares: str) -> None:
        self.made = Care(Stand(*spares), period_s=0.0)
        self.other = Stand()
        care = self.made.care
        light = Network(self.other.engines, SelfTestPlan(0.0, BOUNDS, 0, MS), 0, MS)
        for name, stand in (("heavy", self.made.stand), ("light", self.other)):
            made: Any = stand
            made.bundle = SimpleNamespace(card=SimpleNamespace(name=name))
            made.forget_past = lambda: None
        self.pair = LightNetwork(care._network, light, NetworkChoice(BOUNDS), self.made.stand.log, SECOND)
        care.light = self.pair
        self.served: list[Any] = []
        care._changed = self.served.append

    def light_serves(self) -> None:
        self.pair.choice.why = "late"
        assert self.pair.leave(0)
        self.made.care._serve(self.pair.light)

    def is_due(self, network: Network, must: bool = True) -> None:
        self.pair.due = lambda now_ns: Due(network, MS, must)  # type: ignore[method-assign]


def left_with_a_spare() -> Two:
    """The heavy network's first engine broke, its spare "good" took over, and then the light network came to serve."""
    two = Two("good")
    two.made.broke()
    two.light_serves()
    return two


def test_a_test_of_the_other_network_counts_as_use_of_the_engine() -> None:
    two = Two()
    assert two.made.care.look() is False  # nothing is due
    two.is_due(two.pair.light)
    watched: list[str] = []
    two.other.meanwhile = lambda: watched.extend(each.what for each in two.made.care._supervisor._watches.values())
    assert two.made.care.look() is True
    assert (two.other.tested, two.made.stand.tested) == (["first"], [])
    assert watched == ["the backend, in its self-test,"]
    assert not two.made.lock.locked()


@pytest.mark.parametrize("free", [True, False])
def test_a_test_of_the_other_network_waits_for_nobody(free: bool) -> None:
    two, lock = Two(), Lock(free)
    two.made.care._lock = lock  # type: ignore[assignment]
    two.is_due(two.pair.light)
    assert two.made.care.look() is free
    assert two.other.tested == (["first"] if free else [])
    assert not lock.held


def test_a_test_of_the_other_network_that_has_no_room_does_not_run() -> None:
    two = Two()
    two.made.care.plan = SimpleNamespace(  # type: ignore[assignment]
        is_due=lambda now_ns: False, fits=lambda *_: False, fits_in_place_of_a_frame=lambda *_: True,
    )  # fmt: skip
    two.is_due(two.pair.light, must=False)
    assert two.made.care.look() is False
    two.is_due(two.pair.light, must=True)
    assert two.made.care.look() is True


@pytest.mark.parametrize("golden", ["", "mask agreement 0.2"])
def test_a_heavy_network_that_was_left_with_a_spare_is_tried_on_its_first_engine(golden: str) -> None:
    two = left_with_a_spare()
    made = two.made
    made.now, made.stand.golden, made.stand.judged = RETRY_NS, golden, "the table has changed"
    two.served.clear()

    def takes_a_while() -> None:
        made.now += 30 * MS

    made.stand.meanwhile = takes_a_while
    two.is_due(two.pair.heavy)
    assert made.care.look()
    heavy = two.pair.heavy
    assert made.stand.tested == ["first"]
    assert heavy.is_proved is (not golden)
    assert two.served == ([] if golden else [made.stand])
    assert made.why == ([] if golden else ["the table has changed"])
    assert heavy.engines.reasons == (Reason.BACKEND_FALLBACK if golden else Reason.NONE)
    expected = (0, MS) if golden else (RETRY_NS + 30 * MS, 30 * MS)
    assert (heavy.newest_at_ns, heavy.newest_ns) == expected
    assert ("took 30 ms and failed" if golden else "a trial took 30 ms") in made.stand.log.lines[-1]


def test_a_first_engine_of_the_heavy_network_that_is_lost_ends_the_process() -> None:
    two = left_with_a_spare()
    two.made.stand.golden = EngineLostError("the context is lost")
    two.made.now = RETRY_NS
    two.is_due(two.pair.heavy)
    two.made.care.look()
    assert two.made.stand.tested == ["first"]
    assert two.made.ended == [EXIT_LOST]


def test_frames_of_a_node_with_one_network_are_its_plans() -> None:
    made, noted = Care(Stand()), []
    made.care.plan = SimpleNamespace(note_frame=lambda *frame: noted.append(frame))  # type: ignore[assignment]
    made.care.note_frame(1, 2, 3)
    assert noted == [(1, 2, 3)]


def test_whoever_is_told_of_another_engine_gets_the_pipeline_around_it() -> None:
    two = Two("good")
    two.made.broke()
    assert two.served == [two.made.stand]


def test_a_heavy_network_whose_first_engine_stays_broken_is_back_on_its_spare() -> None:
    two = left_with_a_spare()
    made = two.made
    made.stand.golden = "mask agreement 0.2"
    two.is_due(two.pair.heavy)
    made.now = RETRY_NS
    assert made.care.look()
    assert made.care.engines is two.pair.light.engines
    made.stand.golden = ""
    made.now += 3 * RETRY_NS
    assert made.care.look()
    assert made.stand.tested == ["first", "good"]
    assert made.care.engines is two.pair.heavy.engines
    assert made.care.engines.reasons == Reason.BACKEND_FALLBACK
    two.pair.choice.is_light = True
    made.now += 3 * RETRY_NS
    assert made.care.look()
    assert made.stand.tested == ["first", "good", "first"]  # which is asked again in the next trial


def test_while_the_light_network_serves_a_camera_that_pauses_is_made_use_of() -> None:
    two = Two()
    assert two.made.care.wait_s() is None  # no test is due in a node without a period
    two.light_serves()
    assert two.made.care.wait_s() == 1.0
