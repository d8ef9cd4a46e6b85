# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jobs in processes: one that dies is tried again, and takes no other with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dying_job import work
from trustseg_lab.replay.executors import Executor, JobLost, ProcessExecutor, SerialExecutor, run_jobs

Job = tuple[str, str]


def results(executor: Executor[Job, str], kinds: list[str], folder: Path, retries: int) -> dict[str, str | Exception]:
    jobs = [(kind, str(folder)) for kind in kinds]
    found = list(run_jobs(executor, jobs, retries, lambda result: isinstance(result, JobLost)))
    assert len(found) == len(jobs)
    return {kind: result for (kind, _), result in found}


def test_a_process_that_dies_is_tried_again_and_the_others_are_done(tmp_path: Path) -> None:
    found = results(ProcessExecutor(work, 2), ["a", "once", "b", "always", "raises", "c"], tmp_path, 1)
    assert {kind: found[kind] for kind in ("a", "b", "c", "once")} == {"a": "a", "b": "b", "c": "c", "once": "once"}
    assert isinstance(found["always"], JobLost)
    assert "exit code 9" in str(found["always"])
    assert isinstance(found["raises"], ValueError)
    tries = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert {name for name, times in tries.items() if times != "1"} == {"once.tried", "always.tried"}
    assert tries["once.tried"] == tries["always.tried"] == "2"


@pytest.mark.parametrize("make", [lambda: SerialExecutor(work), lambda: ProcessExecutor(work, 1)])
def test_no_retry_means_none(make: Callable[[], Executor[Job, str]], tmp_path: Path) -> None:
    found = results(make(), ["raises", "a"], tmp_path, 0)
    assert isinstance(found["raises"], ValueError)
    assert found["a"] == "a"
    assert (tmp_path / "raises.tried").read_text() == "1"


def test_what_is_under_way_ends_with_the_run(tmp_path: Path) -> None:
    executor = ProcessExecutor(work, 2)
    running = run_jobs(executor, [("a", str(tmp_path)), ("forever", str(tmp_path))], 0, lambda _: False)
    assert next(running) == (("a", str(tmp_path)), "a")
    processes = [process for process, _ in [*executor._idle, *executor._busy.values()]]
    assert any(each.is_alive() for each in processes)
    running.close()
    assert not any(each.is_alive() for each in processes)
