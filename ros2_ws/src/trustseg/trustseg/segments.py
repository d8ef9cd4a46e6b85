# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Objects in a mask: connected parts of some classes, with box, confidence and predicted IoU (MetaSeg, Rottmann et al.,
IJCNN 2020, in a form that needs the mask and the published confidence alone).

The model is a logistic regression of the segment's IoU on a few figures of it; its coefficients are in the bundle's
calibration file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.bundle.calibration_file import SegmentModel
from trustseg.bundle.card import ClassSpec
from trustseg.errors import BundleError
from trustseg.reasons import Reason
from trustseg.types import FrameVerdict, UInt8Array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Smaller parts than this share of the mask are noise (32 pixels of 360 x 480).
LEAST_SHARE = 1.0 / 5400.0
LEAST_AREA = 4
NEIGHBOURS = np.ones((3, 3), np.uint8)

FIGURES = (
    "log_area", "edge_share", "confidence", "confidence_spread", "edge_confidence", "core_confidence",
    "low_share", "box_fill", "centre_x", "centre_y", "at_border",
)  # fmt: skip
CLASS = "class/"


@dataclass(frozen=True)
class Segment:
    """One connected part of the mask.

    Attributes:
        class_id: of the mask. x, y, width, height: of the box around it, pixels of the mask. area: pixels.
        mean_confidence: mean calibrated P(pixel right), 0..1.
        predicted_iou: predicted IoU with what is really there, 0..1; NaN where the bundle has no model of it.
    """

    class_id: int
    x: int
    y: int
    width: int
    height: int
    area: int
    mean_confidence: float
    predicted_iou: float


@dataclass(frozen=True)
class Parts:
    """Connected parts (8 neighbours) of some classes of one mask, n of them, by class and then by place.

    Attributes:
        class_of: uint8 (n,). box: int64 (n, 4), x, y, width, height. area: int64 (n,), pixels.
        place: int64 (m,), flat index in the mask of each pixel of a part. part: int64 (m,), which one.
        edge: bool (m,), pixels beside another class.
    """

    class_of: UInt8Array
    box: Ints
    area: Ints
    place: Ints
    part: Ints
    edge: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.area)

    def means(self, values: Floats) -> Floats:
        """Mean of `values` (m,), one a pixel of a part, over each part, float64 (n,)."""
        return np.asarray(np.bincount(self.part, values, minlength=len(self)) / np.maximum(self.area, 1), np.float64)

    def ids(self, size: tuple[int, int]) -> npt.NDArray[np.int32]:
        """int32 (h, w) of a mask of `size`: the part of each pixel, -1 outside of all."""
        found = np.full(size[0] * size[1], -1, np.int32)
        found[self.place] = self.part
        return found.reshape(size)


def connected_parts(labels: UInt8Array, classes: Sequence[int], least: int) -> Parts:
    """Parts of at least `least` pixels of `classes` in a mask uint8 (h, w)."""
    width = labels.shape[1]
    class_of: list[npt.NDArray[np.uint8]] = []
    boxes: list[Ints] = []
    places: list[Ints] = []
    parts: list[Ints] = []
    edges: list[npt.NDArray[np.bool_]] = []
    first = 0
    for each in classes:
        mask = np.asarray(cv2.inRange(labels, int(each), int(each)))
        x, y, wide, high = cv2.boundingRect(mask)
        if wide * high < least:
            continue
        mask = np.ascontiguousarray(mask[y : y + high, x : x + wide])
        count, found, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8, ltype=cv2.CV_32S)
        kept = np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= least) + 1
        if not kept.size:
            continue
        number = np.full(count, -1, np.int64)
        number[kept] = first + np.arange(kept.size)
        inside = np.flatnonzero(mask)
        part = number[found.ravel()[inside]]
        core = np.asarray(cv2.erode(mask, NEIGHBOURS), np.uint8)
        # A pixel at the edge of the crop has neighbours outside of it, of another class but for the image's own border.
        _open_border(core, labels.shape, (x, y, wide, high))
        if kept.size < count - 1:
            large = part >= 0
            inside, part = inside[large], part[large]
        row, column = np.divmod(inside, wide)
        places.append((row + y) * width + column + x)
        parts.append(part)
        edges.append(core.ravel()[inside] == 0)
        boxes.append(stats[kept].astype(np.int64) + (x, y, 0, 0, 0))
        class_of.append(np.full(kept.size, each, np.uint8))
        first += kept.size
    if not first:
        return Parts(
            np.empty(0, np.uint8), np.empty((0, 4), np.int64), np.empty(0, np.int64), np.empty(0, np.int64),
            np.empty(0, np.int64), np.empty(0, bool),
        )  # fmt: skip
    stacked = np.concatenate(boxes)
    return Parts(
        np.concatenate(class_of), stacked[:, :4], stacked[:, cv2.CC_STAT_AREA], np.concatenate(places),
        np.concatenate(parts), np.concatenate(edges),
    )  # fmt: skip


def _open_border(core: UInt8Array, size: tuple[int, ...], box: tuple[int, int, int, int]) -> None:
    """Take from `core`, eroded as if nothing were outside the crop, what lies beside pixels that are outside it."""
    x, y, wide, high = box
    if y > 0:
        core[0] = 0
    if x > 0:
        core[:, 0] = 0
    if y + high < size[0]:
        core[-1] = 0
    if x + wide < size[1]:
        core[:, -1] = 0


def segment_metrics(
    parts: Parts, confidence: UInt8Array, low: float, classes: Sequence[str], ids: Sequence[int]
) -> dict[str, Floats]:
    """Figures of each part by their names, float64 (n,) each: `FIGURES`, and "class/NAME" of `classes`.

    Args:
        parts: of a mask (h, w).
        confidence: uint8 (h, w), calibrated P(pixel right) x 255.
        low: confidence below which a pixel counts as low, 0..1.
        classes, ids: names and ids of the classes that are told apart.
    """
    height, width = confidence.shape
    values = confidence.ravel()[parts.place].astype(np.float64) / 255.0
    edge = parts.edge.astype(np.float64)
    mean, edge_share = parts.means(values), parts.means(edge)
    square = parts.means(values * values)
    on_edge = parts.means(values * edge)
    box = parts.box.astype(np.float64)
    x, y, wide, high = box.T
    with np.errstate(invalid="ignore", divide="ignore"):
        edge_confidence = np.where(edge_share > 0, on_edge / edge_share, mean)
        core_confidence = np.where(edge_share < 1, (mean - on_edge) / (1 - edge_share), mean)
    at_border = (x == 0) | (y == 0) | (x + wide == width) | (y + high == height)
    told = (
        np.log(parts.area / (height * width)), edge_share, mean, np.sqrt(np.maximum(square - mean * mean, 0.0)),
        edge_confidence, core_confidence, parts.means((values < low).astype(np.float64)), parts.area / (wide * high),
        (x + wide / 2) / width, (y + high / 2) / height, at_border.astype(np.float64),
    )  # fmt: skip
    figures = {name: np.asarray(each, np.float64) for name, each in zip(FIGURES, told, strict=True)}
    return figures | {
        f"{CLASS}{name}": (parts.class_of == index).astype(np.float64) for name, index in zip(classes, ids, strict=True)
    }


def least_area(size: tuple[int, int]) -> int:
    """Pixels of the smallest segment that is told of in a mask of `size` (height, width)."""
    return max(LEAST_AREA, round(size[0] * size[1] * LEAST_SHARE))


class SegmentReader:
    """Finds the objects of one bundle's masks, and predicts how well each fits what is there.

    Args:
        model: the bundle's; None: the parts of foreground classes, without a predicted IoU.
        classes: of the card.
        low: calibrated confidence below which a pixel counts as low, 0..1.

    Raises:
        BundleError: the model uses a class or a figure that there is not.
    """

    def __init__(self, model: SegmentModel | None, classes: Sequence[ClassSpec], low: float) -> None:
        names = [each.name for each in classes if model is not None or each.is_foreground]
        self.classes = tuple(model.classes if model is not None else names)
        place = {each.name: each.id for each in classes}
        known = (*FIGURES, *(f"{CLASS}{name}" for name in self.classes))
        strange = sorted(set(self.classes) - set(place)) + sorted(set(model.features if model else ()) - set(known))
        if strange:
            raise BundleError(
                "the model of segments uses what this program or the card does not have",
                expected="classes of the card, and of " + ", ".join(known), got=", ".join(strange[:5]),
                fix="run `trustseg calibrate` on the bundle again, with this program",
            )  # fmt: skip
        self._ids = [place[name] for name in self.classes]
        self._model, self._low = model, low

    @property
    def predicts(self) -> bool:
        """Whether segments have a predicted IoU."""
        return self._model is not None

    def segments(self, labels: UInt8Array, confidence: UInt8Array, verdict: FrameVerdict) -> list[Segment]:
        """Objects of a mask uint8 (h, w), by class and then by place.

        Args:
            labels: the mask. confidence: uint8 (h, w), calibrated P(pixel right) x 255.
            verdict: of the same frame.
        """
        parts = connected_parts(labels, self._ids, least_area((labels.shape[0], labels.shape[1])))
        if not len(parts):
            return []
        figures = segment_metrics(parts, confidence, self._low, self.classes, self._ids)
        if verdict.reasons & Reason.OUTPUT_INVALID:
            predicted = np.full(len(parts), 0.0 if self._model else np.nan)  # nothing of this output is right
        else:
            predicted = predicted_iou(self._model, figures, len(parts))
        rows = zip(parts.class_of, parts.box.tolist(), parts.area, figures["confidence"], predicted, strict=True)
        return [
            Segment(int(each), x, y, wide, high, int(area), float(mean), float(iou))
            for each, (x, y, wide, high), area, mean, iou in rows
        ]


def predicted_iou(model: SegmentModel | None, figures: Mapping[str, Floats], count: int) -> Floats:
    """Predicted IoU of `count` segments, float64 (n,) in [0, 1]; NaN without a model."""
    if model is None:
        return np.full(count, np.nan)
    total = np.full(count, model.bias)
    for name, mean, std, weight in zip(model.features, model.mean, model.std, model.weight, strict=True):
        total += weight * np.clip((figures[name] - mean) / std, -model.clip, model.clip)
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * total)), np.float64)
