# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a second network's word is worth: every network alone and pairs of them, on the same labelled images.

    scripts/second_opinion.py --root DATA segnet_lite segnet_vgg other.safetensors
        --pairs segnet_lite+segnet_vgg segnet_lite+other

Networks are bundles or checkpoints; a checkpoint's name is that of its file or folder. Sets: CamVid val, the same under
one condition of those held out from all that is fitted (its kind and severity drawn by the image's number), KITTI. Each
network looks at each image once, shown as the node shows it (`--input-geometry fit`): nothing is counted in the mirror
image beside a very wide one. Scores are plain: the largest probability of the network, and of the mean softmax of a
pair, for the pair's own labels and (`first|second`) for those of the first network alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import track

from trustseg.camera.geometry import Places, ids_shown, shown
from trustseg.camera.input_geometry import InputGeometry
from trustseg.imaging.resize import in_order
from trustseg_lab.data.dataset_layout import dataset_source
from trustseg_lab.data.labelled_images import read_pair
from trustseg_lab.metrics.confidence_metrics import confidence_metrics
from trustseg_lab.metrics.confusion import ConfusionMatrix, confusion_counts
from trustseg_lab.metrics.images.image_quality import image_quality
from trustseg_lab.metrics.images.image_verdicts import failure_auroc
from trustseg_lab.metrics.score_histogram import ScoreHistogram
from trustseg_lab.network.segnet import upsample
from trustseg_lab.scenes.conditions import HELD_OUT_KINDS, apply_condition
from trustseg_lab.training.batches import normalise
from trustseg_lab.training.start.pair import load_member

SIZE = (360, 480)
CLASSES = 11
SETS = ("val", "held-out", "kitti")


def views(name: str, root: Path, every: int, void: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Images uint8 (h, w, 3) RGB and truth uint8 (h, w) at network size, and bool (h, w) where that shows the image."""
    source = dataset_source("kitti" if name == "kitti" else "camvid", root, "val")
    pairs, places = source.pairs()[::every], Places(InputGeometry(), SIZE)
    for number, paths in enumerate(track(pairs, name, disable=not sys.stderr.isatty())):
        pair = read_pair(paths, CLASSES, void)
        picture, place = places.picture(pair.image)
        picture = in_order(picture, "bgr", "rgb")
        if name == "held-out":
            kind = HELD_OUT_KINDS[number % len(HELD_OUT_KINDS)]
            picture = apply_condition(kind, 0.25 + 0.25 * (number // len(HELD_OUT_KINDS) % 4), picture, seed=number)
        seen = np.ones(SIZE, np.bool_) if place is None else place.seen > 0
        yield shown(picture, place, "rgb", "rgb"), ids_shown(pair.labels, place, SIZE, void), seen


class Form:
    """Counts of one way to judge: masks, a score a pixel, a score an image."""

    def __init__(self, classes: int) -> None:
        self._confusion, self._histogram = ConfusionMatrix(classes), ScoreHistogram()
        self._quality: list[float] = []
        self._image_score: list[float] = []

    def add(
        self, shares: np.ndarray, labels: np.ndarray, truth: np.ndarray, seen: np.ndarray, void: int,
        agreement: float | None,
    ) -> None:  # fmt: skip
        """Add an image: shares float32 (C, h, w) score the uint8 `labels` (h, w); bool `seen` (h, w): no padding."""
        score = np.take_along_axis(shares, labels[None].astype(np.int64), 0)[0]
        known = truth != void
        self._confusion.update(truth, labels, void)
        self._histogram.update(score[known], (labels == truth)[known])
        self._quality.append(image_quality(confusion_counts(truth, labels, shares.shape[0], void)))
        self._image_score.append(float(score[seen].mean()) if agreement is None else agreement)

    def figures(self) -> dict[str, float]:
        """Figures over all images that were added, shares in 0..1."""
        found = confidence_metrics(self._histogram)
        quality = np.array(self._quality)
        return {
            "miou": self._confusion.miou(), "auroc": found.auroc, "fpr95": found.fpr95, "aupr_error": found.aupr_error,
            "aurc": found.aurc, "e_aurc": found.e_aurc, "augrc": found.augrc,
            "image_auroc": failure_auroc(np.array(self._image_score), quality),
            "failures": float((quality < 0.5).mean()),
        }  # fmt: skip


def mask_iou(one: np.ndarray, other: np.ndarray, classes: int) -> float:
    """Mean IoU of two masks over the classes that fill 1 % of one of them."""
    found = []
    for index in range(classes):
        a, b = one == index, other == index
        if max(a.mean(), b.mean()) >= 0.01:
            found.append((a & b).sum() / (a | b).sum())
    return float(np.mean(found)) if found else 1.0


def main() -> int:
    """Judge every form on every set and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--pairs", nargs="*", default=[])
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--every", type=int, default=1, help="every n-th image")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    loaded = {name_of(each): load_member(each) for each in args.networks}
    classes, void = CLASSES, 11
    result: dict[str, Any] = {}
    for chosen in args.sets:
        forms: dict[str, Form] = {}
        for image, truth, seen in views(chosen, args.root, args.every, void):
            shares = {name: softmax_of(network, image) for name, (network, _, _) in loaded.items()}
            masks = {name: each.argmax(0).astype(np.uint8) for name, each in shares.items()}
            for name in loaded:
                forms.setdefault(name, Form(classes)).add(shares[name], masks[name], truth, seen, void, None)
            for pair in args.pairs:
                first, second = pair.split("+")
                mean = (shares[first] + shares[second]) / 2
                agreement = mask_iou(masks[first][seen], masks[second][seen], classes)
                own = mean.argmax(0).astype(np.uint8)
                forms.setdefault(pair, Form(classes)).add(mean, own, truth, seen, void, agreement)
                of_first = forms.setdefault(f"{first}|{second}", Form(classes))
                of_first.add(mean, masks[first], truth, seen, void, agreement)
        result[chosen] = {name: form.figures() for name, form in forms.items()}
    if args.json:
        print(json.dumps(result, indent=1))
        return 0
    for chosen, forms_of in result.items():
        print(f"\n{chosen}\n| form | mIoU | AUROC | FPR95 | AUPR-Error | AURC | E-AURC | image AUROC (failures) |")
        print("|---|---|---|---|---|---|---|---|")
        for name, found in forms_of.items():
            print(
                f"| {name} | {100 * found['miou']:.1f} | {100 * found['auroc']:.1f} | {100 * found['fpr95']:.1f} | "
                f"{100 * found['aupr_error']:.1f} | {found['aurc']:.4f} | {found['e_aurc']:.4f} | "
                f"{found['image_auroc']:.3f} ({100 * found['failures']:.0f} %) |"
            )
    return 0


def name_of(network: str) -> str:
    """A bundle's own name; a checkpoint's folder where its file is called best, last or weights."""
    path = Path(network)
    return path.parent.name if path.stem in ("best", "last", "weights", "fused") else path.stem


@torch.no_grad()
def softmax_of(network: Any, image: np.ndarray) -> np.ndarray:
    """Softmax float32 (C, h, w) of one network for an image uint8 (h, w, 3) RGB."""
    logits = network(normalise(torch.from_numpy(image)[None])).logits
    return np.asarray(upsample(logits, network.config.output_stride).softmax(1)[0].numpy(), np.float32)


if __name__ == "__main__":
    raise SystemExit(main())
