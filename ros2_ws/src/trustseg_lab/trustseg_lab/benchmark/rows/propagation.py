# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Brings the labels of some frames of a clip to the others: by optical flow, and by a memory of features.

The memory holds what is known of labelled frames, cell by cell: the feature of the network's decoder, the place, and
the share of each class. A cell of another frame reads it by attention, as memory networks for video do; here the keys
are those of the network itself, and nothing is learned for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import Float32Array, UInt8Array
from trustseg_lab.benchmark.rows.region_truth import components

CELL = 5  # lattice pixels to a cell, both ways
TEMPERATURE = 0.05  # of the cosine between features
REACH = 0.1  # share of the image's width over which places lose their weight
ROWS = 256  # cells that read at once: memory stays small
LEAST_PIXELS = 20  # of a piece of a class that somebody would mark
NOTHING = 255  # a pixel of which nothing is given


@dataclass(frozen=True)
class Frame:
    """A frame of a clip, on the lattice (h, w).

    Attributes:
        grey, truth, labels: uint8 (h, w): the image, what is there (`void` where nobody says), the network's mask.
        void: id in the truth; None where every pixel is labelled.
        features: float32 (cells, D) of length 1. places: float32 (cells, 2) y and x as shares of the width.
    """

    grey: UInt8Array
    truth: UInt8Array
    labels: UInt8Array
    void: int | None
    features: Float32Array
    places: Float32Array

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return cells_of(self.truth.shape)

    def given(self) -> UInt8Array:
        """The truth, NOTHING where void."""
        if self.void is None:
            return self.truth
        return np.where(self.truth == self.void, NOTHING, self.truth).astype(np.uint8)


def cells_of(shape: tuple[int, ...]) -> tuple[int, int]:
    """Rows and columns of cells of a map (h, w)."""
    return max(1, shape[0] // CELL), max(1, shape[1] // CELL)


def frame_of(
    image: UInt8Array, truth: UInt8Array, labels: UInt8Array, void: int | None, decoded: npt.NDArray[np.floating]
) -> Frame:
    """A frame of an image uint8 (H, W, 3) and a decoder map (D, a, b)."""
    height, width = labels.shape
    rows, columns = cells_of(labels.shape)
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (width, height), interpolation=cv2.INTER_AREA)
    small = np.stack([
        cv2.resize(each.astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA) for each in decoded
    ], axis=-1).reshape(rows * columns, -1)  # fmt: skip
    small -= small.mean(axis=1, keepdims=True)
    features = small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-6)
    y, x = np.mgrid[0:rows, 0:columns]
    places = np.stack([y.ravel(), x.ravel()], axis=1) / columns
    return Frame(
        np.asarray(grey, np.uint8), truth, labels, void, features.astype(np.float32), places.astype(np.float32)
    )


@dataclass(frozen=True)
class Memory:
    """What is known: features float32 (m, D), places float32 (m, 2), mass float32 (m, C) of each class, not all 0."""

    features: Float32Array
    places: Float32Array
    mass: Float32Array


def remember(frame: Frame, given: UInt8Array, classes: int) -> Memory:
    """The cells of `frame` of which `given`, uint8 (h, w) with NOTHING where nothing is, says something."""
    rows, columns = frame.cells
    shares = np.stack([
        cv2.resize((given == each).astype(np.float32), (columns, rows), interpolation=cv2.INTER_AREA).ravel()
        for each in range(classes)
    ], axis=1)  # fmt: skip
    known = shares.sum(axis=1) > 0
    return Memory(frame.features[known], frame.places[known], shares[known].astype(np.float32))


def read(frame: Frame, memories: Sequence[Memory]) -> Float32Array:
    """Share of each class in every cell of `frame`, float32 (cells, C), from all memories together."""
    mass = np.concatenate([each.mass for each in memories])
    # The squared distance of places without what is the same for a whole row, so that one product says both.
    keys = np.concatenate([np.concatenate([each.features, each.places / REACH], axis=1) for each in memories])
    near = np.concatenate([(each.places**2).sum(axis=1) / (2 * REACH**2) for each in memories])
    asked = np.concatenate([frame.features / TEMPERATURE, frame.places / REACH], axis=1)
    found = np.empty((len(asked), mass.shape[1]), np.float32)
    for start in range(0, len(found), ROWS):
        part = slice(start, start + ROWS)
        logit = asked[part] @ keys.T - near
        votes = np.exp(logit - logit.max(axis=1, keepdims=True)) @ mass
        found[part] = votes / votes.sum(axis=1, keepdims=True)
    return found


def mask_of(shares: Float32Array, frame: Frame) -> UInt8Array:
    """The class of the largest share at every pixel, uint8 (h, w), the cells' shares enlarged smoothly."""
    height, width = frame.truth.shape
    maps = shares.reshape(*frame.cells, -1)
    enlarged = [
        cv2.resize(np.ascontiguousarray(maps[..., each]), (width, height), interpolation=cv2.INTER_LINEAR)
        for each in range(maps.shape[-1])
    ]
    return np.asarray(np.stack(enlarged).argmax(axis=0), np.uint8)


def warp(labels: UInt8Array, before: UInt8Array, now: UInt8Array) -> UInt8Array:
    """`labels` uint8 (h, w) of the grey image `before`, moved to where its things are in `now`: DIS optical flow."""
    height, width = labels.shape
    still = np.zeros((height, width, 2), np.float32)
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(now, before, still)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(labels, x + flow[..., 0], y + flow[..., 1], cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def pieces(given: UInt8Array) -> list[tuple[int, npt.NDArray[np.bool_]]]:
    """Connected pieces of each class with at least `LEAST_PIXELS`: class and bool (h, w), the largest first."""
    found = components(given, LEAST_PIXELS)
    order = np.argsort(-found.sizes(), kind="stable").tolist()
    return [(int(found.class_of[each]), found.ids == each) for each in order if found.class_of[each] != NOTHING]


def _depth(member: npt.NDArray[np.bool_]) -> Float32Array:
    """Distance of each pixel of a piece to its outside, 0 beyond; the image's border is outside."""
    padded = np.pad(member.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1], np.float32)


def whole(given: UInt8Array) -> UInt8Array:
    """Every pixel is labelled."""
    return given


def scribbles(given: UInt8Array) -> UInt8Array:
    """A stroke through every piece: in each of its rows the deepest pixel."""
    found = np.full_like(given, NOTHING)
    for klass, member in pieces(given):
        depth = _depth(member)
        rows = np.flatnonzero(member.any(axis=1))
        found[rows, depth[rows].argmax(axis=1)] = klass
    return found


def boxes(given: UInt8Array) -> UInt8Array:
    """The bounding box of every piece, small ones upon large ones."""
    found = np.full_like(given, NOTHING)
    for klass, member in pieces(given):
        rows, columns = np.flatnonzero(member.any(axis=1)), np.flatnonzero(member.any(axis=0))
        found[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = klass
    return found


def clicks(given: UInt8Array) -> UInt8Array:
    """One pixel of every piece: the deepest."""
    found = np.full_like(given, NOTHING)
    for klass, member in pieces(given):
        found[np.unravel_index(int(_depth(member).argmax()), given.shape)] = klass
    return found


GIVEN: dict[str, Callable[[UInt8Array], UInt8Array]] = {
    "mask": whole, "scribbles": scribbles, "boxes": boxes, "clicks": clicks,
}  # fmt: skip
