# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Every `trustseg` command printed in the documents is understood as printed; those that need nothing are run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from trustseg.cli.app import build_app, main

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
# Printed without what makes them a whole command: names of commands in running text and in tables.
INLINE = re.compile(r"`(?:\.venv/bin/)?(trustseg [a-z][^`]* --?[^`]+)`")
CUT = ("...", "DIR|TOPIC")
PLACEHOLDER = {"N": "100", "T": "tcp", "L": "mse", "VOID": "255"}  # a capital stands for a number or a choice
# Understood, and run elsewhere, or not at all: what each needs that is not here.
NEEDS = {
    "run": "ROS processes: tests/ros",
    "replay": "recordings: tests/contract/replay/test_replay_command.py",
    "play": "ROS processes: tests/ros",
    "record": "ROS processes: tests/ros",
    "watch": "ROS processes: tests/ros/companions/test_watch.py",
    "mine": "recordings: tests/unit/trustseg_lab/mining/test_mine.py",
    "drift": "results of replay: tests/unit/trustseg_lab/drift/test_drift_command.py",
    "wrap": "a network: tests/contract/laboratory/test_wrap_command.py",
    "evaluate": "labelled images: tests/contract/laboratory/test_evaluate_command.py",
    "evaluate-unknown": "labelled images: tests/unit/trustseg_lab/evaluation/test_unknown_objects.py",
    "train": "labelled images and minutes: tests/unit/trustseg_lab/training/test_train.py",
    "fit-confidence": "as train",
    "calibrate": "labelled images: tests/contract/laboratory/test_calibrate_command.py",
    "export": "a checkpoint and minutes: tests/contract/backends/test_export_precision.py",
    "bench": "a quiet machine: tests/contract/laboratory/test_bench_command.py",
    "benchmark": "labelled images and minutes: tests/contract/laboratory/test_benchmark_command.py",
    "sign": "a key: tests/unit/trustseg_lab/security/test_security.py",
    "faults": "ROS processes: tests/ros/test_faults.py",
    "build": "TensorRT",
    "security": "an OSV service",
}


def commands() -> list[str]:
    """Each command once, in the order of the documents."""
    found: dict[str, None] = {}
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                words = re.search(r"(?:^|\s)(?:\.venv/bin/)?(trustseg .*)", re.sub(r"\s#.*", "", line))
                if words and not line.startswith("ros2"):
                    found[re.sub(r" > [\w.]+$", "", words[1].strip())] = None
        outside = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
        for words in INLINE.findall(" ".join(outside.split())):
            found[words] = None
    return [each for each in found if not any(cut in each for cut in CUT)]


def parsed(command: str) -> None:
    """Parse, and run nothing; raises click's usage error."""
    args = [PLACEHOLDER.get(word, word) for word in shlex.split(command)[1:]]
    group: Any = typer.main.get_command(build_app(args[0]))
    context = group.make_context("trustseg", list(args), resilient_parsing=False)
    while hasattr(group, "resolve_command"):
        name, group, args = group.resolve_command(context, args)
        if hasattr(group, "resolve_command"):
            context = group.make_context(name, list(args), parent=context)
        else:
            group.make_context(name, list(args), parent=context)


def test_commands_are_found() -> None:
    found = commands()
    assert len(found) > 30
    assert "trustseg verify --precision fp16 --backend tensorrt --budget-ms 20" in found


def test_every_block_says_what_it_is() -> None:
    """A block of commands without `sh` would be read by nobody here."""
    for document in DOCUMENTS:
        fences = re.findall(r"^```(.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
        assert all(fences[::2]), document.name
        assert not any(fences[1::2]), document.name


@pytest.mark.parametrize("command", commands())
def test_a_printed_command_is_understood(command: str) -> None:
    if command.endswith("sign --bundle"):
        pytest.skip("the option's name alone")
    if " --out " not in command and re.match(r"trustseg (replay|scenes|evaluate|fit-confidence) ", command):
        pytest.skip("printed for its options, without its --out")
    if " --bundle " not in command and command.startswith("trustseg calibrate "):
        pytest.skip("printed for its options, without its --bundle")
    parsed(command)


POLICY = (
    "trustseg security policy --out DIR --namespace front --image /cam/image_raw --planner NAME --planner-topic TOPIC"
)
RUN = {
    "trustseg env": 0,
    "trustseg faults list": 0,
    "trustseg build --check": 1,  # there is no TensorRT, which it says
    "trustseg verify --precision fp16 --backend tensorrt --budget-ms 20": 1,
    "trustseg scenes --random --frames 1 --seed 7 --out out/street": 0,
    POLICY: 0,
    "trustseg security sbom --out bom.json": 0,
}  # fmt: skip


@pytest.mark.parametrize("command", RUN)
def test_a_printed_command_that_needs_nothing_is_run_as_printed(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command in "\n".join(re.sub(r"\s+", " ", document.read_text()) for document in DOCUMENTS)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command)[1:])
    out, err = capsys.readouterr()
    assert ended.value.code == RUN[command], err
    assert "Traceback" not in out + err
    if "--check" in command or "tensorrt" in command:
        assert "tensorrt is not installed" in out + err


def test_each_command_is_run_or_says_what_it_needs() -> None:
    left = {command.split()[1] for command in commands() if command not in RUN} - {"scenes", "verify", "env"}
    assert left <= set(NEEDS)
