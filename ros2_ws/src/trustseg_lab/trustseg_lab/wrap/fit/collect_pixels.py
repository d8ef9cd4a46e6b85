# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Runs a wrapped network over labelled images, clean and in bad weather, and keeps pixels to fit a head on; and counts
what a head's codes are worth on images that it was not fitted on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import onnx
import onnxruntime

from trustseg.bundle.card import VOID_LABEL
from trustseg.camera.geometry import Geometry, ids_shown, placed
from trustseg.types import UInt8Array
from trustseg_lab.metrics.score_histogram import Counts
from trustseg_lab.wrap.fit.fit_head import PixelRows
from trustseg_lab.wrap.graph.head import SIGNALS, Floats
from trustseg_lab.wrap.network import FEATURES

CHANNELS = 64  # of a feature map that are resized at once: OpenCV takes 128 at the most
MOST_ROWS, MOST_OF_VIEW = 150_000, 2000
MOST_CHANNELS = 512  # of a feature map that a head may see


@dataclass(frozen=True)
class LabelledView:
    """One view of an image.

    Attributes:
        image: uint8 (h, w, 3) at network size, in the network's order. truth: uint8 (H, W) own class ids, VOID_LABEL
            where nothing is known.
        fold: of its image's block. clean: as it came from the camera.
        place: where the view lies in the camera's image, whose pixels the truth has; None where all of it is stretched.
    """

    image: UInt8Array
    truth: UInt8Array
    fold: int
    clean: bool
    place: Geometry | None = None


@dataclass(frozen=True)
class CodeCounts:
    """int64 (2, 256) each: wrong and right pixels per confidence code, of the clean views of each fold and of all."""

    clean_of_fold: dict[int, Counts]
    every: Counts

    @staticmethod
    def empty() -> CodeCounts:
        """Nothing counted."""
        return CodeCounts({}, np.zeros((2, 256), np.int64))

    @property
    def clean(self) -> Counts:
        """int64 (2, 256), of the clean views of all folds."""
        return sum(self.clean_of_fold.values(), np.zeros((2, 256), np.int64))

    def add(self, view: LabelledView, labels: UInt8Array, codes: UInt8Array) -> None:
        """Count a view whose mask and codes, (h, w), are compared at the size of the truth."""
        size = (view.truth.shape[0], view.truth.shape[1])
        right, keep = placed(labels, view.place, size) == view.truth, view.truth != VOID_LABEL
        joint = right[keep].astype(np.int64) * 256 + placed(codes, view.place, size)[keep]
        counts = np.bincount(joint, minlength=512).reshape(2, 256)
        self.every[...] += counts
        if view.clean:
            self.clean_of_fold[view.fold] = self.clean_of_fold.get(view.fold, 0) + counts


def collect(
    model: onnx.ModelProto, views: Iterator[LabelledView], total: int, sees: int, seed: int,
    step: Callable[[], None],
) -> tuple[PixelRows, CodeCounts]:  # fmt: skip
    """Rows of at most MOST_ROWS pixels of `total` views, evenly, and what the network's own MCP is worth on them.

    `model` has a `NoHead`; `sees`: channels of its feature map that are kept too, 0 for none.
    """
    names = ["labels", "confidence", SIGNALS, *([FEATURES] if sees else [])]
    session, rng = _session(model, names), np.random.default_rng(seed)
    most = min(MOST_OF_VIEW, max(1, MOST_ROWS // max(total, 1)))
    x, right, folds, counts = [], [], [], CodeCounts.empty()
    signals = 0
    for view in views:
        labels, codes, maps, *features = session.run(names, {"image": view.image[None]})
        counts.add(view, labels[0], codes[0])
        signals = maps.shape[1]
        rows, correct = _pixels(view, labels[0], maps[0], features[0][0] if features else None, most, rng)
        x.append(rows)
        right.append(correct)
        folds.append(np.full(len(rows), view.fold, np.int64))
        step()
    return PixelRows(np.concatenate(x), np.concatenate(right), np.concatenate(folds), signals), counts


def count_codes(
    models: Sequence[onnx.ModelProto], views: Iterator[LabelledView], step: Callable[[], None]
) -> CodeCounts:
    """What codes are worth where model k judges the views of fold k alone."""
    sessions, counts = [_session(model, ["labels", "confidence"]) for model in models], CodeCounts.empty()
    for view in views:
        labels, codes = sessions[view.fold].run(["labels", "confidence"], {"image": view.image[None]})
        counts.add(view, labels[0], codes[0])
        step()
    return counts


def _pixels(
    view: LabelledView, labels: UInt8Array, maps: Floats, features: Floats | None, most: int,
    rng: np.random.Generator,
) -> tuple[Floats, np.ndarray]:  # fmt: skip
    """(rows, right) of places of the logits, with label and truth of the pixel in the middle of each."""
    height, width = maps.shape[1:]
    truth = ids_shown(view.truth, view.place, (labels.shape[0], labels.shape[1]), VOID_LABEL)
    rows, columns = (
        ((np.arange(count) + 0.5) * size / count).astype(int)
        for count, size in zip((height, width), labels.shape, strict=True)
    )
    seen, told = labels[np.ix_(rows, columns)].ravel(), truth[np.ix_(rows, columns)].ravel()
    known = np.flatnonzero(told != VOID_LABEL)
    places = rng.choice(known, min(most, known.size), replace=False)
    parts = [maps.reshape(len(maps), -1)[:, places]]
    groups = [] if features is None else np.split(features, range(CHANNELS, len(features), CHANNELS))
    for group in groups:
        channels = cv2.resize(group.transpose(1, 2, 0), (width, height), interpolation=cv2.INTER_LINEAR)
        parts.append(channels.reshape(height * width, -1)[places].T)
    return np.concatenate(parts).T.astype(np.float32), seen[places] == told[places]


def _session(model: onnx.ModelProto, names: Sequence[str]) -> onnxruntime.InferenceSession:
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    there = {each.name for each in asked.graph.output}
    asked.graph.output.extend(onnx.helper.make_empty_tensor_value_info(each) for each in names if each not in there)
    return onnxruntime.InferenceSession(asked.SerializeToString(), providers=["CPUExecutionProvider"])
