# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Objects pasted into street images: where they would stand, as large as they would be there, in the same light.

The row where an object touches the ground says how far it is: over flat ground, with a camera `CAMERA` metres high, an
object of h metres whose foot is d rows below the horizon is d * h / CAMERA rows high. Its brightness and colours move
towards those around its foot, it is blurred as the image is, its edge is feathered, and a shadow lies beneath it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from trustseg.types import UInt8Array
from trustseg_lab.training.data import IGNORE, UNKNOWN

CAMERA = 1.4  # metres above the road: of a car's windscreen
LEAST_GROUND = 0.02  # of the image: with less ground in sight nothing is pasted
SMALLEST, LARGEST = 5, 0.5  # height of an object: pixels, share of the image

Draw = Callable[[np.random.Generator], UInt8Array]


@dataclass(frozen=True)
class Cutout:
    """A thing of a known class, cut out of a training image: RGBA uint8 (h, w, 4), its class, height in metres."""

    picture: UInt8Array
    label: int
    metres: float


@dataclass(frozen=True)
class Paster:
    """Pastes objects.

    Attributes:
        draw: gives an object that is no class, RGBA uint8 (h, w, 4).
        cutouts: things of known classes, pasted the same way under their own label: what is learned must be what a
            thing is, and not that it was pasted.
        road, beside: ids of the ground to drive on, and of other ground.
        most: objects in an image at most.
        known: share of pasted things that are cut-outs. shadows: share that are a shadow alone.
    """

    draw: Draw
    cutouts: Sequence[Cutout]
    road: tuple[int, ...]
    beside: tuple[int, ...]
    most: int = 5
    known: float = 0.2
    shadows: float = 0.07

    def __call__(
        self, image: UInt8Array, label: UInt8Array, rng: np.random.Generator
    ) -> tuple[UInt8Array, UInt8Array]:  # fmt: skip
        """Image uint8 (H, W, 3) and labels uint8 (H, W) with objects, UNKNOWN on those that are no class and IGNORE
        along their edges; the same ones where no ground is in sight."""
        height = label.shape[0]
        ground = np.isin(label, self.road + self.beside)
        if ground.mean() < LEAST_GROUND:
            return image, label
        horizon = horizon_row(ground)
        image, label = image.copy(), label.copy()
        feet = sorted(self._foot(label, ground, horizon, rng) for _ in range(int(rng.integers(1, self.most + 1))))
        for y, x in feet:  # the farther ones first
            metres = float(np.exp(rng.uniform(np.log(0.15), np.log(1.9))))
            kind = rng.random()
            if kind < self.shadows:
                rows = max(SMALLEST, round((y - horizon) * metres / CAMERA))
                shadow(image, y, x, rows, rows, rng)
                continue
            known = None
            if kind < self.shadows + self.known and self.cutouts:
                known = self.cutouts[int(rng.integers(len(self.cutouts)))]
                metres = known.metres * float(rng.uniform(0.8, 1.2))
            picture = self.draw(rng) if known is None else known.picture
            rows = int(np.clip(round((y - horizon) * metres / CAMERA), SMALLEST, LARGEST * height))
            stamp = prepared(picture, rows, rng, turn=known is None)
            place(image, label, stamp, y, x, UNKNOWN if known is None else known.label, rng)
        return image, label

    def _foot(
        self, label: UInt8Array, ground: np.ndarray, horizon: float, rng: np.random.Generator
    ) -> tuple[int, int]:  # fmt: skip
        """Row and column of an object's foot: on the road mostly, else on other ground or on whatever stands there."""
        height = label.shape[0]
        mask = np.isin(label, self.road) if rng.random() < 0.75 else ground
        if not mask.any() or rng.random() < 0.05:
            mask = np.zeros_like(ground)
            mask[min(height - 1, int(horizon) + 3) :] = True
        rows = np.flatnonzero(mask.any(1))
        # Between one foot a row (mostly far, small things are missed then) and one a pixel (all of it near).
        weight = mask.sum(1)[rows] ** 0.5
        y = int(rng.choice(rows, p=weight / weight.sum()))
        return y, int(rng.choice(np.flatnonzero(mask[y])))


def horizon_row(ground: np.ndarray) -> float:
    """Row of the horizon, a little above the farthest ground in sight; ground: bool (H, W)."""
    rows = np.flatnonzero(ground.sum(1) >= max(2, 0.015 * ground.shape[1]))
    farthest = float(rows[0]) if len(rows) else 0.5 * ground.shape[0]
    return farthest - 0.02 * float(ground.shape[0])


def prepared(picture: UInt8Array, rows: int, rng: np.random.Generator, turn: bool) -> UInt8Array:
    """The object `rows` pixels high, mirrored or not, turned a little, its colours changed."""
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    if turn and rng.random() < 0.5:
        picture = rotated(picture, float(rng.normal(0, 25)))
    columns = int(np.clip(round(picture.shape[1] * rows / picture.shape[0] * rng.uniform(0.85, 1.2)), 3, 400))
    small = cv2.resize(np.ascontiguousarray(picture), (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8)
    if not turn:
        return small
    hsv = cv2.cvtColor(np.ascontiguousarray(small[..., :3]), cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.choice((rng.normal(0, 6), rng.uniform(0, 180)), p=(0.6, 0.4))) % 180
    hsv[..., 1] *= rng.choice((rng.uniform(0, 0.3), rng.uniform(0.3, 1.0)))
    colour = cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)
    return np.dstack([colour, small[..., 3]]).astype(np.uint8)


def rotated(picture: UInt8Array, degrees: float) -> UInt8Array:
    """RGBA turned about its middle; what leaves the frame is kept by enlarging it."""
    height, width = picture.shape[:2]
    side = int(np.hypot(height, width)) + 2
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    matrix[:, 2] += ((side - width) / 2, (side - height) / 2)
    turned = cv2.warpAffine(np.ascontiguousarray(picture), matrix, (side, side), flags=cv2.INTER_LINEAR)
    solid = turned[..., 3] > 32
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    if not len(rows):
        return picture
    return np.ascontiguousarray(turned[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], np.uint8)


def lit(colour: np.ndarray, around: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The object's colours, float (h, w, 3), in the light of the pixels (n, 3) around its foot."""
    brightness, here = float(colour.mean()), float(around.mean())
    colour = (colour - brightness) * rng.uniform(0.5, 1.1)
    level = brightness + rng.beta(1.2, 1.2) * (here - brightness)
    cast = around.mean(0) / max(here, 1.0)
    ys = np.linspace(-1, 1, colour.shape[0])[:, None, None]
    shaded = (colour + level * (1 - rng.uniform(0, 0.3) * ys)) * (1 + rng.uniform(0, 1) * (cast - 1))
    return np.asarray(shaded, np.float64)


def shadow(image: UInt8Array, y: int, x: int, rows: int, columns: int, rng: np.random.Generator) -> None:
    """Darken the ground beneath an object whose foot is at (y, x), in place."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), np.float32)
    axes = (max(2, int(columns * rng.uniform(0.4, 0.75))), max(1, int(rows * rng.uniform(0.06, 0.2))))
    moved = (int(x + columns * rng.uniform(-0.25, 0.25)), y)
    cv2.ellipse(mask, moved, axes, 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    reach = 3 * max(axes) + 6
    window = (slice(max(0, y - reach), y + reach), slice(max(0, moved[0] - reach), max(1, moved[0] + reach)))
    soft = cv2.GaussianBlur(mask[window], (0, 0), max(0.8, 0.12 * axes[0]))
    dark = 1 - rng.uniform(0.15, 0.65) * soft[..., None]
    image[window] = (image[window] * dark).astype(np.uint8)


def place(
    image: UInt8Array, label: UInt8Array, stamp: UInt8Array, y: int, x: int, value: int, rng: np.random.Generator
) -> None:  # fmt: skip
    """Blend `stamp`, RGBA, into the image with its foot at (y, x) and write `value` into the labels, in place."""
    rows, columns = stamp.shape[:2]
    top, left = y - rows + 1, x - columns // 2
    inside = (
        slice(max(0, -top), rows - max(0, y + 1 - label.shape[0])),
        slice(max(0, -left), columns - max(0, left + columns - label.shape[1])),
    )
    window = (
        slice(top + inside[0].start, top + inside[0].stop), slice(left + inside[1].start, left + inside[1].stop),
    )  # fmt: skip
    stamp = stamp[inside]
    if stamp.size == 0:
        return
    if rng.random() < 0.75:
        shadow(image, y, x, rows, columns, rng)
    around = image[max(0, y - 6) : y + 7, max(0, x - columns) : x + columns + 1].reshape(-1, 3).astype(np.float32)
    colour = lit(stamp[..., :3].astype(np.float32), around, rng)
    solid = stamp[..., 3].astype(np.float32) / 255
    blur = float(rng.uniform(0.25, 1.0))
    share = cv2.GaussianBlur(solid, (0, 0), blur)[..., None]
    colour = cv2.GaussianBlur(np.clip(colour, 0, 255).astype(np.float32), (0, 0), 0.8 * blur)
    image[window] = (image[window] * (1 - share) + colour.reshape(*share.shape[:2], 3) * share).astype(np.uint8)
    covered = share[..., 0]
    ids = label[window]
    label[window] = np.where(covered > 0.55, value, np.where(covered > 0.15, IGNORE, ids)).astype(np.uint8)
