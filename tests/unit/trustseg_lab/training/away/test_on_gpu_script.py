# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`scripts/on_gpu.sh` from end to end on the CPU, as processes, killed on the way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the training extra (torch) is not installed")

from patience import WAIT_S
from tiny_plan import write_plan
from trustseg_lab.training import checkpoint
from trustseg_lab.training.away import __main__ as command
from trustseg_lab.training.away import member

SCRIPT = Path(__file__).resolve().parents[5] / "scripts" / "on_gpu.sh"
STARTED = (command, member)  # as modules
# Alone it has all of the minutes; with the student so few that what it has had is more.
TEACHERS_SHARE = 1e-5


def call(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=WAIT_S, check=False,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """The script's Python in this process, which has PyTorch already: exit code. Members train in their own."""
    monkeypatch.setattr(command, "device_here", lambda: "cpu")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return lambda *arguments: command.main(["--tree", str(SCRIPT.parents[1]), *map(str, arguments)])


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("away")
    plan = write_plan(folder, TEACHERS_SHARE)
    options = ("--data", folder / "data", "--objects", folder / "objects", "--plan", plan)
    done = call("pack", folder / "data.zip", *options)
    assert done.returncode == 0, done.stderr
    assert "the archive" in done.stdout
    assert command.main([*map(str, ("--tree", SCRIPT.parents[1], "pack", folder / "again.zip", *options))]) == 0
    assert (folder / "again.zip").read_bytes() == (folder / "data.zip").read_bytes()
    return folder / "data.zip"


def train_until_kept(archive: Path, out: Path, names: str) -> None:
    """Train until the first checkpoint of the last of `names` is kept, and kill what trains it. That comes within a
    tenth of its minutes, or soon after: they are not used up."""
    name = names.rpartition(",")[2]
    arguments = [str(SCRIPT), "train", str(archive), str(out), "--minutes", "0.5", "--only", names]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(arguments, env=environment, stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + WAIT_S
    while not (out / f"{name}.safetensors").exists():  # the first look at val is kept
        assert time.monotonic() < until, "no checkpoint came"
        assert started.poll() is None
        time.sleep(0.05)
    started.send_signal(signal.SIGKILL)
    started.communicate()


@pytest.mark.slow
def test_teacher_and_student_train_are_killed_on_the_way_and_go_on(
    archive: Path, tmp_path: Path, here: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    steps = {}
    for name, names in (("vgg", "vgg"), ("lite", "vgg,lite")):  # the second run ends what the first had begun, too
        train_until_kept(archive, out, names)
        checkpoint.load_network(out / f"{name}.safetensors")
        assert not (out / f"{name}.json").exists()
        steps[name] = checkpoint.load_run(out.with_name("out.work") / "runs" / name / "state.pt")["step"]
    capfd.readouterr()
    assert here("train", archive, out, "--minutes", "0.001", "--only", "vgg,lite") == 0  # gone: it has what it had
    said = capfd.readouterr().out
    assert "vgg, lite: 0.001 minutes on the CPU: no GPU here" in said
    assert said.count("is done already") == 1
    for name in ("vgg", "lite"):
        result = json.loads((out / f"{name}.json").read_text())
        assert result["member"] == name
        assert result["steps"] == steps[name] > 0
        assert f"{name}: mIoU {result['val_miou']:.4f}" in said
        network, _, meta = checkpoint.load_network(out / f"{name}.safetensors")
        assert meta["val"]["miou"] == result["val_miou"]
        assert (network.unknown is not None) == (name == "lite")
        assert all(json.loads(line)["kind"] == "epoch" for line in (out / f"{name}.log.jsonl").read_text().splitlines())
    # Nobody's engine was asked: the student learned from the member that was trained before it.
    assert checkpoint.load_weights(out / "lite.safetensors")[1]["config"]["distil"]["teacher"].endswith(
        "runs/vgg/best.safetensors"
    )
    assert here("train", archive, out, "--only", "vgg,lite") == 0
    assert capfd.readouterr().out.count("is done already") == 2


@pytest.mark.slow
def test_what_cannot_be_used_is_told_in_a_line(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = tmp_path / "damaged.zip"
    data = bytearray(archive.read_bytes())
    data[len(data) // 2] ^= 255
    damaged.write_bytes(data)
    folder = archive.parent
    options = ("--objects", folder / "objects", "--plan", folder / "plan" / "plan.yaml")
    small = ("pack", tmp_path / "a.zip", "--data", folder / "data", *options, "--most", "0.01")
    for arguments, message in (
        (("train", damaged, tmp_path / "out"), "damaged"),
        (("train", tmp_path / "none.zip", tmp_path / "out"), "no such archive"),
        (
            ("train", archive, tmp_path / "out", "--only", "lite,light"),
            "unknown member 'light', expected vgg, lite, second",
        ),
        (("train", archive, tmp_path / "out", "--minutes", "0"), "--minutes"),
        (("pack", tmp_path / "a.zip", "--data", tmp_path / "none", *options), "no folder of data"),
        (("pack", tmp_path / "a.zip", "--data", folder / "data", *options, "--only", "x"), "unknown member 'x'"),
        (small, "the archive is too large, expected at most 0.01 MB"),
    ):
        assert command.main([str(each) for each in arguments]) == 2, arguments
        assert message in capsys.readouterr().err
    for words, message in (
        (("train", archive), "scripts/on_gpu.sh train ARCHIVE OUT"),
        ((), "scripts/on_gpu.sh pack ARCHIVE"),
        (("train", damaged, tmp_path / "other"), "damaged"),
    ):
        done = call(*words)
        assert done.returncode == 2, words
        assert message in done.stderr
        assert "Traceback" not in done.stderr
    assert not (tmp_path / "a.zip").exists()
    assert not (tmp_path / "out").exists()


def test_what_python_lacks_is_said_and_not_installed(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text('#!/bin/sh\nexec "$REAL" -S "$@"\n')
    bare.chmod(0o755)
    real = os.path.realpath(SCRIPT.parents[1] / ".venv" / "bin" / "python")
    done = call("train", "a.zip", "out", PYTHON=str(bare), REAL=real, PYTHONPATH="")
    assert done.returncode == 2
    assert "lacks torch" in done.stderr
    assert "-m pip install torch" in done.stderr


@pytest.mark.slow
def test_a_member_that_cannot_be_trained_is_named(
    archive: Path, tmp_path: Path, here: Callable[..., int], capfd: pytest.CaptureFixture[str]
) -> None:
    """Without the member that teaches it, the student asks the source tree, which has no such engine."""
    assert here("train", archive, tmp_path / "out", "--only", "lite") == 1
    told = capfd.readouterr().err  # the member's own lines, too
    assert "lite: " in told
    assert "engines/nobody" in told
    assert "not trained: lite" in told
    assert not (tmp_path / "out" / "lite.safetensors").exists()


@pytest.mark.slow
def test_bad_places_are_told_in_a_line(archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.write_text("")
    work = tmp_path / "out.work"
    work.mkdir()
    (work / "archive.sha256").write_text("0" * 64)
    other = tmp_path / "other"
    other.mkdir()
    (other / "vgg.json").write_text("")
    folder = archive.parent
    options = ("--data", folder / "data", "--objects", folder / "objects", "--plan", folder / "plan" / "plan.yaml")
    for arguments, message in (
        (("train", archive, file), "is a file, expected a folder"),
        (("train", archive, tmp_path / "out"), "holds the data and states of another archive"),
        (("train", archive, other, "--only", "vgg"), "is no result of a member"),
        (("pack", file / "a.zip", *options), str(file)),
    ):
        assert command.main([str(each) for each in arguments]) == 2, arguments
        assert message in capsys.readouterr().err
    assert (work / "archive.sha256").read_text() == "0" * 64
    assert not (tmp_path / "file.work").exists()
