# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""House fronts, gable ends and roofs as procedural pictures: brick bonds, render, stone, windows, doors, shops."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.canvas import Texture, premultiplied
from trustseg_lab.scenes.lettering import write
from trustseg_lab.scenes.noise import fractal, lattice

Float32 = npt.NDArray[np.float32]

TEXELS_PER_M = 26
_BRICKS = (
    (146, 128, 100),
    (158, 140, 108),
    (134, 92, 72),
    (122, 76, 62),
    (112, 96, 80),
    (164, 150, 124),
    (140, 110, 86),
)
_RENDERS = (
    (212, 208, 196),
    (226, 222, 214),
    (196, 184, 158),
    (178, 172, 160),
    (206, 190, 160),
    (150, 146, 138),
    (104, 84, 84),
)
_STONES = ((132, 122, 104), (150, 142, 126), (108, 102, 92), (168, 158, 138))
_FASCIAS = (
    (28, 32, 60),
    (110, 22, 26),
    (24, 58, 44),
    (22, 22, 24),
    (196, 190, 180),
    (30, 70, 120),
    (150, 60, 30),
    (70, 30, 66),
)
_DOORS = ((40, 44, 48), (84, 28, 28), (28, 52, 44), (34, 44, 84), (180, 176, 166), (70, 50, 36))
_LETTERS = "ABCDEFGHIKLMNOPRSTUVWY"


@dataclass(frozen=True)
class Facade:
    """A house front: its picture, size in metres, and wall colour (R, G, B) for the gable end."""

    texture: Texture
    width_m: float
    height_m: float
    kind: str


def wall(rng: np.random.Generator, shape: tuple[int, int], kind: str) -> Float32:
    """A bare wall float32 (H, W, 3): kind is brick, render, stone or concrete."""
    height, width = shape
    if kind == "brick":
        picture = _brick(rng, shape, np.array(_BRICKS[rng.integers(len(_BRICKS))], np.float32))
    elif kind == "stone":
        picture = _blocks(rng, shape, np.array(_STONES[rng.integers(len(_STONES))], np.float32), 0.32, 0.6, 16)
    elif kind == "concrete":
        tone = np.array([150, 148, 142], np.float32) * rng.uniform(0.7, 1.15)
        picture = _blocks(rng, shape, tone, 1.3, 2.4, 5)
    else:
        picture = np.broadcast_to(
            np.array(_RENDERS[rng.integers(len(_RENDERS))], np.float32), (height, width, 3)
        ).copy()
    blotch = fractal(rng, shape, (3, 4), 4)
    streak = cv2.GaussianBlur(lattice(rng, shape, (4, max(2, width // 5))), (0, 0), sigmaX=0.8, sigmaY=height / 12)
    grain = rng.standard_normal(shape).astype(np.float32)
    picture *= (1 + 0.07 * blotch + 0.10 * streak + 0.025 * grain)[..., None]
    rise = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    return np.asarray(picture * (1 - 0.16 * np.clip(rise - 0.88, 0, 1) / 0.12), np.float32)


def _brick(rng: np.random.Generator, shape: tuple[int, int], tone: Float32) -> Float32:
    return _blocks(rng, shape, tone, 3 / TEXELS_PER_M, 9 / TEXELS_PER_M, 14)


def _blocks(
    rng: np.random.Generator, shape: tuple[int, int], tone: Float32, course_m: float, length_m: float, spread: float
) -> Float32:
    """Courses of blocks in running bond, each block of its own tone, with darker or lighter joints."""
    height, width = shape
    course, length = max(2, round(course_m * TEXELS_PER_M)), max(3, round(length_m * TEXELS_PER_M))
    y, x = np.arange(height)[:, None], np.arange(width)[None, :]
    row = y // course
    shifted = x + (row % 2) * (length // 2)
    column = shifted // length
    tones = rng.standard_normal((height // course + 2, width // length + 3)).astype(np.float32)
    value = tones[row, column]
    hue = rng.standard_normal(tones.shape).astype(np.float32)[row, column]
    joint = ((y % course) == 0) | ((shifted % length) == 0)
    picture = tone + spread * value[..., None] * np.array([1, 0.92, 0.85], np.float32)
    picture = picture + 4 * hue[..., None] * np.array([1, 0, -1], np.float32)
    joint_tone = tone * 0.55 + 68 if rng.random() < 0.6 else tone * 0.72
    return np.asarray(np.where(joint[..., None], 0.45 * picture + 0.55 * joint_tone, picture), np.float32)


def _rect(
    picture: Float32, x: float, y: float, w: float, h: float, color: tuple[float, ...], thickness: int = -1
) -> None:
    cv2.rectangle(picture, (int(x), int(y)), (int(x + w), int(y + h)), tuple(float(c) for c in color), thickness)


def _shade(picture: Float32, x: float, y: float, w: float, h: float, factor: float) -> None:
    picture[max(0, int(y)) : max(0, int(y + h)), max(0, int(x)) : max(0, int(x + w))] *= factor


def _glass(
    rng: np.random.Generator, picture: Float32, x: float, y: float, w: float, h: float, lit: float = 0.0
) -> None:
    """A pane: dark room, brighter where it mirrors the sky, at times a curtain or a lamp."""
    x0, y0, x1, y1 = int(x), int(y), int(x + w), int(y + h)
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    view = picture[y0:y1, x0:x1]
    dark = rng.uniform(18, 60)
    mirror = rng.uniform(0, 85) if rng.random() < 0.55 else 0.0
    ramp = np.linspace(1, 0.1, y1 - y0, dtype=np.float32)[:, None, None]
    tilt = np.linspace(-1, 1, x1 - x0, dtype=np.float32)[None, :, None] * rng.uniform(-14, 14)
    view[...] = (
        np.array([dark, dark * 1.04, dark * 1.08], np.float32)
        + mirror * ramp * np.array([0.92, 1, 1.08], np.float32)
        + tilt
    )
    if rng.random() < 0.35:
        side = max(1, int((x1 - x0) * rng.uniform(0.12, 0.3)))
        cloth = np.array(rng.uniform(110, 205, 3), np.float32) * 0.5 + rng.uniform(50, 90)
        folds = 1 + 0.15 * np.sin(np.arange(side) * 1.7)[None, :, None]
        view[:, :side] = cloth * folds
        view[:, -side:] = cloth * folds
    elif rng.random() < 0.2:
        view[: int((y1 - y0) * rng.uniform(0.25, 0.9))] = rng.uniform(130, 200)
    if lit > 0 and rng.random() < lit:
        view[...] = view * 0.4 + np.array([190, 160, 100], np.float32) * rng.uniform(0.5, 0.9)


def _window(
    rng: np.random.Generator, picture: Float32, x: float, y: float, w: float, h: float, style: dict[str, float]
) -> None:
    s = TEXELS_PER_M
    frame = style["frame"]
    sill = style["sill"]
    _shade(picture, x - 1, y - 1, w + 3, h + 3, 0.62)
    if style["surround"] > 0:
        _rect(picture, x - 3, y - 4, w + 6, h + 6, (style["surround"],) * 3)
    elif style["lintel"] > 0:
        _rect(
            picture,
            x - 3,
            y - 0.22 * s,
            w + 6,
            0.2 * s,
            (style["lintel"], style["lintel"] * 0.95, style["lintel"] * 0.85),
        )
    _rect(picture, x, y, w, h, (frame, frame, frame * 0.98))
    columns = 1 + int(style["panes_x"] * (w > 0.6 * s))
    rows = int(style["panes_y"])
    bar = 1.6
    for i in range(columns):
        for j in range(rows):
            pane_w, pane_h = (w - bar) / columns, (h - bar) / rows
            _glass(
                rng,
                picture,
                x + bar + i * pane_w,
                y + bar + j * pane_h,
                pane_w - bar + 1,
                pane_h - bar + 1,
                style["lit"],
            )
    _shade(picture, x, y, w, max(2, 0.12 * s), 0.7)
    _rect(picture, x - 3, y + h, w + 6, 0.1 * s, (sill, sill * 0.97, sill * 0.92))
    _shade(picture, x - 3, y + h + 0.12 * s, w + 6, 0.14 * s, 0.72)


def _door(rng: np.random.Generator, picture: Float32, x: float, w: float, top: float, bottom: float) -> None:
    color = np.array(_DOORS[rng.integers(len(_DOORS))], np.float32)
    s = TEXELS_PER_M
    _rect(picture, x - 4, top - 5, w + 8, bottom - top + 5, (190, 186, 176))
    _shade(picture, x, top, w, bottom - top, 0.6)
    _rect(picture, x, top, w, bottom - top, tuple(color))
    _glass(rng, picture, x + 2, top + 1, w - 4, 0.35 * s)
    for j in range(2):
        _rect(picture, x + 0.15 * w, top + (0.5 + 0.75 * j) * s, 0.7 * w, 0.6 * s, tuple(color * 0.75), 1)
    _shade(picture, x, top, w, 0.15 * s, 0.55)


def _shop(rng: np.random.Generator, picture: Float32, x: float, w: float, height: int) -> None:
    """A shop front across [x, x + w] at the bottom of the picture: fascia with letters, panes with goods, a door."""
    s = TEXELS_PER_M
    top = height - 3.5 * s
    fascia = np.array(_FASCIAS[rng.integers(len(_FASCIAS))], np.float32) * rng.uniform(0.8, 1.25)
    _rect(picture, x, top, w, 3.5 * s, tuple(fascia * 0.8))
    _rect(picture, x, top, w, 0.7 * s, tuple(fascia))
    word = "".join(rng.choice(list(_LETTERS), int(rng.integers(5, 11))))
    ink = (225, 220, 205) if fascia.mean() < 110 else (50, 40, 40)
    write(picture, word, (x + 0.12 * w, top + 0.55 * s), 0.5, ink)
    _shade(picture, x, top + 0.7 * s, w, 0.25 * s, 0.5)
    door_w = 1.0 * s
    door_x = x + (0.3 * s if rng.random() < 0.5 else w - door_w - 0.3 * s)
    panes = max(1, int(w / (1.8 * s)))
    for i in range(panes):
        px = x + 0.2 * s + i * (w - 0.3 * s) / panes
        pw = (w - 0.3 * s) / panes - 0.12 * s
        y0, y1 = top + 0.8 * s, height - 0.6 * s
        _glass(rng, picture, px, y0, pw, y1 - y0, 0.25)
        for _ in range(int(rng.integers(3, 10))):
            gw, gh = rng.uniform(0.1, 0.5) * s, rng.uniform(0.15, 0.7) * s
            tone = rng.uniform(30, 190) * rng.uniform(0.35, 1)
            color = tone * (1 + rng.normal(0, 0.22, 3))
            gx = px + rng.uniform(0, max(1, pw - gw))
            _rect(picture, gx, y1 - gh - rng.uniform(0, 0.9) * s, gw, gh, tuple(color))
        _shade(picture, px, y0, pw, 0.4 * s, 0.6)
    _glass(rng, picture, door_x, top + 0.85 * s, door_w, 2.55 * s)
    _rect(picture, door_x, top + 0.85 * s, door_w, 2.6 * s, tuple(fascia * 1.1), 2)
    _shade(picture, x, height - 0.12 * s, w, 0.12 * s, 0.5)


def make_facade(rng: np.random.Generator, kind: str) -> Facade:
    """A front of kind terrace, shops, render, stone, modern or office."""
    s = TEXELS_PER_M
    storeys = int(rng.choice([2, 3, 4], p=[0.3, 0.45, 0.25])) if kind != "office" else int(rng.integers(3, 6))
    ground_m, storey_m = 3.7, rng.uniform(2.8, 3.2)
    height_m = ground_m + (storeys - 1) * storey_m + rng.uniform(0.3, 0.9)
    width_m = rng.uniform(8, 13) if kind in ("modern", "office") else rng.uniform(6, 11)
    h, w = round(height_m * s), round(width_m * s)
    material = {"terrace": "brick", "render": "render", "stone": "stone", "modern": "brick", "office": "concrete"}
    picture = wall(rng, (h, w), material.get(kind, str(rng.choice(["brick", "render", "brick", "stone"]))))
    style = {
        "frame": float(rng.choice([212, 222, 60, 190])),
        "sill": float(rng.uniform(130, 195)),
        "surround": float(rng.uniform(165, 215)) if rng.random() < 0.3 else 0.0,
        "lintel": float(rng.uniform(110, 190)),
        "panes_x": float(rng.integers(0, 2)),
        "panes_y": float(rng.integers(1, 4)),
        "lit": 0.04,
    }
    shop = kind == "shops"
    if kind == "office":
        _ribbons(rng, picture, storeys, storey_m, h, w)
    else:
        window_w, window_h = rng.uniform(0.85, 1.3) * s, rng.uniform(1.35, 1.8) * s
        count = max(2, int(width_m / rng.uniform(2.0, 3.0)))
        pitch = w / count
        for storey in range(1 if shop else 0, storeys):
            base = h - (ground_m + (storey - 1) * storey_m + 0.85) * s if storey else h - 0.9 * s
            door = int(rng.integers(count)) if storey == 0 else -1
            shrink = 1.0 - 0.08 * storey
            for i in range(count):
                x = (i + 0.5) * pitch - window_w / 2
                if i == door:
                    _door(rng, picture, x, window_w * 0.95, h - 2.5 * s, h - 0.1 * s)
                else:
                    _window(rng, picture, x, base - window_h * shrink, window_w, window_h * shrink, style)
        if rng.random() < 0.5:
            x = float(rng.uniform(0.02, 0.98)) * w
            _rect(picture, x, 0, 2, h, (50, 50, 52))
        if rng.random() < 0.5:
            y = h - ground_m * s
            _rect(picture, 0, y, w, 0.18 * s, (style["sill"],) * 3)
            _shade(picture, 0, y + 0.18 * s, w, 0.15 * s, 0.75)
    if shop:
        _shop(rng, picture, 1, w - 2, h)
    cornice = int(0.25 * s)
    picture[:cornice] = picture[:cornice] * 0.4 + float(rng.uniform(60, 200)) * 0.6
    _shade(picture, 0, cornice, w, 0.3 * s, 0.68)
    picture += (2.5 * rng.standard_normal(picture.shape[:2]).astype(np.float32))[..., None]
    return Facade(premultiplied(picture, np.ones((h, w), np.float32)), w / s, h / s, kind)


def _ribbons(rng: np.random.Generator, picture: Float32, storeys: int, storey_m: float, h: int, w: int) -> None:
    s = TEXELS_PER_M
    bay = rng.uniform(1.1, 2.4) * s
    frame = float(rng.uniform(50, 190))
    for storey in range(storeys):
        top = h - (3.5 + storey * storey_m) * s + 0.5 * s if storey else h - 3.2 * s
        tall = 1.7 * s if storey else 2.7 * s
        _rect(picture, 4, top - 2, w - 8, tall + 4, (frame,) * 3)
        x = 6.0
        while x < w - 8:
            _glass(rng, picture, x, top, min(bay - 2, w - 8 - x), tall, 0.1)
            x += bay
        _shade(picture, 4, top, w - 8, 0.2 * s, 0.7)


def make_gable(rng: np.random.Generator, depth_m: float = 9.0, height_m: float = 9.5) -> Texture:
    """The end wall of a house: brick or render, a pitched top, few windows; texture spans height + 3 m of roof."""
    s = TEXELS_PER_M // 2
    h, w = round((height_m + 3) * s), round(depth_m * s)
    picture = wall(rng, (h, w), str(rng.choice(["brick", "brick", "render", "stone"])))
    picture *= 0.9
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(0.15, 0.75) * w, h - rng.uniform(2.5, height_m - 1) * s
        _rect(picture, x - 1, y - 1, 0.8 * s + 2, 1.3 * s + 2, (190, 188, 180))
        _glass(rng, picture, x, y, 0.8 * s, 1.3 * s)
    alpha = np.ones((h, w), np.float32)
    eave = round(3 * s)
    top = np.abs(np.arange(w) - w / 2) / (w / 2) * eave
    alpha[np.arange(h)[:, None] < top[None, :]] = 0
    edge = np.abs(np.arange(h)[:, None] - top[None, :]) < 2
    picture[edge] *= 0.5
    return premultiplied(picture, alpha)


def make_roof(rng: np.random.Generator) -> Texture:
    """Slates or tiles in courses, with moss."""
    shape = (72, 192)
    tone = np.array([(84, 86, 92), (70, 70, 74), (128, 84, 66), (110, 92, 80)][rng.integers(4)], np.float32)
    picture = _blocks(rng, shape, tone, 5 / TEXELS_PER_M, 7 / TEXELS_PER_M, 9)
    picture *= (1 + 0.12 * fractal(rng, shape, (2, 4), 4))[..., None]
    if rng.random() < 0.35:
        x = rng.uniform(0.2, 0.7) * shape[1]
        _rect(picture, x, 20, 22, 30, (170, 170, 168))
        _rect(picture, x + 2, 22, 18, 26, (70, 78, 88))
    return premultiplied(picture, np.ones(shape, np.float32))


def make_chimney(rng: np.random.Generator) -> Texture:
    """A stack with pots."""
    picture = wall(rng, (56, 32), "brick") * 0.85
    alpha = np.ones((56, 32), np.float32)
    alpha[:14] = 0
    picture[14:19] *= 1.15
    for x in range(3, 28, 8):
        alpha[:14, x : x + 5] = 1
        picture[:14, x : x + 5] = (150, 96, 70)
    return premultiplied(picture, alpha)
