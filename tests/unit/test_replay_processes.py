"""Jobs in processes: one that dies is tried again, and takes no other with it."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from dying_job import work
from trustseg.replay.processes import run_in_processes


def test_a_process_that_dies_is_tried_again_and_the_others_are_done(tmp_path: Path) -> None:
    kinds = ["a", "once", "b", "always", "raises", "c"]
    found = dict(run_in_processes(work, [(kind, str(tmp_path)) for kind in kinds], 2))
    results = {kind: result for (kind, _), result in found.items()}
    assert len(results) == len(kinds)
    assert {kind: results[kind] for kind in ("a", "b", "c", "once")} == {"a": "a", "b": "b", "c": "c", "once": "once"}
    assert isinstance(results["always"], BrokenProcessPool)
    assert isinstance(results["raises"], ValueError)
