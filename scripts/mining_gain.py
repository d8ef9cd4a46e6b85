# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether k mined frames teach more than k random ones: small networks on CamVid, taught by either, beside each other.

    .venv/bin/python scripts/mining_gain.py --root DATA --out out/mining_gain

Every fourth frame of CamVid train is never a candidate: the networks are judged on these frames, on CamVid val and on
KITTI. For each seed a network of `trustseg_lab.benchmark.few_labels` learns from a few frames drawn at random, and what
it says of the candidates, whose labels it has not seen, chooses k of them as `trustseg mine` does; k others are drawn
at random. Then a network learns from the few and the mined ones, and one from the few and the random ones: the same
number of frames, steps and images a step.

A few frames calibrate no bundle, so the criteria are those of `trustseg mine` by the network alone: the mean softmax
maximum, its mean over the classes of the mask, the distance to the pooled features of the labelled frames, and the
change from the frame before. A network that is in `--out` already, by its recipe and its frames, is not taught again.
"""

from __future__ import annotations

import argparse
import hashlib
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from trustseg_lab.benchmark.few_labels.learning import STRIDE, Recipe, learn, shape
from trustseg_lab.benchmark.few_labels.recipe import CLASSES, LICENCE, read_set
from trustseg_lab.benchmark.methods.several_passes import class_mean
from trustseg_lab.data.class_list import ClassList, load_classes
from trustseg_lab.metrics.confidence_metrics import confidence_metrics
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.metrics.score_histogram import ScoreHistogram
from trustseg_lab.mining.candidates import thumbnail
from trustseg_lab.mining.frame_selection import choose
from trustseg_lab.network.segnet import SegNet, upsample
from trustseg_lab.training import checkpoint
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.data import IGNORE, LabelledSet

JUDGED_EVERY = 4
START, RANDOM, MINED = "start", "random", "mined"
ARMS = {START: "the first frames alone", RANDOM: "and random ones", MINED: "and mined ones"}
FIGURES = {"mIoU": "miou", "pixels right": "accuracy", "AUROC": "auroc", "AUPR-Error": "aupr_error", "ECE": "ece"}
Figures = Mapping[str, float]


@dataclass(frozen=True)
class Said:
    """What a network says of n images: masks uint8 (n, H, W), softmax maximum float32 (n, H, W), features (n, D)."""

    masks: np.ndarray
    sure: np.ndarray
    features: np.ndarray


def main() -> int:
    """Teach what is missing, then judge and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="folder of camvid and kitti")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=20, help="frames that every network learns from")
    parser.add_argument("--more", type=int, default=40, help="k: frames mined or drawn beside them")
    parser.add_argument("--steps", type=int, default=600, help="of every network")
    parser.add_argument("--batch", type=int, default=4, help="images a step")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    classes = load_classes(CLASSES)
    camvid = given.root / "camvid"
    train = read_set(f"{camvid / 'train'}:{camvid / 'trainannot'}:11", classes)
    kept = np.arange(1, len(train.images), JUDGED_EVERY)
    pool = part(train, np.setdiff1d(np.arange(len(train.images)), kept))
    judged = {
        f"the {len(kept)} kept frames of CamVid train": part(train, kept),
        "CamVid val": read_set(f"{camvid / 'val'}:{camvid / 'valannot'}:11", classes),
        "KITTI": read_set(f"{given.root / 'kitti' / 'images'}:{given.root / 'kitti' / 'labels'}:11", classes),
    }
    recipe = Recipe(steps=given.steps, batch=given.batch, rate=6e-3)
    found: dict[str, list[dict[str, Figures]]] = {name: [] for name in judged}
    for seed in range(given.seeds):
        networks = one_seed(pool, classes, replace(recipe, seed=seed), (given.first, given.more), given.out)
        for name, data in judged.items():
            found[name].append({arm: metrics_of(say(each, data), data, classes) for arm, each in networks.items()})
    for name, rows in found.items():
        print_table(name, rows)
    return 0


def part(data: LabelledSet, chosen: np.ndarray) -> LabelledSet:
    """These images of a set, in file order."""
    at = np.sort(chosen)
    return replace(data, images=data.images[at], labels=data.labels[at], stems=tuple(data.stems[i] for i in at))


def one_seed(
    pool: LabelledSet, classes: ClassList, recipe: Recipe, counts: tuple[int, int], out: Path
) -> dict[str, SegNet]:  # fmt: skip
    """The three networks of a seed."""
    first, more = counts
    order = np.random.default_rng(recipe.seed).permutation(len(pool.images))
    few, rest = order[:first], np.sort(order[first:])
    start = taught(START, part(pool, few), classes, recipe, out)
    mined = rest[chosen(say(start, part(pool, rest)), part(pool, rest), say(start, part(pool, few)).features, more)]
    drawn = order[first : first + more]
    shares = {
        name: sorted(stem[:6] for stem in part(pool, each).stems) for name, each in ((RANDOM, drawn), (MINED, mined))
    }
    for name, drives in shares.items():
        print(f"seed {recipe.seed}, {name}: " + ", ".join(f"{d} {drives.count(d)}" for d in sorted(set(drives))))
    return {
        START: start,
        RANDOM: taught(RANDOM, part(pool, np.concatenate([few, drawn])), classes, recipe, out),
        MINED: taught(MINED, part(pool, np.concatenate([few, mined])), classes, recipe, out),
    }


def taught(arm: str, data: LabelledSet, classes: ClassList, recipe: Recipe, out: Path) -> SegNet:
    """The network that learned these frames by this recipe, from `out` where it is there."""
    path = out / f"{arm}_{recipe.seed}_{learnt_from(data, recipe)}.safetensors"
    if not path.is_file():
        started = time.monotonic()
        network = learn(data, len(classes.classes), recipe, lambda what, done, of: None)
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = checkpoint.describe(shape(len(classes.classes)), classes, licence=LICENCE)
        checkpoint.save_weights(path, network.state_dict(), meta)
        took = time.monotonic() - started
        print(f"{path.name}: {len(data.images)} frames in {took:.0f} s", file=sys.stderr, flush=True)
    return checkpoint.load_network(path)[0]


def learnt_from(data: LabelledSet, recipe: Recipe) -> str:
    """A mark of all that decides what a network becomes: the recipe, the images and their labels."""
    digest = hashlib.sha256(repr(recipe).encode())
    for each in (data.images, data.labels):
        digest.update(np.ascontiguousarray(each).tobytes())
    return digest.hexdigest()[:12]


def say(network: SegNet, data: LabelledSet) -> Said:
    """What the network says of every image."""
    masks, sure, features = [], [], []
    with torch.no_grad():
        for image in data.images:
            out = network(normalise(torch.from_numpy(image)[None]))
            best = upsample(out.logits, STRIDE)[0].softmax(0).max(0)
            masks.append(best.indices.numpy().astype(np.uint8))
            sure.append(best.values.numpy())
            features.append(torch.cat([out.decoded.mean((2, 3)), out.deepest.mean((2, 3))], 1)[0].numpy())
    return Said(np.stack(masks), np.stack(sure), np.stack(features).astype(np.float64))


def chosen(said: Said, data: LabelledSet, labelled: np.ndarray, count: int) -> np.ndarray:
    """Indices of the frames that mining takes; `labelled`: features of those that have labels, float64 (m, D)."""
    spread = np.maximum(labelled.std(axis=0), 1e-9)
    far = np.linalg.norm((said.features[:, None] - labelled[None]) / spread, axis=2).min(axis=1)
    small = np.stack([thumbnail(image) for image in data.images])
    classes = int(said.masks.max()) + 1
    criteria = {
        "uncertain": 1 - said.sure.mean((1, 2)),
        "failing": [
            1 - float(np.nanmean(class_mean(s, m, classes))) for s, m in zip(said.sure, said.masks, strict=True)
        ],
        "strange": far,
        "changing": changing(said.masks, small, data.stems),
    }
    picked = choose(criteria, said.features, small, count)
    if len(picked) != count:
        raise SystemExit(f"mining_gain: {count} frames were wanted, {len(picked)} can be chosen")
    return np.array([each.index for each in picked])


def changing(masks: np.ndarray, small: np.ndarray, stems: Sequence[str]) -> np.ndarray:
    """As in `trustseg_lab.mining.candidates`: NaN for the first frame of each drive."""
    out = np.full(len(masks), np.nan)
    for i in range(1, len(masks)):
        if stems[i].split("_")[0] == stems[i - 1].split("_")[0]:
            levels = np.abs(small[i].astype(np.int16) - small[i - 1].astype(np.int16)).mean()
            out[i] = np.mean(masks[i] != masks[i - 1]) / (1.0 + levels)
    return out


def metrics_of(said: Said, data: LabelledSet, classes: ClassList) -> Figures:
    """Masks, and the softmax maximum as confidence, at the networks' size."""
    counts, scores = ConfusionMatrix(len(classes.classes)), ScoreHistogram()
    for mask, sure, truth in zip(said.masks, said.sure, data.labels, strict=True):
        known = truth != IGNORE
        counts.update(truth, mask, IGNORE)
        scores.update(sure[known], (mask == truth)[known])
    found = confidence_metrics(scores)
    return {"miou": counts.miou(), "accuracy": counts.accuracy(), "auroc": found.auroc,
            "aupr_error": found.aupr_error, "ece": found.ece}  # fmt: skip


def print_table(title: str, seeds: Sequence[Mapping[str, Figures]]) -> None:
    """Mean and deviation over the seeds, and the gain of mined over random frames seed by seed; in hundredths."""
    print(f"\n{title}; {len(seeds)} seeds\n\n| learned from | {' | '.join(FIGURES)} |\n|---|{'---|' * len(FIGURES)}")
    for arm, said in ARMS.items():
        cells = [spread([each[arm][key] for each in seeds]) for key in FIGURES.values()]
        print(f"| {said} | {' | '.join(cells)} |")
    gains = [[each[MINED][key] - each[RANDOM][key] for each in seeds] for key in FIGURES.values()]
    print(f"| mined beside random | {' | '.join(spread(each, '+') for each in gains)} |")
    print(f"| seed by seed | {' | '.join(', '.join(f'{100 * v:+.1f}' for v in each) for each in gains)} |", flush=True)


def spread(values: Sequence[float], sign: str = "") -> str:
    """Mean ± deviation, in hundredths."""
    mean = f"{100 * statistics.mean(values):{sign}.1f}"
    return mean if len(values) < 2 else f"{mean} ± {100 * statistics.stdev(values):.1f}"


if __name__ == "__main__":
    raise SystemExit(main())
