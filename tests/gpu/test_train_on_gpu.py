# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A few steps of training on a real GPU, with every part of the loss. Skips with its reason elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the training extra (torch) is not installed")
if not torch.cuda.is_available():
    pytest.skip("no CUDA device that PyTorch can use here", allow_module_level=True)

from tiny_plan import write_plan  # noqa: E402
from tiny_training import CLASSES  # noqa: E402
from trustseg_lab.training import checkpoint  # noqa: E402
from trustseg_lab.training.config import load_config  # noqa: E402
from trustseg_lab.training.train import train  # noqa: E402


def test_teacher_and_student_learn_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = write_plan(tmp_path)
    monkeypatch.chdir(tmp_path / "data")
    teacher = load_config(plan.parent / "teacher.yaml", {"optim.epochs": 2})
    last = train(teacher, CLASSES, tmp_path / "teacher", report=lambda _: None, device="cuda")
    assert last["val"]["miou"] is not None
    found = {"unknown.library": tmp_path / "objects", "distil.teacher": tmp_path / "teacher" / "best.safetensors"}
    student = load_config(plan.parent / "student.yaml", {key: str(path) for key, path in found.items()})
    for resume in (False, True):
        train(student, CLASSES, tmp_path / "student", report=lambda _: None, device="cuda", minutes=0.3, resume=resume)
    network, _, _ = checkpoint.load_network(tmp_path / "student" / "best.safetensors")
    assert network.unknown is not None
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
