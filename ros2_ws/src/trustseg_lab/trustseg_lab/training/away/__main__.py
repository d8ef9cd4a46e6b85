# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`scripts/on_gpu.sh`: pack here, train there, join what came back."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from trustseg.errors import InputError
from trustseg.files.whole_file import write_whole
from trustseg.host.machine import usable_cores
from trustseg_lab.data.documents import parse_json
from trustseg_lab.training.away import parts
from trustseg_lab.training.away.archive import digest_of, pack, unpack
from trustseg_lab.training.away.gather import PLAN, PLAN_FILE, Sources, gather
from trustseg_lab.training.away.member import Order
from trustseg_lab.training.away.plan import Plan, chosen, config_file, load_plan, stages
from trustseg_lab.training.config import load_config

OWN_PLAN = Path(__file__).resolve().parent / "on_gpu.yaml"
MOST_MEGABYTES = 60.0
SMALLER = (
    "make images smaller (--quality 80), take fewer coarse ones (--coarse-every 3), or leave members out (--only; "
    "without vgg VGG16's weights stay here)"
)


def say(line: str) -> None:
    """A line for whoever watches."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def pack_up(given: argparse.Namespace) -> int:
    """Gather and pack."""
    plan = load_plan(given.plan)
    names = chosen(list(plan.members), given.only)
    sources = Sources(given.data, given.objects, given.tree, given.quality, given.coarse_every)
    given.archive.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".on_gpu-", dir=given.archive.parent) as folder:
        about = gather(given.plan, names, sources, Path(folder), given.soft, say)
        sizes = pack(Path(folder), given.archive, given.most, about, SMALLER)
    for name, size in sorted(sizes.items(), key=lambda each: -each[1]):
        say(f"{size:8.2f} MB  {'the archive' if name == 'all' else name}")
    return 0


def device_here() -> str:
    """cuda where there is a GPU that PyTorch can use, else cpu."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def train_all(given: argparse.Namespace) -> int:
    """Unpack, and train stage by stage; exit code 1 where a member failed."""
    if not 0 < given.minutes < 1e6:
        raise InputError("--minutes", expected="more than 0", got=str(given.minutes))
    given.out = given.out.resolve()
    work = (given.work or given.out.with_name(given.out.name + ".work")).resolve()
    if given.out.exists() and not given.out.is_dir():
        raise InputError(f"{given.out} is a file", expected="a folder for checkpoints, logs and results")
    told = unpacked(given.archive, work)
    plan = load_plan(work / "data" / PLAN_FILE)
    names = chosen([str(name) for name in told["members"]], given.only)
    device = device_here()
    say(
        f"{', '.join(names)}: {given.minutes:g} minutes on " + ("a GPU" if device == "cuda" else "the CPU: no GPU here")
    )
    given.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for stage in stages(plan, names, given.minutes, device == "cuda", told["soft"]):
        running = {}
        for name in stage.names:
            if (given.out / f"{name}.json").is_file():
                say(f"{name} is done already")
                continue
            loaders = max(1, usable_cores() // len(stage.names) - 1) if device == "cuda" else None
            order = Order(
                name, str(work / "data"), str(work / "runs" / name), str(given.out.resolve()), str(given.tree),
                stage.minutes, device, teacher_of(name, plan, given.tree, work, told["soft"]), loaders,
            )  # fmt: skip
            command = [sys.executable, "-m", "trustseg_lab.training.away.member", order.text()]
            running[name] = subprocess.Popen(command, cwd=work / "data")
        failed += [name for name, process in running.items() if process.wait() != 0]
    for name in names:
        result = given.out / f"{name}.json"
        if result.is_file():
            got = result_of(result)
            say(
                f"{name}: mIoU {got['val_miou'] or 0:.4f} and accuracy {got['val_accuracy']:.4f} on val, "
                f"{got['minutes']:.2f} minutes, {got['steps']} steps on {got['device']}"
            )
    if failed:
        sys.stderr.write(f"not trained: {', '.join(failed)}\n")
    return 1 if failed else 0


def result_of(path: Path) -> dict[str, Any]:
    """What a member that is done wrote of itself."""
    try:
        return dict(parse_json(path.read_bytes()))
    except (ValueError, TypeError):
        raise InputError(
            f"{path} is no result of a member", fix="remove it: the member goes on from its state"
        ) from None


def unpacked(archive: Path, work: Path) -> dict[str, Any]:
    """What the archive says of itself, its files laid out below `work`; InputError where those of another lie there."""
    mark = work / "archive.sha256"
    digest = digest_of(archive) if archive.is_file() else ""
    if mark.is_file() and digest and mark.read_text() != digest:
        raise InputError(
            f"{work} holds the data and states of another archive", got=archive.name,
            fix=f"give another OUT, or remove {work} and what is in OUT",
        )  # fmt: skip
    told = unpack(archive, work / "data")
    write_whole(mark, digest.encode())
    return told


def teacher_of(name: str, plan: Plan, tree: Path, work: Path, soft: list[str]) -> str | None:
    """Whom a member learns from: its teacher of the plan where that has been trained and no soft labels are carried,
    else the configured one of the source tree."""
    config = load_config(config_file(work / "data" / PLAN, plan.members[name].config))
    if config.distil is None:
        return None
    teacher = plan.members[name].teacher
    trained = None if teacher is None else work / "runs" / teacher / "best.safetensors"
    if trained is not None and trained.is_file() and name not in soft:
        return str(trained)
    return str(tree / config.distil.teacher)


def main(arguments: list[str] | None = None) -> int:
    """The three commands of the script."""
    parser = argparse.ArgumentParser(prog="scripts/on_gpu.sh", description=__doc__)
    parser.add_argument("--tree", type=Path, default=Path.cwd(), help="source tree, with engines/")
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="the data that the plan needs, in one archive")
    packing.add_argument("archive", type=Path)
    packing.add_argument("--data", type=Path, required=True, help="folder with camvid/, idd_lite/ and the others")
    packing.add_argument("--objects", type=Path, default=Path(".cache/objects"), help="library of unknown objects")
    packing.add_argument("--plan", type=Path, default=OWN_PLAN)
    packing.add_argument("--only", help="members, with commas between")
    packing.add_argument("--quality", type=int, choices=range(1, 101), metavar="1..100", help="of images as WebP")
    packing.add_argument("--coarse-every", type=int, default=1, choices=range(1, 1001), metavar="N", help="one of N")
    packing.add_argument("--soft", action="store_true", help="carry what the configured teacher says, too")
    packing.add_argument("--most", type=float, default=MOST_MEGABYTES, metavar="MB")
    training = commands.add_parser("train", help="the members, from the archive")
    training.add_argument("archive", type=Path)
    training.add_argument("out", type=Path, help="for checkpoints, logs and results")
    training.add_argument("--minutes", type=float, default=10.0)
    training.add_argument("--only", help="members, with commas between")
    training.add_argument("--work", type=Path, help="for data and states; default: OUT.work")
    joining = commands.add_parser("join", help="a checkpoint from its parts")
    joining.add_argument("listing", type=Path)
    joining.add_argument("checkpoint", type=Path)
    given = parser.parse_args(arguments)
    try:
        given.tree = given.tree.resolve()
        if given.command == "pack":
            return pack_up(given)
        if given.command == "train":
            return train_all(given)
        parts.join(given.listing, given.checkpoint)
    except (InputError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
