# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trains one member where its data lie, in a process of its own, and publishes what val likes best as it goes on.

python -m trustseg_lab.training.away.member ORDER       (ORDER: JSON of Order; started by the package's __main__)
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trustseg.errors import InputError
from trustseg.files.json_document import write_json
from trustseg.files.whole_file import write_whole
from trustseg_lab.data.class_list import load_classes
from trustseg_lab.training import checkpoint
from trustseg_lab.training.away.gather import PLAN, PLAN_FILE, classes_of
from trustseg_lab.training.away.parts import write_parts
from trustseg_lab.training.away.plan import config_file, load_plan
from trustseg_lab.training.config import load_config
from trustseg_lab.training.train import train


@dataclass(frozen=True)
class Order:
    """What a member's process is told.

    Attributes:
        name: of the member. data: folder of the archive's files. run: of its state. out: for what is brought back.
        tree: source tree. teacher: checkpoint or bundle; None: none is configured. device: cpu or cuda.
        loaders: threads that make batches; None: as the configuration has it.
    """

    name: str
    data: str
    run: str
    out: str
    tree: str
    minutes: float
    device: str
    teacher: str | None = None
    loaders: int | None = None

    def text(self) -> str:
        """As an argument of a command."""
        return json.dumps(asdict(self))


def publish(order: Order) -> dict[str, Any]:
    """Write the best checkpoint so far in half precision, and the log, into the folder that is brought back."""
    run, out = Path(order.run), Path(order.out)
    state, meta = checkpoint.load_weights(run / "best.safetensors")
    write_parts(out, order.name, state, meta)
    write_whole(out / f"{order.name}.log.jsonl", (run / "log.jsonl").read_bytes())
    return meta


def work(order: Order) -> None:
    """Train, or go on; the member's result is written when it is done."""
    data, run = Path(order.data), Path(order.run)
    plan = load_plan(data / PLAN_FILE)
    member = plan.members[order.name]
    overrides: dict[str, Any] = dict(member.cuda) if order.device == "cuda" else {}
    if order.teacher is not None:
        overrides["distil.teacher"] = order.teacher
    if order.loaders is not None:
        # An exported teacher is asked on the CPU, on as many cores.
        overrides |= {"loaders": order.loaders, "threads": order.loaders + 1}
    config = load_config(config_file(data / PLAN, member.config), overrides)
    parent = os.getppid()

    def report(record: dict[str, Any]) -> None:
        if os.getppid() != parent:  # whoever would go on with this run would have it to himself
            raise InputError(f"{order.name} stops: what started it has gone", fix="start it again: it goes on")
        if record["kind"] == "epoch" and record.get("val"):
            sys.stdout.write(
                f"{order.name}: step {steps[0]}, loss {record['loss']:.3f}, val mIoU {record['val']['miou'] or 0:.3f}\n"
            )
            sys.stdout.flush()
            publish(order)
        elif record["kind"] == "step":
            steps[0] = record["step"]

    steps = [0]
    run.mkdir(parents=True, exist_ok=True)
    with (run / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        train(
            config, load_classes(classes_of(data, plan)), run, report=report, resume=True,
            minutes=order.minutes, device=order.device,
            init=None if member.init is None else Path(order.tree) / member.init,
        )  # fmt: skip
        meta = publish(order)
        saved = checkpoint.load_run(run / "state.pt")
    write_json(
        Path(order.out) / f"{order.name}.json",
        {
            "member": order.name, "val_miou": meta["val"]["miou"], "val_accuracy": meta["val"]["accuracy"],
            "minutes": saved["pace"]["spent"] / 60, "steps": saved["step"], "device": order.device,
        },
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """One member."""
    order = Order(**json.loads((arguments or sys.argv[1:])[0]))
    try:
        work(order)
    except InputError as error:
        sys.stderr.write(f"{order.name}: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
