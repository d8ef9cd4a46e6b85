# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Teaches the small networks of rows 44, 45 and 69, and writes them with what they were taught by.

    python -m trustseg_lab.benchmark.few_labels.recipe \
        --labelled CAMVID/train:CAMVID/trainannot:11 --place IDD/images:IDD/labels:11 --out engines/few_labels

Every tenth image of `--labelled` keeps its labels. Of the place only the images teach; its labels say how many of the
chosen ones were right. A network that is in the folder already is not taught again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from trustseg.errors import InputError
from trustseg_lab.benchmark.few_labels import stored_networks as stored
from trustseg_lab.benchmark.few_labels.adversarial import learn_adversarially
from trustseg_lab.benchmark.few_labels.learning import SIZE, Recipe, few, learn, shape
from trustseg_lab.benchmark.few_labels.pseudo_labels import learn_mutually
from trustseg_lab.benchmark.few_labels.self_training import adapt, choose, fit_confidence, learned, probability
from trustseg_lab.benchmark.few_labels.stored_networks import SmallNetwork, path_of
from trustseg_lab.calibrate.collect_views import LabelledFolder
from trustseg_lab.data.class_list import FOLDER, ClassList, load_classes
from trustseg_lab.network.segnet import SegNet
from trustseg_lab.training import checkpoint
from trustseg_lab.training.config import Source
from trustseg_lab.training.data import LabelledSet, load_set

EVERY = 10
CLASSES = FOLDER / "classes_camvid11.yaml"
ADAPTED = 4  # a network that learns on takes a quarter of the steps, at a quarter of the rate
BATCH = 16  # images at once where nothing is learned
Taught = tuple[SegNet, dict[str, Any]]


def read_set(text: str, classes: ClassList) -> LabelledSet:
    """IMAGES:LABELS[:VOID] at the small size.

    Raises:
        InputError: not of this form, or a file cannot be read.
    """
    folder = LabelledFolder.parse(text, seen=False)
    listed = classes if folder.void is None else classes.model_copy(update={"void": folder.void})
    return load_set(Source(images=folder.images, labels=folder.labels), listed, *SIZE)


def teach(
    data: LabelledSet, place: LabelledSet, classes: ClassList, recipe: Recipe, out: Path,
    report: Callable[[str, int, int], None],
) -> None:  # fmt: skip
    """Teach every network that is not in `out` yet."""
    labelled, count = few(data, EVERY), len(classes.classes)
    quick = replace(recipe, steps=max(1, recipe.steps // ADAPTED), rate=recipe.rate / ADAPTED)

    def mutual(reliable: bool) -> Taught:
        network, taken = learn_mutually(labelled, data, count, recipe, report, reliable=reliable)
        return network, {"labels_taken": taken}

    def adversarial(judged: bool) -> Taught:
        return learn_adversarially(labelled, data, count, recipe, report, judged=judged), {}

    def self_trained(by_confidence: bool) -> Taught:
        path = path_of(stored.ALL, out)
        if path is None:
            raise InputError("no network to learn on from", got=str(out))
        network = checkpoint.load_network(path)[0]
        sure = learned(fit_confidence(network, data, quick, report)) if by_confidence else probability
        chosen = choose(network, place, sure, BATCH)
        return adapt(network, (data, chosen.data), count, quick, report), {"chosen_right": chosen.right}

    makers: dict[str, Callable[[], Taught]] = {
        stored.FEW: lambda: (learn(labelled, count, recipe, report), {}),
        stored.ALL: lambda: (learn(data, count, recipe, report), {}),
        stored.CROSS: lambda: mutual(False), stored.RELIABLE: lambda: mutual(True),
        stored.TEACHER: lambda: adversarial(False), stored.JUDGED: lambda: adversarial(True),
        stored.BY_PROBABILITY: lambda: self_trained(False), stored.BY_CONFIDENCE: lambda: self_trained(True),
    }  # fmt: skip
    for name, make in makers.items():
        if path_of(name, out) is None:
            started = time.monotonic()
            network, told = make()
            seen = data if name in (stored.ALL, stored.BY_PROBABILITY, stored.BY_CONFIDENCE) else labelled
            told |= {"recipe": asdict(recipe), "labelled": len(seen.images), "images": len(data.images)}
            state = checkpoint.halved(network.state_dict())
            meta = checkpoint.describe(shape(count), classes, few_labels=told, licence=LICENCE)
            checkpoint.save_weights(out / f"{name}.safetensors", state, meta)
            SmallNetwork(out / f"{name}.safetensors")
            report(f"{name} taught in {time.monotonic() - started:.0f} s\n", 1, 1)


LICENCE = "Trained on CamVid (CC BY-NC 4.0; two networks saw images of IDD, research only): for research."


def main(arguments: list[str] | None = None) -> int:
    """Teach them as the arguments say."""
    parser = argparse.ArgumentParser(description="Teach the small networks of rows 44, 45 and 69 of the benchmark.")
    parser.add_argument("--labelled", required=True, help="IMAGES:LABELS[:VOID]; every tenth image keeps its labels")
    parser.add_argument("--place", required=True, help="IMAGES:LABELS[:VOID] of another place, for self-training")
    parser.add_argument("--out", type=Path, required=True, help="folder for the networks")
    parser.add_argument("--steps", type=int, default=Recipe.steps)
    parser.add_argument("--batch", type=int, default=Recipe.batch, help="images of each kind in a step")
    parser.add_argument("--seed", type=int, default=Recipe.seed)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)

    def report(what: str, done: int, of: int) -> None:
        if done % 50 == 0 or done == of:
            sys.stderr.write(f"\r{what}: {done} of {of}   ")
            sys.stderr.flush()

    try:
        classes = load_classes(CLASSES)
        sets = [read_set(each, classes) for each in (given.labelled, given.place)]
        given.out.mkdir(parents=True, exist_ok=True)
        teach(sets[0], sets[1], classes, Recipe(given.steps, given.batch, seed=given.seed), given.out, report)
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
