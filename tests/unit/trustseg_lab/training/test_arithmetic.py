# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""bfloat16 where it is clearly quicker, float32 elsewhere, and what was asked for always."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")

from tiny_training import CLASSES, tiny_config  # noqa: E402
from trustseg_lab.training import arithmetic  # noqa: E402
from trustseg_lab.training import train as training  # noqa: E402
from trustseg_lab.training.arithmetic import chosen, computing, seconds_of_a_step  # noqa: E402


@pytest.mark.parametrize(("wanted", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_convolutions_compute_as_wanted(wanted: arithmetic.Arithmetic, dtype: torch.dtype) -> None:
    layer = torch.nn.Conv2d(2, 3, 3)
    with computing("cpu", wanted):
        assert layer(torch.zeros(1, 2, 8, 8)).dtype == dtype
    assert layer.weight.dtype == torch.float32


@pytest.mark.parametrize(("bfloat16_ms", "expected"), [(50, "bf16"), (89, "bf16"), (91, "fp32"), (700, "fp32")])
def test_auto_takes_bfloat16_only_where_it_is_clearly_quicker(
    bfloat16_ms: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arithmetic, "_seconds", lambda device: {"fp32": 0.1, "bf16": bfloat16_ms / 1000})
    assert chosen("cpu") == chosen("cpu", "auto") == expected
    with computing("cpu"):
        assert torch.is_autocast_enabled("cpu") is (expected == "bf16")
    assert chosen("cpu", "bf16") == "bf16"


def test_the_machine_is_measured_once() -> None:
    arithmetic._seconds.cache_clear()
    with torch.no_grad():  # a network is looked at before any is trained
        first = {name: seconds_of_a_step("cpu", name) for name in ("fp32", "bf16")}
    assert all(0 < each < 60 for each in first.values())
    assert first == {name: seconds_of_a_step("cpu", name) for name in ("fp32", "bf16")}


@pytest.mark.parametrize(("has_it", "expected"), [(True, "bf16"), (False, "fp32")])
def test_a_gpu_is_asked_and_not_measured(has_it: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: has_it)
    assert chosen("cuda") == expected
    assert chosen("cuda", "fp32") == "fp32"


@pytest.mark.slow
def test_a_run_that_is_resumed_keeps_its_arithmetic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[str] = []
    real = training.computing
    monkeypatch.setattr(training, "computing", lambda device, kind: (used.append(kind), real(device, kind))[1])
    config = tiny_config(tmp_path, 2)
    monkeypatch.setattr(training, "chosen", lambda device, wanted: "bf16" if wanted == "auto" else wanted)
    training.train(config, CLASSES, tmp_path / "run", report=lambda _: None, stop_after_epoch=1)
    monkeypatch.setattr(training, "chosen", lambda device, wanted: "fp32" if wanted == "auto" else wanted)
    training.train(config, CLASSES, tmp_path / "run", report=lambda _: None, resume=True)
    assert set(used) == {"bf16"}
    used.clear()
    more = config.model_copy(update={"arithmetic": "fp32", "optim": config.optim.model_copy(update={"epochs": 3})})
    training.train(more, CLASSES, tmp_path / "run", report=lambda _: None, resume=True)
    assert set(used) == {"fp32"}
