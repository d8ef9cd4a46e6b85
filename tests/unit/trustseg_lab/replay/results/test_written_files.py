# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every file of a replay is known as its own, and none that people put beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bag_factory import shots, write_bag
from bundle_factory import make_tiny_bundle
from trustseg.cli.app import build_app
from trustseg.errors import InputError
from trustseg_lab.replay.results.written_files import wrote


@pytest.mark.parametrize("count", [1, 2])
def test_a_replay_is_replaced_unless_it_holds_another_file(count: int, tmp_path: Path) -> None:
    bags = [write_bag(tmp_path / f"bag_{number}", shots(6)) for number in range(count)]
    bundle, out = make_tiny_bundle(tmp_path / "tiny", height=48, width=64), tmp_path / "out"
    given = ["replay", *map(str, bags), "--out", str(out), "--bundle", str(bundle), "--backend", "onnxruntime"]
    given += ["--overlay", "--segments", "--allow-resolution-change"]
    for options in ([], ["--baseline", str(out)]):
        answer = CliRunner().invoke(build_app("replay"), [*given, *options])
        assert answer.exit_code == 0, answer.output
    files = [path.relative_to(out) for path in out.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert [path for path in files if not wrote(path)] == []
    assert any("drive" in path.parts for path in files)
    note = out / "notes.txt" if count == 1 else out / "bag_0" / "notes.txt"
    note.write_text("mine")
    answer = CliRunner().invoke(build_app("replay"), given)
    assert isinstance(answer.exception, InputError)
    assert "notes.txt, which the earlier run did not write" in str(answer.exception)
    assert json.loads((out / "summary.json").read_text())["metrics"]["frames"] == 6 * count


@pytest.mark.parametrize("drive", ["", "bag_0/"])
def test_what_people_put_beside_the_pictures_is_not_of_a_replay(drive: str) -> None:
    own = ("events/001/event.json", "events/0200/00000012_mask.jpg", "drive/frames.json", "drive/123456789_camera.jpg")
    for name in own:
        assert wrote(Path(drive + name))
    for name in (
        "events/notes.txt", "events/001/notes.txt", "events/event.json", "drive/00000012_mask.png", "drive/mine.jpg",
        "drive/more/frames.json", "events/001/00000012_seen.jpg", "mine/notes/summary.json",
        "mine/more/drive/frames.json",
    ):  # fmt: skip
        assert not wrote(Path(drive + name)), name
