# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The monitor's latch outlives it, is written when the disk lets it, and only the operator clears it."""

from __future__ import annotations

from pathlib import Path

import pytest

from trustseg.bounds import SECOND
from trustseg.reasons import Reason, State

pytest.importorskip("trustseg_interfaces", reason="the messages are not built")
from monitor_world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_latch_is_kept_and_found_again_and_cleared_by_the_operator(world: World, tmp_path: Path) -> None:
    world.send(Reason.SELF_TEST)
    assert world.verdicts[-1].latched_reasons == Reason.SELF_TEST
    assert world.latch_file.read() == Reason.SELF_TEST
    again = World(tmp_path)
    assert (again.state, again.verdicts[0].latched_reasons) == (State.LATCHED, Reason.SELF_TEST)
    assert again.log.lines[0] == ("error", "latched since before this start: SELF_TEST")
    sent = len(again.verdicts)
    assert again.core.reset() == (True, "cleared SELF_TEST; the state is UNKNOWN until the next good frames")
    assert len(again.verdicts) == sent + 1
    assert (again.state, again.verdicts[-1].failure) == (State.UNKNOWN, True)
    assert again.log.lines[-2:] == [
        ("info", "reset by an operator: cleared SELF_TEST; the state is UNKNOWN until the next good frames"),
        ("warning", "UNKNOWN, failure flag up: RECOVERING"),
    ]
    assert not again.latch_file.path.exists()
    assert again.core.reset() == (False, "nothing is latched; the state is UNKNOWN")


def test_a_latch_is_cleared_by_the_monitor_that_latched(world: World) -> None:
    world.until_ok()
    world.send(Reason.SELF_TEST)
    assert world.core.reset() == (True, "cleared SELF_TEST; the state is UNKNOWN until the next good frames")
    assert (world.state, world.verdicts[-1].latched_reasons) == (State.UNKNOWN, 0)


def test_several_latched_reasons_are_named_with_commas(tmp_path: Path) -> None:
    world = World(tmp_path, latched=Reason.SELF_TEST | Reason.RESTARTS)
    assert world.log.lines[0] == ("error", "latched since before this start: SELF_TEST, RESTARTS")
    assert world.core.reset()[1].startswith("cleared SELF_TEST, RESTARTS; ")


def test_a_latch_that_cannot_be_written_still_holds(world: World, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    world.send(Reason.SELF_TEST)
    assert world.state is State.LATCHED
    level, text = world.log.lines[-1]
    assert level == "error"
    assert text.startswith(f"cannot write {world.latch_file.path}: ")
    tries = len(world.log.lines)
    world.core.on_tick()
    assert (len(world.log.lines), world.state) == (tries, State.LATCHED)


def test_a_latch_that_could_not_be_written_is_tried_again_until_it_is(world: World, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    world.send(Reason.SELF_TEST)
    said = len(world.log.lines)
    (tmp_path / "kept").unlink()
    world.now += SECOND - 1
    world.core.on_tick()
    assert world.latch_file.read() is Reason.NONE
    world.now += 1
    world.core.on_tick()
    assert world.latch_file.read() == Reason.SELF_TEST
    assert world.log.lines[said:] == [("info", f"wrote {world.latch_file.path} after all")]
    assert World(tmp_path).state is State.LATCHED
    world.now += 10 * SECOND
    before = world.latch_file.path.stat().st_mtime_ns
    world.core.on_tick()
    assert world.latch_file.path.stat().st_mtime_ns == before  # written once
    assert len(world.log.lines) == said + 1


def test_the_disks_recovery_is_told_once(world: World, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("a file where the folder should be")
    world.send(Reason.SELF_TEST)
    (tmp_path / "kept").unlink()
    world.now += SECOND
    world.core.on_tick()
    world.core.reset()
    assert not world.latch_file.path.exists()  # written again, and for another reason than the disk
    assert [text for _, text in world.log.lines if "after all" in text] == [f"wrote {world.latch_file.path} after all"]


def test_what_the_file_says_already_is_not_written_again(tmp_path: Path) -> None:
    file = World(tmp_path, latched=Reason.SELF_TEST).latch_file.path
    before = file.stat().st_ino, file.stat().st_mtime_ns
    file.with_name("taken").touch()  # a file written anew gets another number than this one's
    world = World(tmp_path)
    world.core.on_tick()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == before


def test_a_full_disk_is_told_once_and_tried_every_second(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Reason] = []

    def full(reasons: Reason) -> None:
        tries.append(reasons)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(world.latch_file, "write", full)
    world.send(Reason.SELF_TEST)
    said = [line for line in world.log.lines if line[0] == "error"]
    for _ in range(200):
        world.now += SECOND // 50
        world.core.on_tick()
    assert tries == [Reason.SELF_TEST] * 5  # at once and four times in four seconds
    assert [line for line in world.log.lines if line[0] == "error"] == said
    assert said[-1][1].endswith("No space left on device")
    world.core.reset()
    assert tries[5:] == [Reason.NONE]  # another latch is not waited with


def test_a_latch_file_that_others_could_write_latches_and_is_named(tmp_path: Path) -> None:
    World(tmp_path).latch_file.write(Reason.SELF_TEST)
    (tmp_path / "kept").chmod(0o777)
    world = World(tmp_path)
    assert (world.state, world.verdicts[0].latched_reasons) == (State.LATCHED, Reason.INTERNAL)
    assert world.log.lines[0][0] == "error"
    assert "can be written by others (mode 777)" in world.log.lines[0][1]
