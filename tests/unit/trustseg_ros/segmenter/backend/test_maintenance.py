# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the worker does for its engine between frames: golden image, take-over, the first engine's way back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from engine_stand import BOUNDS, Care, Gate, Stand
from patience import WAIT_S
from trustseg.bounds import MS, SECOND
from trustseg.errors import BackendError, EngineLostError
from trustseg.reasons import Reason
from trustseg_ros.segmenter.backend.failover import RETRY_NS
from trustseg_ros.segmenter.backend.maintenance import PATIENCE_NS
from trustseg_ros.segmenter.backend.self_test_plan import EARLY
from trustseg_ros.segmenter.supervisor import EXIT_LOST


def test_while_a_spare_is_loaded_there_is_no_engine_and_nothing_waits() -> None:
    made = Care(Stand("good"))
    gate = Gate(made.stand)
    made.care.broke("the engine has gone")
    assert gate.begun.wait(WAIT_S)
    assert not made.care.is_ready()
    assert made.care.reasons == Reason.BACKEND_FALLBACK
    made.now = 60 * SECOND
    assert not made.stand.engines.retry_is_due(made.now)
    assert not made.care.look()  # the test that is due has no engine
    assert made.stand.tested == []
    gate.open.set()
    made.stand.engines.loading.thread.join(WAIT_S)  # type: ignore[union-attr]
    assert made.care.is_ready()
    assert (made.changes, made.stand.backend.name) == (1, "good")


def test_the_golden_image_runs_once_a_period_and_a_difference_is_reported() -> None:
    made = Care(Stand())
    made.care.look()
    assert made.stand.tested == []
    made.now = 60 * SECOND
    assert made.care.look()
    assert not made.care.look()
    assert (made.stand.tested, made.care.tests, made.why) == (["first"], 1, [])
    made.stand.golden = "mask agreement 0.2"
    made.now = 120 * SECOND
    made.care.look()
    assert made.why == ["mask agreement 0.2"]
    assert not made.lock.locked()


def test_no_test_while_another_thread_uses_the_engine() -> None:
    made = Care(Stand())
    made.now = 60 * SECOND
    with made.lock:
        made.care.look()
    assert made.stand.tested == []
    assert made.care.plan.is_due(made.now)


def test_a_test_that_fits_nowhere_is_put_off_and_frames_say_so() -> None:
    made = Care(Stand(), test_ns=400 * MS)
    made.too_slow(360 * SECOND)
    assert (made.stand.tested, made.care.postponed) == ([], 5)
    made.care.plan.note_frame(made.now - 290 * MS, 290 * MS, made.now)
    assert not made.care.look()
    age_ms = BOUNDS.age_limit_ns // MS
    said = f"one of 400 ms and a frame of 290 ms must end within the age limit of {age_ms} ms"
    assert any(said in line for line in made.stand.log.lines)
    assert set(made.stand.log.throttled_s) == {60.0}
    assert made.care.reasons == Reason.LATENCY


def test_a_test_that_is_asked_for_runs_at_once_and_answers() -> None:
    made = Care(Stand())
    asked = made.care.ask()
    assert made.care.look()
    assert asked.result(0).passed
    made.stand.golden = "mask agreement 0.2"
    asked = made.care.ask()
    made.care.look()
    assert (asked.result(0).why, made.why) == ("mask agreement 0.2", ["mask agreement 0.2"])
    made.stand.golden = BackendError("busy")
    asked = made.care.ask()
    made.care.look()
    assert str(asked.exception(0)) == "busy"
    assert not made.care.look()


def test_a_test_that_is_asked_for_waits_for_room_but_not_for_ever() -> None:
    made = Care(Stand(), test_ns=400 * MS)
    made.care.plan.note_frame(-290 * MS, 290 * MS, 0)
    asked = made.care.ask()
    made.too_slow(PATIENCE_NS)
    assert not asked.done()
    made.now = max(made.now, PATIENCE_NS)
    made.care.plan.note_frame(made.now - 290 * MS, 290 * MS, made.now)
    assert made.care.look()
    assert asked.result(0).passed


@pytest.mark.parametrize("order", ["asked before the end", "asked after it"])
def test_a_test_that_is_asked_for_ends_with_the_stream(order: str) -> None:
    made = Care(Stand())
    asked = made.care.ask() if order == "asked before the end" else None
    made.care.stop()
    assert (asked or made.care.ask()).cancelled()


def test_a_failed_engine_is_replaced_retried_and_back() -> None:
    made = Care(Stand("good"))
    assert made.care.wait_s() == 1.0
    made.broke()
    assert (made.changes, made.care.reasons) == (1, Reason.BACKEND_FALLBACK)
    made.now = RETRY_NS
    made.care.look()
    assert (made.changes, made.care.reasons) == (2, Reason.NONE)
    assert made.care.plan.until_due_ns(made.now) == EARLY * 60 * SECOND  # coming back proved it


def test_a_first_engine_that_never_has_room_is_tried_all_the_same() -> None:
    made = Care(Stand("good"), test_ns=400 * MS)
    made.broke()
    made.too_slow(2 * RETRY_NS)
    assert made.care.look()
    assert made.care.reasons == Reason.NONE


def test_an_engine_lost_in_a_self_test_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    made = Care(Stand())
    made.stand.golden = EngineLostError("the context is lost")
    made.now = 60 * SECOND
    made.care.look()
    assert made.ended == [EXIT_LOST]
    assert "context is lost" in capfd.readouterr().err


def test_a_first_engine_that_is_lost_ends_the_process_while_a_spare_serves(capfd: pytest.CaptureFixture[str]) -> None:
    made = Care(Stand("good"))
    made.broke()
    made.stand.golden = EngineLostError("the context is lost")
    made.now = RETRY_NS
    made.care.look()
    assert made.stand.tested == ["first"]
    assert made.ended == [EXIT_LOST]
    assert "context is lost" in capfd.readouterr().err


def test_a_backend_that_raises_in_a_self_test_is_left_to_the_next_frame() -> None:
    made = Care(Stand())
    made.stand.golden = BackendError("busy")
    made.now = 60 * SECOND
    made.care.look()
    assert (made.care.tests, made.why, made.ended) == (0, [], [])
    assert not made.care.plan.is_due(made.now)


def test_the_worker_waits_no_longer_than_until_the_next_test() -> None:
    made = Care(Stand(), period_s=0.5)
    assert made.care.wait_s() == EARLY * 0.5
    made.now = 2 * SECOND
    assert made.care.wait_s() == 0.01
    assert Care(Stand(), period_s=0.0).care.wait_s() is None


def test_a_test_that_somebody_waits_for_is_looked_for_also_when_no_frame_comes_any_more() -> None:
    made = Care(Stand(), period_s=0.0)
    asked = made.care.ask()
    assert made.care.wait_s() == 0.01
    made.now = PATIENCE_NS
    assert made.care.look()
    assert asked.result(0).passed
    assert made.care.wait_s() is None


@pytest.mark.parametrize("when", ["another engine takes over", "the first one is tried again"])
def test_a_judgement_that_is_not_the_bundles_is_reported_when_engines_change(when: str) -> None:
    made = Care(Stand("good"))
    if when == "the first one is tried again":
        made.broke()
        made.stand.golden = "the golden image gives another result"
        made.now = RETRY_NS
    made.stand.judged = "failure_score 0.2, expected 0.1"
    made.care.look() if made.now else made.broke()
    assert made.why == [made.stand.judged]


def test_while_a_spare_serves_the_worker_looks_once_a_second() -> None:
    made = Care(Stand("good"), period_s=0.0)
    made.broke()
    assert made.care.wait_s() == 1.0


def test_the_spare_that_was_loaded_meanwhile_takes_over_between_two_frames() -> None:
    made = Care(Stand("good"))
    made.care.broke("the engine has gone")
    loading = made.stand.engines.loading
    assert loading is not None
    loading.thread.join(WAIT_S)
    assert not made.care.look()  # nothing else is due
    assert (made.stand.backend.name, made.changes) == ("good", 1)


def test_when_the_last_spare_fails_the_first_engine_serves_at_once_and_that_is_told() -> None:
    made = Care(Stand("good"))
    made.broke()
    made.stand.judged = "failure_score 0.2, expected 0.1"
    made.care.broke("the spare has gone too")
    assert (made.stand.backend is made.stand.first, made.changes) == (True, 2)
    assert made.why == [made.stand.judged]
    assert made.stand.log.lines[-1] == "error: the engine failed: the spare has gone too"


def test_a_first_engine_that_still_fails_is_tried_again_later() -> None:
    made = Care(Stand("good"))
    made.broke()
    made.stand.golden = "mask agreement 0.2"
    made.now = RETRY_NS
    assert made.care.look()
    assert made.changes == 1
    made.now = 2 * RETRY_NS - 1
    assert not made.care.look()
    made.now += 1
    assert made.care.look()
    assert made.stand.tested == ["first", "first"]


def test_what_the_way_back_took_is_what_the_next_test_is_expected_to_take() -> None:
    made = Care(Stand("good"), test_ns=400 * MS)
    made.broke()
    made.now = RETRY_NS

    def takes_a_while() -> None:
        made.now += 30 * MS

    made.stand.meanwhile = takes_a_while
    assert made.care.look()
    assert "one of 30 ms" in made.care.plan.no_room()


def test_an_engine_that_fails_frame_after_frame_is_named_once_a_second() -> None:
    made = Care(Stand())
    made.care.broke("the engine has gone")
    assert made.stand.log.lines == ["error: the engine failed: the engine has gone"]
    assert made.stand.log.throttled_s == [1.0]


def room(*, due: bool = False, must: bool = False, fits: bool = False, instead: bool = False) -> Any:
    """A plan of which every answer is given."""
    answers = {"is_due": due, "must_be": must, "fits": fits, "fits_in_place_of_a_frame": instead, "is_overdue": False}
    return SimpleNamespace(
        **{name: lambda now_ns, said=said: said for name, said in answers.items()}, note_test=lambda *_, **__: None
    )


@pytest.mark.parametrize(
    ("asked", "plan", "expected"),
    [
        (False, room(), False),
        (False, room(fits=True, instead=True), False),  # nothing is due
        (False, room(due=True), False),
        (False, room(due=True, fits=True), True),
        (False, room(due=True, instead=True), False),  # there is time yet to find room
        (False, room(due=True, must=True, instead=True), True),
        (False, room(due=True, must=True), False),
        (True, room(), False),
        (True, room(fits=True), True),
        (True, room(instead=True), True),  # who asks does not wait for a period to be over
    ],
)
def test_when_a_test_runs(asked: bool, plan: Any, expected: bool) -> None:
    made = Care(Stand())
    made.care.plan = plan
    if asked:
        made.care.ask()
    assert made.care.look() is expected
    assert made.stand.tested == (["first"] if expected else [])


def test_who_asks_waits_a_second_for_room_and_no_longer() -> None:
    made = Care(Stand())
    made.care.plan = room()
    made.now = 5 * SECOND
    asked = made.care.ask()
    made.now += PATIENCE_NS - 1
    assert not made.care.look()
    made.now += 1
    assert made.care.look()
    assert asked.result(0).passed


def test_a_self_test_is_watched_and_counted_and_waits_for_nobody() -> None:
    made = Care(Stand())
    watched: list[str] = []
    made.stand.meanwhile = lambda: watched.extend(each.what for each in made.care._supervisor._watches.values())
    for number in (1, 2):
        made.now += 60 * SECOND
        with made.lock:
            assert not made.care.look()  # somebody else is at the engine
        assert made.care.look()
        assert made.care.tests == number
    assert watched == ["the backend, in its self-test,"] * 2


def test_a_test_that_the_engine_did_not_finish_is_named_and_tried_again_soon() -> None:
    made = Care(Stand())
    made.stand.golden = BackendError("busy")
    made.now = 60 * SECOND
    assert made.care.look()
    assert made.stand.log.lines == ["error: self-test: busy"]
    made.now = 66 * SECOND - 1
    assert not made.care.look()
    made.now += 1
    assert made.care.look()
    assert made.stand.tested == ["first", "first"]
