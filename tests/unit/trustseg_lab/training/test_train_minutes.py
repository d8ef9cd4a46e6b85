# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A training that is given minutes: by a clock that each step moves on by a second."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
torch.set_num_threads(1)  # maps this small: a second thread only waits

from tiny_training import CLASSES, tiny_config  # noqa: E402
from trustseg.errors import InputError  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training import train as training  # noqa: E402
from trustseg_lab.training.pace import Pace  # noqa: E402
from trustseg_lab.training.train import train  # noqa: E402


class Steps:
    """A clock on which each step takes `seconds`, and nothing else takes any time; it may stop the run after one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds: float = 1.0) -> None:
        self.now, self.seconds, self.steps, self.stop_at = 0.0, seconds, 0, 10**9
        monkeypatch.setattr(training, "Pace", lambda minutes: Pace(minutes, lambda: self.now))
        monkeypatch.setattr(training, "expected_seconds", lambda *_: 0.0)
        monkeypatch.setattr(training.time, "monotonic", lambda: self.now)

    def __call__(self, record: dict[str, Any]) -> None:
        if record["kind"] == "step":
            self.now += self.seconds
            self.steps += 1
            if self.steps == self.stop_at:
                raise KeyboardInterrupt


@pytest.mark.slow
def test_the_rate_has_fallen_to_zero_when_the_minutes_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch)
    last = train(tiny_config(tmp_path, 1), CLASSES, tmp_path / "run", report=steps, minutes=0.25)
    assert steps.steps == 15  # whatever the configured epochs are
    assert last["lr"] == pytest.approx(0.0)
    logged = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert len([each for each in logged if "val" in each]) == 8
    state, _ = checkpoint.load_weights(tmp_path / "run" / "best.safetensors")
    assert state


@pytest.mark.slow
def test_an_epoch_longer_than_the_minutes_is_kept_on_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch, 20.0)
    steps.stop_at = 2
    config = tiny_config(tmp_path, 1)
    with pytest.raises(KeyboardInterrupt):
        train(config, CLASSES, tmp_path / "run", report=steps, minutes=1.0)
    assert checkpoint.load_run(tmp_path / "run" / "state.pt")["step"] == 1
    train(config, CLASSES, tmp_path / "run", report=steps, resume=True, minutes=1.0)
    assert checkpoint.load_run(tmp_path / "run" / "state.pt")["step"] == 3
    assert train(config, CLASSES, tmp_path / "run", report=steps, resume=True, minutes=1.0) == {}


@pytest.mark.slow
def test_a_run_of_epochs_and_one_of_minutes_are_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps, config = Steps(monkeypatch), tiny_config(tmp_path, 1)
    train(config, CLASSES, tmp_path / "epochs", report=steps)
    with pytest.raises(InputError, match="run of epochs"):
        train(config, CLASSES, tmp_path / "epochs", report=steps, resume=True, minutes=1.0)
    train(config, CLASSES, tmp_path / "minutes", report=steps, minutes=0.1)
    with pytest.raises(InputError, match="run of minutes"):
        train(config, CLASSES, tmp_path / "minutes", report=steps, resume=True)


def test_minutes_too_few_for_a_step_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = Steps(monkeypatch)
    monkeypatch.setattr(
        training, "load_set", lambda *given, of=training.load_set: (steps.__dict__.update(now=90.0), of(*given))[1]
    )
    with pytest.raises(InputError, match="no step could be made"):
        train(tiny_config(tmp_path, 1), CLASSES, tmp_path / "run", report=steps, minutes=1.0)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [10.87, 10.93, 11.0, 11.05])
def test_a_run_that_ends_beside_its_steps_has_its_last_look(
    seconds: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telling an epoch takes time too: the end that comes between two questions for it is none without a look."""
    steps = Steps(monkeypatch)

    def told(record: dict[str, Any]) -> None:
        steps(record)
        steps.now += 0.06 * (record["kind"] == "epoch")

    last = train(tiny_config(tmp_path, 1), CLASSES, tmp_path / "run", report=told, minutes=seconds / 60)
    assert "val" in last
    assert last["lr"] == pytest.approx(0.0)
    assert checkpoint.load_run(tmp_path / "run" / "state.pt")["step"] == steps.steps
