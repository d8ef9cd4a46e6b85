# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the command prints where a terminal is narrow, a log or of another encoding; and doubts that it tells."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from bundle_factory import make_tiny_bundle
from trustseg.cli.app import main
from trustseg.cli.bars import Bars
from trustseg.errors import InputError
from trustseg_lab.cli.calibrate import one_sided
from trustseg_lab.faults.catalogue import FAULTS


@pytest.mark.parametrize("columns", ["20", "80", "200"])
def test_the_kinds_of_faults_are_whole_in_any_width(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit):
        main(["faults", "list"])
    out = capsys.readouterr().out
    words = set(out.split())
    assert {way.kind for fault in FAULTS for way in fault.ways} <= words
    assert {reason for fault in FAULTS for way in fault.ways for reason in way.expected.reasons} <= words
    assert "…" not in out


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252", "utf-8"])
@pytest.mark.slow
def test_a_terminal_of_any_encoding_gets_no_traceback(encoding: str, tmp_path: Path) -> None:
    named = tmp_path / "straße ✓"
    named.mkdir()
    for command in (["faults", "list"], ["verify", "--bundle", str(named)]):
        done = subprocess.run(
            [sys.executable, "-m", "trustseg.cli.app", *command], capture_output=True, check=False,
            env={**os.environ, "PYTHONIOENCODING": encoding},
        )  # fmt: skip
        assert b"Traceback" not in done.stderr
        assert b"Error" not in done.stderr
        assert done.returncode == (0 if command[0] == "faults" else 2)


def test_a_log_gets_a_line_now_and_then() -> None:
    console = Console(file=io.StringIO(), width=80)
    with Bars(console, log_period_s=0.0) as bars:
        task = bars.add_task("render", total=3)
        bars.advance(task)
        bars.update(task, completed=3)
    assert console.file.getvalue() == "render: 1 of 3\nrender: 3 of 3\n"  # type: ignore[attr-defined]


def test_a_short_job_leaves_no_line_in_a_log() -> None:
    console = Console(file=io.StringIO(), width=80)
    with Bars(console) as bars:
        bars.advance(bars.add_task("render"))
    assert console.file.getvalue() == ""  # type: ignore[attr-defined]


class TestViewsOfOneKind:
    @pytest.mark.parametrize(("quality", "words"), [(0.1, "100.0 % of the 50 views fail"), (0.9, "0.0 % of the 50")])
    def test_are_told(self, quality: float, words: str) -> None:
        assert words in one_sided(np.full(50, quality))

    def test_of_both_kinds_there_is_nothing_to_tell(self) -> None:
        assert one_sided(np.array([0.1, 0.9, np.nan])) == ""

    def test_without_any_known_quality_is_told(self) -> None:
        assert one_sided(np.full(3, np.nan)) != ""


def test_a_policy_goes_into_the_file_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for given, written in (("here.xml", "here.xml"), ("folder", "folder/policy.xml")):
        with pytest.raises(SystemExit) as ended:
            main(["security", "policy", "--out", str(tmp_path / given)])
        assert ended.value.code == 0
        assert (tmp_path / written).read_text().startswith("<?xml")
        assert str(tmp_path / written) in capsys.readouterr().out


@pytest.mark.parametrize("form", ["bag", "video", "images"])
def test_what_scenes_writes_is_a_recording(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from trustseg_lab.replay.job import ReplayOptions
    from trustseg_lab.replay.job_list import list_jobs

    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["scenes", "--out", "s", "--format", form, "--frames", "2", "--size", "96x128"])
    assert ended.value.code == 0
    assert "trustseg replay s --labels s/labels" in capsys.readouterr().out
    (job,), failed = list_jobs([Path("s")], (), every_topic=False, options=ReplayOptions())
    assert failed == []
    assert job.path.name == {"bag": "bag", "video": "drive.mp4", "images": "images"}[form]


def test_a_compact_bundle_says_that_pytorch_has_nothing_to_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from trustseg.bundle.loading import load_bundle
    from trustseg_lab.evaluation.baselines.network_weights import weights_of

    with pytest.raises(InputError, match=r"bundle tiny ships no weights\.safetensors"):
        weights_of(load_bundle(str(make_tiny_bundle(tmp_path / "tiny"))), None)


def test_the_fused_form_is_no_network_to_fit_a_head_on() -> None:
    pytest.importorskip("torch")
    from trustseg_lab.training.checkpoint import load_network

    shipped = Path(__file__).resolve().parents[4] / "engines" / "segnet_lite_closed" / "weights.safetensors"
    with pytest.raises(InputError, match="fused form"):
        load_network(shipped)
