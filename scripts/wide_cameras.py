# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How the ways from a wide camera to the network's input compare, by what is published: docs/input_geometry.md.

    .venv/bin/python scripts/wide_cameras.py CAMVID [--bundle segnet_lite] [--every 4] [--scenes 30]

A wide camera is a band of CamVid val's images (CAMVID has the folders val and valannot), with a truth at every pixel,
or a rendered drive of that size. Right pixels, mean IoU, and the area under the risk-coverage curve of the confidence.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from trustseg import Frame, InputGeometry, load
from trustseg.camera.geometry import UNSEEN_LABEL, confidence_at, labels_at
from trustseg.types import UInt8Array
from trustseg_lab.calibrate.collect_views import band
from trustseg_lab.data.labelled_images import find_pairs, read_pair
from trustseg_lab.metrics.confusion import ConfusionMatrix
from trustseg_lab.scenes import random_frame

BANDS = (0.75, 0.6, 0.45)  # share of the rows
SIZES = ((432, 960), (375, 1242))
MODES = ("stretch", "fit", "letterbox")
SEED, VOID = 7_100_000, 11

Shots = Iterator[tuple[UInt8Array, UInt8Array]]  # image BGR uint8 (H, W, 3) and class ids uint8 (H, W)


def bands(root: Path, every: int, share: float) -> Shots:
    """The band of every so many-th image."""
    for paths in find_pairs(root / "val", root / "valannot")[::every]:
        pair = read_pair(paths, VOID, VOID)
        rows = band(pair.labels.shape[0], share)
        yield np.ascontiguousarray(pair.image[rows]), pair.labels[rows]


def rendered(count: int, size: tuple[int, int]) -> Shots:
    """Frames of as many drives."""
    for index in range(count):
        frame = random_frame(SEED + index, size)
        yield np.ascontiguousarray(frame.image_rgb[..., ::-1]), frame.labels


def measured(bundle: str, mode: str, shots: Shots) -> str:
    """A row of the table, percent."""
    pipeline = load(bundle, geometry=InputGeometry(mode))
    confusion = ConfusionMatrix(len(pipeline.card.classes))
    counts = np.zeros((256, 2), np.int64)
    for number, (image, truth) in enumerate(shots):
        result, size = pipeline.process(Frame(image, number + 1, color_order="bgr")), truth.shape[:2]
        labels, codes = labels_at(result, size), confidence_at(result, size)
        known = (truth < len(pipeline.card.classes)) & (labels != UNSEEN_LABEL)
        confusion.update(
            np.where(known, truth, VOID).astype(np.uint8), np.where(known, labels, 0).astype(np.uint8), VOID
        )
        right = (labels == truth)[known]
        for place, which in enumerate((~right, right)):
            counts[:, place] += np.bincount(codes[known][which], minlength=256)
    pipeline.close()
    seen, wrong = counts.sum(1)[::-1].cumsum(), counts[:, 0][::-1].cumsum()
    shares = (wrong / np.maximum(seen, 1))[seen > 0]
    weights = counts.sum(1)[::-1][seen > 0]
    return (
        f"{100 * confusion.miou():.1f} | {100 * confusion.accuracy():.1f} | {np.average(shares, weights=weights):.4f}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of CamVid, with val and valannot")
    parser.add_argument("--bundle", default="segnet_lite")
    parser.add_argument("--every", type=int, default=4, help="every so many-th image of val")
    parser.add_argument("--scenes", type=int, default=30, help="rendered frames of each size")
    given = parser.parse_args()
    print("| camera | input_geometry | mIoU | right | AURC |\n|---|---|---|---|---|")
    for share in BANDS:
        for mode in MODES:
            row = measured(given.bundle, mode, bands(given.root, given.every, share))
            print(f"| CamVid val, {4 / 3 / share:.1f}:1 | {mode} | {row} |", flush=True)
    for size in SIZES:
        for mode in MODES:
            row = measured(given.bundle, mode, rendered(given.scenes, size))
            print(f"| rendered, {size[1] / size[0]:.1f}:1 | {mode} | {row} |", flush=True)


if __name__ == "__main__":
    main()
