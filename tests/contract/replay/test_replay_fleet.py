# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay` on several recordings: the same figures wherever they are made, resumed where a run ended early."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bag_factory import shots, write_bag, write_labels
from bundle_factory import make_tiny_bundle
from patience import WAIT_S
from replay_runs import HeldDrives, contents
from trustseg.bundle.loading import load_bundle
from trustseg.cli.app import main
from trustseg_lab.replay.job import ReplayJob, ReplayOptions, job_key
from trustseg_lab.replay.results.totals import read_totals


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "tiny"
    make_tiny_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def fleet(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings, one with a failure, labels for all of them, and what one process makes of them."""
    root = tmp_path_factory.mktemp("fleet")
    for number, name in enumerate(("long", "dark", "short")):
        images = shots((60, 40, 15)[number])
        if name == "dark":
            images[30:] = [replace(s, image=np.zeros_like(s.image)) for s in images[30:]]
        write_bag(root / name, images)
    write_labels(root / "labels", [f"{i:06d}" for i in range(50)])
    assert run(bundle, root, root / "alone") == 0
    return root


def arguments(bundle: Path, root: Path, out: Path, *more: str) -> list[str]:
    inputs = [str(root / name) for name in ("long", "dark", "short")]
    options = ["--bundle", str(bundle), "--out", str(out), "--labels", str(root / "labels"), "--threads", "1"]
    return ["replay", *inputs, *options, *more]


def run(bundle: Path, root: Path, out: Path, *more: str) -> int:
    """Exit code of the command."""
    with pytest.raises(SystemExit) as ended:
        main(arguments(bundle, root, out, *more))
    return int(ended.value.code or 0)


def started(*command: str, **more: str) -> subprocess.Popen[str]:
    """`trustseg` with its workers in a process group of their own, and Ctrl-C as a terminal gives it: tests that were
    started in the background hand on that SIGINT is ignored."""
    return subprocess.Popen(
        [sys.executable, "-m", "trustseg", *command], env=os.environ | more, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def halt_when(process: subprocess.Popen[str], condition: Callable[[], bool], what: str) -> bool:
    """Let the group run in steps of some milliseconds until `condition` holds; then it is stopped, however quick.

    False where it ended before: a busy machine may give it the whole of its work in one step.
    """
    ends = time.monotonic() + WAIT_S
    while True:
        os.killpg(process.pid, signal.SIGSTOP)
        if condition():
            return True
        if process.poll() is not None:
            return False
        assert time.monotonic() < ends, f"no {what} within {WAIT_S} s"
        os.killpg(process.pid, signal.SIGCONT)
        time.sleep(0.005)


def test_processes_change_not_a_byte_even_if_one_is_killed(bundle: Path, fleet: Path, tmp_path: Path) -> None:
    out, held = tmp_path / "out", HeldDrives(tmp_path / "hold")
    process = started(*arguments(bundle, fleet, out, "--jobs", "2"), **held.variables)
    ends = time.monotonic() + WAIT_S
    while len(held.processes()) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends, "no pair of drives under way"
        time.sleep(0.01)
    victim = held.processes()[0]
    (drive,) = (tmp_path / "out.unfinished").glob(f".part-*-{victim}")
    assert (drive / "frames.parquet").exists()
    os.kill(victim, signal.SIGKILL)
    held.go_on()
    _, told = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, told
    assert contents(out) == contents(fleet / "alone")


def test_the_figures_are_those_of_all_drives(fleet: Path) -> None:
    document = json.loads((fleet / "alone" / "summary.json").read_text())
    assert [d["name"] for d in document["drives"]] == ["long", "dark", "short"]
    assert document["metrics"]["frames"] == 115
    assert document["metrics"]["failures"] == 1
    assert document["metrics"]["miou"] > 0.5
    truths = [read_totals(fleet / "alone" / drive).truth for drive in ("long", "dark", "short")]
    # 50 labels fit the first frames of each drive.
    assert [len(truth.images) for truth in truths if truth is not None] == [50, 40, 15]


def test_one_drive_alone_has_the_figures_that_its_sums_give_back(bundle: Path, fleet: Path, tmp_path: Path) -> None:
    """The figures of one drive come from memory, those of several from the disk: they are the same numbers."""
    from trustseg_lab.replay.results.summary import metrics_of

    names = [each.name for each in load_bundle(bundle).card.classes]
    for drive in ("long", "dark"):
        told = json.loads((fleet / "alone" / drive / "summary.json").read_text())["metrics"]
        found = metrics_of([read_totals(fleet / "alone" / drive)], names)
        assert {k: v for k, v in found.items() if v == v} == {k: v for k, v in told.items() if v is not None}
        assert 0.0 <= told["flicker"] <= told["mask_change"] <= 1.0


def test_what_failed_is_told_and_only_that_is_done_again(
    bundle: Path, fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "root"
    shutil.copytree(fleet, root, ignore=shutil.ignore_patterns("alone", "dark"))
    (root / "dark").mkdir()
    (root / "dark" / "dark.mcap").write_bytes(b"nothing yet")
    assert run(bundle, root, root / "out", "--jobs", "2") == 2
    assert "dark" in capsys.readouterr().err
    document = json.loads((root / "out" / "summary.json").read_text())
    assert [d["name"] for d in document["drives"]] == ["long", "short"]
    assert len(document["failed"]) == 1
    before = {name: (root / "out" / name / "timing.parquet").stat().st_ino for name in ("long", "short")}
    shutil.rmtree(root / "dark")
    shutil.copytree(fleet / "dark", root / "dark")
    assert run(bundle, root, root / "out") == 0
    assert "2 of 3 recordings were finished by an earlier run" in capsys.readouterr().err
    assert {name: (root / "out" / name / "timing.parquet").stat().st_ino for name in before} == before
    assert {k: v for k, v in contents(root / "out").items() if k != "report.html"} == contents(fleet / "alone")
    assert not (root / "out.unfinished").exists()
    assert run(bundle, root, root / "out", "--fresh") == 0
    assert "earlier run" not in capsys.readouterr().err


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_run_is_taken_up(
    sent: signal.Signals, bundle: Path, fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for attempt in range(20):
        out = tmp_path / str(attempt) / "out"
        out.parent.mkdir()
        process = started(*arguments(bundle, fleet, out))
        finished = out.with_name("out.unfinished") / "long"
        if halt_when(process, finished.exists, "finished drive"):
            break
    process.send_signal(sent)
    os.killpg(process.pid, signal.SIGCONT)
    _, told = process.communicate(timeout=WAIT_S)
    assert process.returncode != 0, "it ended before it was interrupted"
    assert not out.exists()
    if sent is signal.SIGINT:
        assert "Traceback" not in told
        assert re.search(r"\d finished recordings? .*kept in .*out\.unfinished", told)
    assert run(bundle, fleet, out) == 0
    assert "finished by an earlier run" in capsys.readouterr().err
    assert contents(out) == contents(fleet / "alone")
    assert list(out.parent.iterdir()) == [out]


class TestKey:
    """What decides whether results can be taken over."""

    @pytest.fixture
    def job(self, bundle: Path, fleet: Path) -> ReplayJob:
        return ReplayJob(fleet / "short", "/camera/image_raw", "short", ReplayOptions(bundle=str(bundle)))

    def test_the_place_of_the_input_does_not_matter(self, job: ReplayJob, bundle: Path, tmp_path: Path) -> None:
        shutil.copytree(job.path, tmp_path / "short")
        moved = replace(job, path=tmp_path / "short", name="another")
        assert job_key(moved, load_bundle(bundle)) == job_key(job, load_bundle(bundle))

    def test_input_options_labels_and_bundle_do(
        self, job: ReplayJob, bundle: Path, fleet: Path, tmp_path: Path
    ) -> None:
        loaded = load_bundle(bundle)
        labels = tmp_path / "labels"
        shutil.copytree(fleet / "labels", labels)
        with_labels = replace(job, options=replace(job.options, labels=str(labels)))
        keys = [
            job_key(job, loaded), job_key(replace(job, path=fleet / "long"), loaded), job_key(with_labels, loaded),
            job_key(replace(job, options=replace(job.options, every=2)), loaded),
            job_key(job, replace(loaded, card_sha256="0" * 64)),
        ]  # fmt: skip
        (labels / "000000.png").write_bytes((labels / "000001.png").read_bytes() + b"\0")
        keys.append(job_key(with_labels, loaded))
        assert len(set(keys)) == len(keys)

    def test_so_do_the_names_of_labels_and_all_their_bytes(
        self, job: ReplayJob, bundle: Path, fleet: Path, tmp_path: Path
    ) -> None:
        """Labels that are shifted by one file are of the same sizes and bytes, in the same order."""
        loaded, labels = load_bundle(bundle), tmp_path / "labels"
        shutil.copytree(fleet / "labels", labels)
        (labels / "big.png").write_bytes(bytes(3 << 20))
        with_labels = replace(job, options=replace(job.options, labels=str(labels)))
        keys = [job_key(with_labels, loaded)]
        with (labels / "big.png").open("r+b") as big:
            big.seek(3 << 19)
            big.write(b"x")
        keys.append(job_key(with_labels, loaded))
        for path in sorted(labels.glob("0*.png"), reverse=True):
            path.rename(labels / f"{int(path.stem) + 1:06d}.png")
        keys.append(job_key(with_labels, loaded))
        assert len(set(keys)) == len(keys)

    def test_so_do_the_names_of_images_with_labels(self, bundle: Path, fleet: Path, tmp_path: Path) -> None:
        loaded, images = load_bundle(bundle), tmp_path / "images"
        shutil.copytree(fleet / "labels", images)
        bare = ReplayJob(images, "", "", ReplayOptions(bundle=str(bundle)))
        labelled = replace(bare, options=replace(bare.options, labels=str(fleet / "labels")))
        before = [job_key(each, loaded) for each in (bare, labelled)]
        last = max(images.iterdir())
        last.rename(images / "999999.png")
        assert [job_key(each, loaded) == key for each, key in zip((bare, labelled), before, strict=True)] == [
            True,
            False,
        ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--executor", "spark://host"], "--executor spark://host is unknown"),
        (["--executor", "ray://"], "--executor ray:// is unknown"),
        (["--retries", "-1"], "--retries -1 is out of range"),
        (["--jobs", "0"], "--jobs 0 is out of range"),
    ],
)
def test_bad_arguments_are_one_line(
    more: list[str], words: str, bundle: Path, fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(bundle, fleet, tmp_path / "out", *more) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error


def test_two_runs_into_one_folder_are_refused(
    bundle: Path, fleet: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from trustseg_lab.replay.unfinished import unfinished_folder

    with unfinished_folder(tmp_path / "out", replaces="summary.json"):
        assert run(bundle, fleet, tmp_path / "out") == 2
        assert "is under way" in capsys.readouterr().err
