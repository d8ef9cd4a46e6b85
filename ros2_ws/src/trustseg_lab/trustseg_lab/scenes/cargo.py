# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What no class describes and nobody expects on a road: a lost box, a tyre, a fallen tree, an animal.

In the labels it is `VOID`: the renderer gives that value to nothing else, so that the labels say exactly where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg_lab.scenes.canvas import Texture, premultiplied
from trustseg_lab.scenes.classes import VOID
from trustseg_lab.scenes.light import Vector
from trustseg_lab.scenes.noise import fractal, stream
from trustseg_lab.scenes.road import Road
from trustseg_lab.scenes.world import Sprite

Float32 = npt.NDArray[np.float32]
Pictured = tuple[Float32, Float32]  # colour (h, w, 3) in 0..255, coverage (h, w) in 0..1

SPACING_M = 45.0  # from one thing to the next where they are scattered
VARIANTS = 4
_STREAM_CARGO = 71


@dataclass(frozen=True)
class Cargo:
    """One thing: kind, metres along the road and to the right of its centre line, and which of its pictures."""

    kind: str
    z: float
    lateral: float
    variant: int = 0


def parse_cargo(text: str) -> str:
    """The kind; InputError where there is no such thing."""
    if text not in CARGO_KINDS:
        raise InputError(f"lost cargo {text!r}", expected="one of " + ", ".join(CARGO_KINDS), got=repr(text))
    return text


def scattered(kinds: Sequence[str], seed: int, lane: float, eye_z: float, reach_m: float) -> list[Cargo]:
    """Things of `kinds` on the lane at `lateral` of the street `seed`, one every `SPACING_M`, from `eye_z` on."""
    found = []
    for number in range(int(eye_z // SPACING_M), int((eye_z + reach_m) // SPACING_M) + 1):
        rng = stream(_STREAM_CARGO, seed, number)
        z = (number + float(rng.uniform(0.2, 0.8))) * SPACING_M
        kind = kinds[int(rng.integers(len(kinds)))]
        found.append(Cargo(kind, z, lane + float(rng.normal(0, 0.5)), int(rng.integers(VARIANTS))))
    return found


def cargo_sprites(cargo: Sequence[Cargo], road: Road, gain: Vector) -> list[Sprite]:
    """The things as pictures that face the camera, in light `gain`."""
    found = []
    for each in cargo:
        texture, width, height = image_of(parse_cargo(each.kind), each.variant % VARIANTS)
        x = road.centre_at(each.z) + each.lateral
        found.append(Sprite(x, 0.0, each.z, width, height, texture, VOID, gain, "post"))
    return found


@lru_cache(maxsize=32)
def image_of(kind: str, variant: int) -> tuple[Texture, float, float]:
    """Picture, width and height in metres."""
    rng = stream(_STREAM_CARGO, CARGO_KINDS.index(kind), variant)
    width, height, make = _KINDS[kind]
    scale = float(rng.uniform(0.8, 1.3))
    rows = 128
    colour, cover = make(rng, rows, max(16, round(rows * width / height)))
    colour *= (1 + 0.08 * fractal(rng, cover.shape, (4, 6), 4))[..., None]
    return premultiplied(colour, cover), width * scale, height * scale


def _box(rng: np.random.Generator, rows: int, columns: int) -> Pictured:
    """Two faces of a carton, with tape."""
    colour, cover = np.zeros((rows, columns, 3), np.float32), np.ones((rows, columns), np.float32)
    tone = np.array([(176, 138, 92), (150, 112, 74), (196, 170, 128), (92, 104, 120)][rng.integers(4)], np.float32)
    edge = int(columns * rng.uniform(0.45, 0.75))
    colour[:, :edge], colour[:, edge:] = tone, 0.72 * tone
    middle = edge // 2
    colour[:, middle - 4 : middle + 4] = np.minimum(1.25 * tone, 235)
    colour[: rows // 8] *= 1.12
    colour[-rows // 10 :] *= 0.75
    return colour, cover


def _tyre(rng: np.random.Generator, rows: int, columns: int) -> Pictured:
    """A tyre that stands a little askew: rubber, a hole that shows the road as grey."""
    colour, cover = np.full((rows, columns, 3), 34, np.float32), np.zeros((rows, columns), np.float32)
    centre = (columns // 2, rows // 2)
    cv2.ellipse(cover, centre, (columns // 2 - 1, rows // 2 - 1), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    hole = (int(columns * 0.27), int(rows * 0.27))
    cv2.ellipse(colour, centre, hole, 0, 0, 360, (74.0, 74.0, 76.0), -1, cv2.LINE_AA)
    for ring in np.linspace(0.32, 0.48, int(rng.integers(3, 6))):
        axes = (int(columns * ring), int(rows * ring))
        cv2.ellipse(colour, centre, axes, 0, 0, 360, (58.0, 58.0, 60.0), 2, cv2.LINE_AA)
    return colour, cover


def _tree(rng: np.random.Generator, rows: int, columns: int) -> Pictured:
    """A trunk that lies across the lane, with branches and what is left of its leaves."""
    colour, cover = np.full((rows, columns, 3), (84, 66, 48), np.float32), np.zeros((rows, columns), np.float32)
    root, crown = int(rows * 0.66), int(rows * 0.86)  # the trunk's upper side, at its thick and at its thin end
    trunk = np.array([[0, root], [columns, crown], [columns, rows - 4], [0, rows - 1]], np.int32)
    cv2.fillPoly(cover, [trunk], 1.0, cv2.LINE_AA)
    for _ in range(int(rng.integers(40, 70))):
        x = int(columns * (1 - rng.beta(1.0, 2.2)))
        tip = (int(x + rng.normal(0, columns * 0.06)), int(rng.uniform(0.05, 0.9) * rows))
        cv2.line(cover, (x, int(rows * 0.85)), tip, 1.0, int(rng.integers(2, 5)), cv2.LINE_AA)
        reach = int(rng.integers(5, 15))
        cv2.circle(cover, tip, reach, 1.0, -1, cv2.LINE_AA)
        green = tuple(float(c) for c in np.array([(70, 88, 40), (96, 92, 44), (58, 74, 36)][rng.integers(3)]))
        cv2.circle(colour, tip, reach, green, -1, cv2.LINE_AA)
    return colour, cover


def _animal(rng: np.random.Generator, rows: int, columns: int) -> Pictured:
    """A four-legged one from the side: body, neck, head, legs, tail."""
    tone = np.array([(124, 88, 56), (70, 60, 52), (168, 148, 118), (206, 198, 186)][rng.integers(4)], np.float32)
    colour, cover = np.broadcast_to(tone, (rows, columns, 3)).copy(), np.zeros((rows, columns), np.float32)

    def at(x: float, y: float) -> tuple[int, int]:
        return int(x * columns), int(y * rows)

    thick = max(3, int(0.07 * columns))
    cv2.ellipse(cover, at(0.48, 0.48), at(0.30, 0.17), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    for x in (0.26, 0.34, 0.62, 0.70):
        cv2.line(cover, at(x, 0.5), at(x + float(rng.uniform(-0.04, 0.04)), 0.99), 1.0, thick, cv2.LINE_AA)
    cv2.line(cover, at(0.70, 0.42), at(0.84, 0.18), 1.0, 2 * thick, cv2.LINE_AA)
    cv2.ellipse(cover, at(0.88, 0.16), at(0.10, 0.09), 25, 0, 360, 1.0, -1, cv2.LINE_AA)
    cv2.line(cover, at(0.82, 0.1), at(0.80, 0.02), 1.0, thick, cv2.LINE_AA)
    cv2.line(cover, at(0.19, 0.42), at(0.06, 0.6), 1.0, thick, cv2.LINE_AA)
    colour[int(0.55 * rows) :] *= 0.8
    return colour, cover


_KINDS: dict[str, tuple[float, float, Callable[[np.random.Generator, int, int], Pictured]]] = {
    "box": (0.75, 0.6, _box),
    "tyre": (0.62, 0.6, _tyre),
    "tree": (3.0, 0.9, _tree),
    "animal": (1.1, 0.8, _animal),
}
CARGO_KINDS: tuple[str, ...] = tuple(_KINDS)
