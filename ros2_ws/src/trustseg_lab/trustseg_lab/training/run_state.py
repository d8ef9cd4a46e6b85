# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The state of a training run: what changes while it goes on, what is kept of it, and how it goes on from that."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from trustseg.errors import InputError
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.network.segnet import SegNet
from trustseg_lab.training import checkpoint
from trustseg_lab.training.config import Arithmetic
from trustseg_lab.training.pace import Pace


@dataclass
class Run:
    """Everything that changes while a run goes on."""

    network: SegNet
    average: SegNet
    optimizer: torch.optim.Optimizer
    epoch: int = 0
    step: int = 0
    best: float = -1.0
    pace: Pace | None = None
    arithmetic: Arithmetic = "auto"


def update_average(run: Run, decay: float) -> None:
    """Move the averaged weights towards the present ones; quick at first, slow once there is a history."""
    effective = min(decay, (1 + run.step) / (10 + run.step))
    with torch.no_grad():
        present = run.network.state_dict()
        for name, value in run.average.state_dict().items():
            if value.dtype.is_floating_point:
                value.lerp_(present[name], 1 - effective)
            else:
                value.copy_(present[name])


def resume_run(run: Run, path: Path, classes: ClassList, keep_arithmetic: bool = True) -> None:
    """Continue from what an interrupted run left, in its arithmetic where that is kept.

    Raises:
        InputError: it is of other classes, of another network, or not of minutes where this one is (or the reverse).
    """
    saved = checkpoint.load_run(path)
    names = [each.name for each in classes.classes]
    # Tensors of as many classes fit, whatever these are. A state of before names none.
    if saved.get("classes", names) != names:
        raise InputError(
            f"{path} is of other classes", expected=", ".join(names), got=", ".join(map(str, saved["classes"])),
            fix="give the --classes that it was started with, or a new --out with --init",
        )  # fmt: skip
    try:
        run.network.load_state_dict(saved["network"])
        run.average.load_state_dict(saved["average"])
        run.optimizer.load_state_dict(saved["optimizer"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f"{path} is of another network", got=str(error).splitlines()[0], fix="use a new --out"
        ) from None
    run.epoch, run.step, run.best = int(saved["epoch"]), int(saved["step"]), float(saved["best"])
    if keep_arithmetic:
        run.arithmetic = saved.get("arithmetic", run.arithmetic)
    if run.pace is not None:
        if "pace" not in saved:
            raise InputError(f"{path} is of a run of epochs", fix="leave --minutes away, or use a new --out")
        run.pace.resume(saved["pace"])
    elif "pace" in saved:
        raise InputError(f"{path} is of a run of minutes", fix="give --minutes, or use a new --out")


def keep(run: Run, out: Path, meta: dict[str, Any]) -> None:
    """Write the averaged weights, the best ones on val, and the state to resume from; `meta` as
    `checkpoint.describe` gives it, with the figures on val."""
    checkpoint.save_weights(out / "last.safetensors", run.average.state_dict(), meta)
    miou = meta["val"]["miou"] or 0.0
    if miou > run.best:
        run.best = miou
        checkpoint.save_weights(out / "best.safetensors", run.average.state_dict(), meta)
    checkpoint.save_run(
        out / "state.pt",
        {
            "network": run.network.state_dict(), "average": run.average.state_dict(),
            "optimizer": run.optimizer.state_dict(), "epoch": run.epoch, "step": run.step, "best": run.best,
            "arithmetic": run.arithmetic, "classes": [each["name"] for each in meta["classes"]["classes"]],
            **({} if run.pace is None else {"pace": run.pace.state()}),
        },
    )  # fmt: skip
