# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The training loop: one YAML in, checkpoints, a log and the best weights on val out."""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from trustseg.errors import InputError
from trustseg.files.json_document import json_ready
from trustseg.host.machine import usable_cores
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.network.segnet import SegNet, multiply_accumulates, upsample
from trustseg_lab.training import checkpoint
from trustseg_lab.training.arithmetic import chosen, computing
from trustseg_lab.training.batches import Batch, Batches, Pasting, normalise
from trustseg_lab.training.config import Arithmetic, TrainConfig
from trustseg_lab.training.data import IGNORE, SOFT_STRIDE, LabelledSet, class_frequencies, load_set
from trustseg_lab.training.distil import soft_labels
from trustseg_lab.training.losses import class_weights
from trustseg_lab.training.objective import Objective, group_members
from trustseg_lab.training.pace import Pace, timed_rate
from trustseg_lab.training.run_state import Run, keep, resume_run, update_average
from trustseg_lab.training.scene_set import rendered_set, require_scene_classes
from trustseg_lab.training.start.lite0 import start_from_lite0
from trustseg_lab.training.start.start_weights import start_from_checkpoint
from trustseg_lab.training.start.vgg16 import start_from_vgg16
from trustseg_lab.training.unknown.held_out_objects import evaluate_unknown, every_second, with_objects
from trustseg_lab.training.unknown.sets_beside import load_coarse, measuring_paster, paster

Report = Callable[[dict[str, Any]], None]


def learning_rate(step: int, steps_per_epoch: int, config: TrainConfig, progress: float | None = None) -> float:
    """Linear warm-up, a flat part, a cosine tail to zero; `progress`: share of a run of minutes that is done."""
    optim = config.optim
    if progress is not None:
        return timed_rate(step, optim.warmup_epochs * steps_per_epoch, progress, optim)
    total = optim.epochs * steps_per_epoch
    warm = max(1.0, optim.warmup_epochs * steps_per_epoch)
    start = max(warm, optim.decay_from * total)
    if step < warm:
        return optim.lr * (step + 1) / warm
    if step < start:
        return optim.lr
    return optim.lr * 0.5 * (1 + math.cos(math.pi * min(1.0, (step - start) / max(1.0, total - start))))


@torch.no_grad()
def evaluate(
    network: SegNet, data: LabelledSet, classes: int, device: str, arithmetic: Arithmetic = "auto", batch: int = 8
) -> dict[str, Any]:  # fmt: skip
    """Confusion-based quality on `data` at its own size: miou, accuracy, class_iou (None for a class never seen)."""
    network.eval()
    confusion = np.zeros((classes, classes), np.int64)
    for start in range(0, len(data.images), batch):
        images = torch.from_numpy(data.images[start : start + batch]).to(device)
        with computing(device, arithmetic):
            logits = network(normalise(images)).logits
        predicted = upsample(logits.float(), network.config.output_stride).argmax(1).cpu().numpy()
        truth = data.labels[start : start + batch]
        valid = truth != IGNORE
        pairs = truth[valid].astype(np.int64) * classes + predicted[valid]
        confusion += np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)
    hit = np.diag(confusion).astype(float)
    union = confusion.sum(0) + confusion.sum(1) - hit
    iou = [float(h / u) if u else None for h, u in zip(hit, union, strict=True)]
    known = [v for v in iou if v is not None]
    return {
        "miou": float(np.mean(known)) if known else None,
        "accuracy": float(hit.sum() / max(1, confusion.sum())),
        "class_iou": iou,
    }


def parameter_groups(network: SegNet, config: TrainConfig) -> list[dict[str, Any]]:
    """The optimizer's groups: encoder and all else, each with its factor of the learning rate. Frozen stages are in
    none of them."""
    for block in network.encoder[: config.optim.frozen_stages]:
        block.requires_grad_(False)
    encoder = [each for each in network.encoder.parameters() if each.requires_grad]
    known = {id(each) for each in network.encoder.parameters()}
    rest = [each for each in network.parameters() if id(each) not in known]
    return [{"params": encoder, "factor": config.optim.encoder_lr}, {"params": rest, "factor": 1.0}]


def start_run(config: TrainConfig, classes: ClassList, images: np.ndarray, device: str, init: Path | None) -> Run:
    """A fresh run, from random weights, from VGG16's (with statistics of some of `images`) or from a checkpoint's."""
    model = config.model.model_dump(exclude={"vgg16", "lite0"})
    network = SegNet(checkpoint.network_config({**model, "classes": len(classes.classes)}))
    if init is None and config.model.vgg16 is not None:
        start_from_vgg16(network, config.model.vgg16, normalise(torch.from_numpy(images[:: max(1, len(images) // 6)])))
    if init is None and config.model.lite0 is not None:
        start_from_lite0(network, config.model.lite0)
    if init is not None:
        start_from_checkpoint(network, init, classes)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    groups = parameter_groups(network, config)
    optimizer = torch.optim.AdamW(groups, lr=config.optim.lr, weight_decay=config.optim.weight_decay)
    return Run(network, copy.deepcopy(network).eval(), optimizer)


def train(
    config: TrainConfig, classes: ClassList, out: Path, *, report: Report, resume: bool = False,
    init: Path | None = None, device: str = "cpu", stop_after_epoch: int | None = None, minutes: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Train as configured; writes `best.safetensors` (averaged weights, best on val), `last.safetensors`, `state.pt`,
    `log.jsonl` under `out`. `report` is called with a dict after every step ("step") and epoch ("epoch").

    With `minutes` these are divided in place of the configured epochs: reading, rendering and the teacher's word count,
    and the last look at val is over by their end. An interrupted run goes on with what its last state had left.

    Returns the last epoch's record; empty where nothing was left to do.
    """
    pace = None if minutes is None else Pace(minutes)
    torch.manual_seed(config.seed)
    torch.set_num_threads(config.threads)
    if device == "cuda":
        torch.backends.cudnn.benchmark = True  # two sizes of input: windows and whole images
    data = config.data
    if data.scene_share > 0:
        require_scene_classes(classes)
    train_set = taught(load_set(data.train, classes, data.height, data.width), config, classes, device, report)
    val_set = load_set(data.val, classes, data.height, data.width)

    def rendered(done: int, of: int) -> None:
        report({"kind": "render", "done": done, "of": of})

    if config.unknown is not None and not config.model.unknown:
        raise InputError("unknown objects need a network that says where", fix="set model.unknown: true")
    extra = [(taught(load_set(each.source, classes, data.height, data.width), config, classes, device, report),
              each.share) for each in data.more]  # fmt: skip
    scenes = None
    if data.scene_share > 0:
        scenes = rendered_set(
            data.scene_frames, data.scene_seed, (data.height, data.width), cache=data.scene_cache, progress=rendered
        )
        extra.append((scenes, data.scene_share))
    if config.coarse is not None:
        extra.append((load_coarse(config.coarse, classes, data.height, data.width), config.coarse.share))
    pasting = unseen = None
    road: tuple[int, ...] = ()
    if config.unknown is not None:
        pasting = Pasting(paster(config, classes, train_set), config.unknown.images)
        measuring = measuring_paster(config.unknown, classes)
        unseen, road = with_objects(every_second(val_set), measuring), measuring.road
    run = start_run(config, classes, train_set.images, device, init)
    run.pace, run.arithmetic = pace, chosen(device, config.arithmetic)
    out.mkdir(parents=True, exist_ok=True)
    if resume and (out / "state.pt").exists():
        resume_run(run, out / "state.pt", classes, keep_arithmetic=config.arithmetic == "auto")
    count = len(classes.classes)
    weights = class_weights(
        class_frequencies(train_set.labels, count), config.optim.class_weight_power, config.optim.class_weight_max
    ).to(device)
    steps = max(1, len(train_set.images) // config.optim.batch)
    meta = checkpoint.describe(
        run.network.config, classes, config=json.loads(config.model_dump_json()),
        gmac=multiply_accumulates(copy.deepcopy(run.network).cpu(), data.height, data.width) / 1e9,
        init=str(init.name) if init else None, arithmetic=run.arithmetic,
    )  # fmt: skip
    members = group_members(config, classes)
    members = None if members is None else members.to(device)
    objective = Objective(config, run.network.config.output_stride, weights, members)
    batches = Batches(
        train_set, extra, config.optim.batch, config.augment, config.seed + 1000 * run.epoch, pasting,
        config.loaders or (1 if device == "cpu" else max(1, usable_cores() - 1)),
    )  # fmt: skip

    def gone() -> float | None:
        return None if pace is None else pace.progress()

    def look() -> dict[str, Any]:
        started = time.monotonic()
        looked = {"val": evaluate(run.average, val_set, count, device, run.arithmetic)}
        if scenes is not None:
            looked["scenes"] = evaluate(run.average, held_out_scenes(config), count, device, run.arithmetic)
        if unseen is not None:
            looked["unknown"] = evaluate_unknown(run.average, unseen, device, run.arithmetic, road)
        if pace is not None:
            pace.looked(time.monotonic() - started)
        return looked

    record: dict[str, Any] = {}
    try:
        stream = iter(batches)
        last_epoch = min(config.optim.epochs, stop_after_epoch or config.optim.epochs)
        if pace is not None:
            pictures = len(val_set.images) + sum(len(each.images) for each in (unseen,) if each is not None)
            if scenes is not None:
                pictures += len(held_out_scenes(config).images)
            pace.begin(expected_seconds(run.average, val_set, pictures, count, device, run.arithmetic))
        ended = run.epoch >= last_epoch if pace is None else pace.progress() >= 1
        while not ended:
            epoch, started, losses = run.epoch, time.monotonic(), []
            for _ in range(steps):
                losses.append(one_step(run, next(stream), objective, steps, device, gone()))
                report({"kind": "step", "epoch": epoch, "step": run.step, "of": steps, "loss": losses[-1]})
                # On a slow machine an epoch may be longer than all the minutes: what is learned is kept on the way.
                if pace is not None and (pace.due() or pace.progress() >= 1):
                    break
            run.epoch = epoch + 1
            record = {
                "kind": "epoch", "epoch": run.epoch, "loss": float(np.mean(losses)),
                "lr": learning_rate(run.step, steps, config, gone()),
                "seconds": round(time.monotonic() - started, 1),
            }  # fmt: skip
            # Asked once a turn: what ends between two answers would end without its last look.
            ended = run.epoch >= last_epoch if pace is None else pace.progress() >= 1
            if ended or (run.epoch % config.val_every == 0 if pace is None else pace.due()):
                record.update(look())
                keep(run, out, {**meta, "epoch": run.epoch, "val": record["val"]})
            with (out / "log.jsonl").open("a") as log:
                log.write(json.dumps(json_ready(record), allow_nan=False) + "\n")
            report(record)
    finally:
        batches.close()
    if minutes is not None and not (out / "best.safetensors").exists():
        raise InputError(
            "no step could be made", got=f"{minutes:g} minutes, gone with reading", fix="give more minutes"
        )
    return record


def expected_seconds(
    network: SegNet, data: LabelledSet, pictures: int, classes: int, device: str, arithmetic: Arithmetic
) -> float:  # fmt: skip
    """How long a look at so many pictures will take, from one at a few of `data`, which the first look corrects."""
    few = LabelledSet(data.images[:4], data.labels[:4], data.stems[:4])
    started = time.monotonic()
    evaluate(network, few, classes, device, arithmetic)
    return (time.monotonic() - started) * pictures / len(few.images)


def taught(data: LabelledSet, config: TrainConfig, classes: ClassList, device: str, report: Report) -> LabelledSet:
    """`data` with what the configured teacher says of it, if there is one."""
    if config.distil is None:
        return data
    soft = soft_labels(
        config.distil.teacher, classes, data.images, cache=config.distil.cache, device=device,
        arithmetic=config.arithmetic,
        progress=lambda done, of: report({"kind": "teach", "done": done, "of": of}),
    )  # fmt: skip
    return replace(data, soft=soft)


def one_step(
    run: Run, batch: Batch, objective: Objective, steps: int, device: str, timed: float | None = None
) -> float:  # fmt: skip
    """One update of the weights and of their average; returns the loss. `timed`: share of a run of minutes that is
    done, in place of that of the epochs."""
    config = objective.config
    progress = run.step / max(1, config.optim.epochs * steps) if timed is None else timed
    looked_at = window(batch, config.data.crop) if progress < config.data.crop_until else batch
    images, labels = (part.to(device) for part in looked_at[:2])
    soft = None if looked_at[2] is None else looked_at[2].to(device)
    for group in run.optimizer.param_groups:
        group["lr"] = learning_rate(run.step, steps, config, timed) * group["factor"]
    run.network.train()
    run.network.encoder[: config.optim.frozen_stages].eval()
    x = normalise(images).contiguous(memory_format=torch.channels_last)
    with computing(device, run.arithmetic):
        out = run.network(x)
    loss = objective(out, labels, soft, run.step, progress)
    if not torch.isfinite(loss):
        raise InputError("training diverged: the loss is not finite", fix="lower optim.lr and use --resume")
    run.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(run.network.parameters(), 5.0)
    run.optimizer.step()
    run.step += 1
    update_average(run, config.optim.ema)
    return float(loss.detach())


def window(batch: Batch, size: tuple[int, int] | None) -> Batch:
    """A random window of `size` (height, width), the same of all images (N, H, W, 3), labels and soft labels."""
    images, labels, soft = batch
    if size is None:
        return batch
    step = 1 if soft is None else SOFT_STRIDE
    height, width = (min(a, b) for a, b in zip(size, labels.shape[1:], strict=True))
    y = step * int(torch.randint((labels.shape[1] - height) // step + 1, ()))
    x = step * int(torch.randint((labels.shape[2] - width) // step + 1, ()))
    if soft is not None:
        soft = soft[:, y // step : (y + height) // step, x // step : (x + width) // step]
    return images[:, y : y + height, x : x + width], labels[:, y : y + height, x : x + width], soft


_HELD_OUT: dict[tuple[int, int], LabelledSet] = {}


def held_out_scenes(config: TrainConfig, count: int = 48) -> LabelledSet:
    """Rendered scenes whose seeds no training uses; made once."""
    size = (config.data.height, config.data.width)
    if size not in _HELD_OUT:
        _HELD_OUT[size] = rendered_set(count, 10_000, size, cache=config.data.scene_cache)
    return _HELD_OUT[size]
