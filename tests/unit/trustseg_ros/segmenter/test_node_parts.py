# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Parts of the nodes that need no ROS: newest-frame slot, supervisor, camera schedule."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from patience import WAIT_S
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import InputError
from trustseg_lab.tools.camera_schedule import CameraSchedule, CameraTrouble, load_schedule
from trustseg_ros.segmenter.latest_slot import LatestSlot
from trustseg_ros.segmenter.supervisor import EXIT_HUNG, EXIT_LOST, LOADING_NS, Supervisor

BOUNDS = derive_bounds(SECOND // 30, 50 * MS)


# Newest -------------------------------------------------------------------------------------------------------


def test_the_newest_item_overtakes_and_the_overtaken_one_comes_back() -> None:
    slot: LatestSlot[int] = LatestSlot()
    assert slot.put(1) is None
    assert slot.put(2) == 1
    assert slot.take() == 2
    assert slot.put(3) is None


def test_a_closed_slot_gives_back_what_waits_and_takes_nothing() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.put(1)
    assert slot.close() == 1
    assert slot.put(2) == 2
    assert slot.take() is None


def test_closing_wakes_a_worker_that_waits() -> None:
    slot: LatestSlot[int] = LatestSlot()
    taken: list[int | None] = []
    worker = threading.Thread(target=lambda: taken.append(slot.take()))
    worker.start()
    slot.close()
    worker.join(WAIT_S)
    assert taken == [None]


def test_what_waits_is_given_up_where_it_is_wanted() -> None:
    slot: LatestSlot[int] = LatestSlot()
    assert slot.give_up(lambda item: True) is None
    slot.put(1)
    assert slot.give_up(lambda item: item > 1) is None
    assert slot.give_up(lambda item: item == 1) == 1
    slot.put(2)
    assert slot.take() == 2


def test_whoever_waits_can_be_woken_for_something_else() -> None:
    slot: LatestSlot[int] = LatestSlot()
    slot.wake()
    assert not slot.wait(None)
    slot.put(1)
    slot.wake()
    assert slot.wait(None)


def test_no_item_is_lost_or_doubled_between_threads() -> None:
    slot: LatestSlot[int] = LatestSlot()
    taken: list[int] = []

    def work() -> None:
        while (item := slot.take()) is not None:
            taken.append(item)

    worker = threading.Thread(target=work)
    worker.start()
    overtaken = [old for old in (slot.put(i) for i in range(2000)) if old is not None]
    left = slot.close()
    worker.join(WAIT_S)
    assert sorted([*taken, *overtaken, *([] if left is None else [left])]) == list(range(2000))


# Supervisor ---------------------------------------------------------------------------------------------------


class Watched:
    def __init__(self) -> None:
        self.now = 0
        self.vouched = 0
        self.ended: list[int] = []
        self.supervisor = Supervisor(BOUNDS, self.vouch, clock_ns=lambda: self.now, end_process=self.ended.append)
        self.supervisor.vouches = True

    def vouch(self) -> None:
        self.vouched += 1


def test_an_idle_worker_is_vouched_for_while_there_is_a_stream() -> None:
    watched = Watched()
    watched.supervisor.check()
    assert watched.vouched == 1
    watched.supervisor.vouches = False
    watched.supervisor.check()
    assert watched.vouched == 1


def test_a_late_inference_is_not_vouched_for_and_a_hung_one_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    with watched.supervisor.watch("the worker") as watch:
        watched.now = BOUNDS.age_limit_ns
        watched.supervisor.check()
        assert watched.vouched == 1
        watched.now += 1
        watched.supervisor.check()
        assert watched.vouched == 1
        watched.now = BOUNDS.backend_hang_ns
        watched.supervisor.check()
        assert watched.ended == []
        watch.what = "the backend"  # the time runs on
        watched.now += 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_HUNG]
    assert "the backend has not answered for 500 ms" in capfd.readouterr().err


def test_what_takes_long_by_nature_has_its_own_limit_and_says_nothing_about_frames() -> None:
    watched = Watched()
    with watched.supervisor.watch("loading", LOADING_NS):
        watched.now = LOADING_NS
        watched.supervisor.check()
        assert (watched.vouched, watched.ended) == (1, [])
        watched.now += 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_HUNG]


def test_of_several_things_under_way_each_is_watched(capfd: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    with watched.supervisor.watch("the worker"):
        watched.now = BOUNDS.backend_hang_ns // 2
        with watched.supervisor.watch("the callback"):
            pass
        watched.now = BOUNDS.backend_hang_ns + 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_HUNG]
    assert "the worker has not" in capfd.readouterr().err


def test_a_pause_of_the_whole_process_is_nobodys_fault() -> None:
    watched = Watched()
    with watched.supervisor.watch("the worker"):
        watched.now = 10 * SECOND
        watched.supervisor.forgive(10 * SECOND - BOUNDS.backend_hang_ns)
        watched.supervisor.check()
        assert watched.ended == []
        watched.now += 1
        watched.supervisor.check()
    assert watched.ended == [EXIT_HUNG]


def test_a_finished_inference_is_forgotten_also_when_it_raised() -> None:
    watched = Watched()
    with pytest.raises(ZeroDivisionError), watched.supervisor.watch("the worker"):
        raise ZeroDivisionError
    watched.now = 10 * SECOND
    watched.supervisor.check()
    assert (watched.vouched, watched.ended) == (1, [])


def test_a_lost_engine_ends_the_process(capfd: pytest.CaptureFixture[str]) -> None:
    watched = Watched()
    watched.supervisor.lost("an illegal memory access was encountered")
    assert watched.ended == [EXIT_LOST]
    assert "illegal memory access" in capfd.readouterr().err


def test_a_supervisor_that_cannot_vouch_goes_on_watching() -> None:
    tried, ended = threading.Event(), threading.Event()

    def vouch() -> None:
        tried.set()
        raise RuntimeError("the middleware refuses")

    supervisor = Supervisor(BOUNDS, vouch, end_process=lambda status: ended.set())
    supervisor.vouches = True
    supervisor.start()
    assert tried.wait(WAIT_S)
    with supervisor.watch("the worker"):
        assert ended.wait(WAIT_S)
    supervisor.stop()


def test_the_supervisor_runs_until_it_is_stopped() -> None:
    seen = threading.Event()
    supervisor = Supervisor(BOUNDS, seen.set)
    supervisor.vouches = True
    supervisor.start()
    assert seen.wait(WAIT_S)
    supervisor.stop()
    seen.clear()
    assert not seen.wait(5 * BOUNDS.liveliness_lease_ns / 1e9)


# Camera schedule ----------------------------------------------------------------------------------------------


def test_a_schedule_says_what_happens_when() -> None:
    schedule = CameraSchedule((CameraTrouble("freeze", 1.0, 3.0), CameraTrouble("stop", 2.0, 4.0)))
    assert [schedule.at(t) for t in (0.9, 1.0, 1.9, 2.0, 3.5, 4.0)] == ["", "freeze", "freeze", "stop", "stop", ""]


def test_a_schedule_is_read_from_json(tmp_path: Path) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(json.dumps([{"kind": "freeze", "start_s": 1, "end_s": 2.5}]))
    assert load_schedule(path).troubles == (CameraTrouble("freeze", 1.0, 2.5),)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("{}", "not a schedule"),
        ("[", "cannot be read|can be read"),
        ("[1]", "entry 0"),
        ('[{"kind": "freeze", "start_s": 0}]', "kind, start_s and end_s"),
        ('[{"kind": "fog", "start_s": 0, "end_s": 1}]', "freeze, stop"),
        ('[{"kind": "stop", "start_s": 2, "end_s": 1}]', "start_s < end_s"),
        ('[{"kind": "stop", "start_s": -1, "end_s": 1}]', "start_s < end_s"),
        ('[{"kind": "stop", "start_s": 0, "end_s": NaN}]', "start_s < end_s"),
        ('[{"kind": "stop", "start_s": "0", "end_s": 1}]', "start_s < end_s"),
        ('[{"kind": "stop", "start_s": false, "end_s": 1}]', "start_s < end_s"),
    ],
)
def test_a_wrong_schedule_is_refused(tmp_path: Path, content: str, text: str) -> None:
    path = tmp_path / "schedule.json"
    path.write_text(content)
    with pytest.raises(InputError, match=text):
        load_schedule(path)
    with pytest.raises(InputError, match="can be read"):
        load_schedule(tmp_path / "missing.json")
