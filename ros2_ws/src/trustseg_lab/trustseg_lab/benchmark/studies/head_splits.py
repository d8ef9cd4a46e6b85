# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which images a confidence head learns from: those the network learned, a part kept from it, or others (ConfidNet).

A small network learns 85 % of the frames; heads of the product's form then learn the true class's probability from
the same 85 %, from the 15 % that were kept, and from frames of other blocks or another set. All three are judged on
the other half of those, beside the maximum class probability.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trustseg_lab.benchmark.rows.labelled_frames import TOO_FEW, VOID, FrameList, Frames
from trustseg_lab.benchmark.sample import Sample
from trustseg_lab.benchmark.score_collector import Collected
from trustseg_lab.benchmark.score_metrics import ranking_metrics
from trustseg_lab.benchmark.studies.next_frames import outputs, recipe, taught
from trustseg_lab.benchmark.study import Answer
from trustseg_lab.metrics.score_histogram import Floats

SEEDS = 3
KEPT = 0.15  # share of the frames that the network does not see
EVERY = 2  # labelled pixel of the logits that is judged
MCP, FROM = "MCP", {"train": "train", "kept": "15 % kept from training", "val": "val"}
HEADS = ("head learned from", "frames", "wrong there", "AUROC", "sd", "FPR95", "AUPR-Error", "sd of AUPR-Error")


class HeadSplits:
    """Three sources of a head, one beside the other."""

    name, needs = "head_splits", frozenset[str]()

    def __init__(self) -> None:
        self._frames = FrameList()

    def look(self, index: int, sample: Sample) -> None:
        """See `Study`."""
        self._frames.add(sample)

    def tell(self, found: Collected) -> Answer:
        """See `Study`."""
        title, parted = "Which images a confidence head learns from", self._frames.parted()
        if parted is None:
            return Answer(title, TOO_FEW, HEADS)
        pool, others = parted
        val, test = others.halves
        if not len(test):
            return Answer(title, TOO_FEW, HEADS)
        runs = [one_seed(pool, val, test, self._frames.classes, seed) for seed in range(SEEDS)]
        rows: list[list[object]] = []
        for name in (MCP, *FROM.values()):
            told = np.array([run[name] for run in runs])  # (seeds, frames, wrong, AUROC, FPR95, AUPR-Error)
            mean, sd = told.mean(axis=0), told.std(axis=0)
            known = name != MCP
            rows.append([name, int(mean[0]) if known else None, float(mean[1]) if known else None, float(mean[2]),
                         float(sd[2]), float(mean[3]), float(mean[4]), float(sd[4])])  # fmt: skip
        hint = (f"A network of 0.1 M parameters at 96 x 128, {SEEDS} seeds; judged on {len(test)} frames of which "
                "nothing was learned. Published, AUPR-Error: train 50.28, val 50.15.")  # fmt: skip
        return Answer(title, hint, HEADS, rows)


def one_seed(pool: Frames, val: Frames, test: Frames, classes: int, seed: int) -> dict[str, list[float]]:
    """Of each score: frames and share of wrong pixels that it learned from, AUROC, FPR95, AUPR-Error on `test`."""
    from trustseg_lab.benchmark.few_labels.self_training import fit_confidence, learned, probability

    order = np.random.default_rng(seed).permutation(len(pool))
    kept = max(1, round(KEPT * len(pool)))
    sources = {"train": pool.select(order[kept:]), "kept": pool.select(order[:kept]), "val": val}
    network = taught(sources["train"], classes, seed)
    found = {MCP: [0.0, 0.0, *judged(network, test, probability)]}
    for name, frames in sources.items():
        head = fit_confidence(network, frames.labelled, recipe(seed), lambda what, done, of: None)
        found[FROM[name]] = [len(frames), wrong_share(network, frames), *judged(network, test, learned(head))]
    return found


def wrong_share(network: Any, frames: Frames) -> float:
    """Of the labelled pixels."""
    labels = outputs(network, frames)[0].argmax(axis=1)
    known = frames.truth != VOID
    return float((labels != frames.truth)[known].mean())


def judged(network: Any, frames: Frames, confidence: Any) -> Floats:
    """AUROC, FPR95 and AUPR-Error of `confidence` (of the network's output) over pixels of `frames`, float64 (3,)."""
    import torch

    from trustseg_lab.benchmark.few_labels.learning import STRIDE
    from trustseg_lab.training.batches import normalise

    scores, wrong = [], []
    with torch.no_grad():
        for at in range(0, len(frames), 8):
            out = network(normalise(torch.from_numpy(frames.images[at : at + 8])))
            truth = frames.truth[at : at + 8, STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
            known = truth != VOID
            scores.append(confidence(out).numpy()[known])
            wrong.append((out.logits.argmax(1).numpy() != truth)[known])
    told = ranking_metrics(np.concatenate(scores)[::EVERY].astype(np.float64), np.concatenate(wrong)[::EVERY])
    return np.array([told["auroc"], told["fpr95"], told["aupr_error"]])
