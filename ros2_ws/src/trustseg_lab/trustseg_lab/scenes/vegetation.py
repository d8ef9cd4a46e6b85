# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Trees in leaf, bare trees, hedges and bushes as pictures with coverage."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.canvas import Texture, premultiplied
from trustseg_lab.scenes.noise import fractal

Float32 = npt.NDArray[np.float32]

_GREENS = ((74, 82, 44), (62, 78, 40), (86, 88, 50), (48, 62, 38), (96, 100, 56), (104, 92, 52))


def make_leafy_tree(rng: np.random.Generator) -> Texture:
    """A tree in leaf or an evergreen, 256 x 224 texels, the foot of the trunk at the bottom centre."""
    h, w = 288, 224
    canvas = np.zeros((h, w, 3), np.float32)
    alpha = np.zeros((h, w), np.float32)
    _trunk(rng, canvas, alpha, w / 2, h - 1, 0.5 * h, 9)
    tone = np.array(_GREENS[rng.integers(len(_GREENS))], np.float32) * rng.uniform(0.9, 1.45)
    conical = rng.random() < 0.3
    light = np.zeros((h, w), np.float32)
    crown = np.zeros((h, w), np.float32)
    clumps = int(rng.integers(55, 90))
    for n in range(clumps):
        t = n / clumps
        if conical:
            y = 0.06 * h + t * 0.78 * h
            x = w / 2 + rng.normal(0, 0.08 + 0.28 * t) * w * 0.5
            radius = rng.uniform(9, 20)
        else:
            angle, r = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1) ** 0.5
            x, y = w / 2 + 0.36 * w * r * np.cos(angle), 0.38 * h + 0.31 * h * r * np.sin(angle)
            radius = rng.uniform(14, 30)
        order = 0.35 + 0.65 * t if conical else rng.uniform(0.2, 1)
        center = (int(x), int(y))
        cv2.circle(crown, center, int(radius), 1.0, -1, cv2.LINE_AA)
        cv2.circle(light, center, int(radius), 0.62 * order, -1, cv2.LINE_AA)
        cv2.circle(
            light,
            (int(x - 0.25 * radius), int(y - 0.35 * radius)),
            int(radius * 0.62),
            0.62 * order + 0.3,
            -1,
            cv2.LINE_AA,
        )
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), 3), np.float32)
    fine = fractal(rng, (h, w), (24, 20), 4, 0.8)
    middle = fractal(rng, (h, w), (9, 8), 3)
    edge = cv2.GaussianBlur(crown, (0, 0), 5) + 0.17 * fine
    leaf = np.clip((edge - 0.42) * 5, 0, 1)
    holes = np.clip((middle + 0.6 * fine - rng.uniform(1.0, 1.9)) * 2.5, 0, 1)
    leaf *= 1 - 0.85 * holes
    shade = np.clip(0.42 + 0.75 * light + 0.40 * fine * (0.5 + light) + 0.10 * middle, 0.12, 2.2)
    hue = np.array([1.0, 1.0, 0.9], np.float32) + 0.09 * middle[..., None] * np.array([1, 0.3, -0.6], np.float32)
    foliage = tone * shade[..., None] * hue
    canvas = canvas * (1 - leaf[..., None]) + foliage * leaf[..., None]
    alpha = np.maximum(alpha, leaf)
    solid = cv2.morphologyEx((alpha > 0.5).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    return premultiplied(canvas, alpha, solid)


def make_bare_tree(rng: np.random.Generator) -> Texture:
    """A tree in winter: recursive branches ending in a haze of twigs."""
    h, w = 320, 288
    scale = 2
    ink = np.zeros((h * scale * 5 // 4, w * scale * 2), np.uint8)
    foot = (ink.shape[1] / 2, float(ink.shape[0]))

    def grow(x: float, y: float, angle: float, length: float, width: float, depth: int) -> None:
        bend = rng.normal(0, 0.12)
        x1, y1 = x + length * np.sin(angle + bend), y - length * np.cos(angle + bend)
        cv2.line(ink, (int(x), int(y)), (int(x1), int(y1)), 255, max(1, round(width)), cv2.LINE_AA)
        if depth == 0 or length < 5:
            return
        for _ in range(int(rng.integers(2, 4)) if depth > 1 else 3):
            grow(x1, y1, angle * 0.9 + rng.normal(0, 0.42), length * rng.uniform(0.66, 0.86), width * 0.66, depth - 1)

    grow(*foot, rng.normal(0, 0.05), 0.24 * h * scale, rng.uniform(9, 15), 7)
    rows, columns = np.nonzero(ink.any(1))[0], np.nonzero(ink.any(0))[0]
    half = int(max(foot[0] - columns[0], columns[-1] - foot[0], 40)) + 24
    ink = ink[max(0, int(rows[0]) - 24) :, max(0, int(foot[0]) - half) : int(foot[0]) + half]
    h, w = ink.shape[0] // scale, ink.shape[1] // scale
    fine = cv2.resize(ink, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    density = cv2.GaussianBlur(np.minimum(fine * 1.6, 1), (0, 0), 7)
    twigs = np.clip(0.5 + 0.5 * fractal(rng, (h, w), (48, 44), 3, 0.9), 0, 1)
    haze = np.clip(density * 2.1, 0, 0.62) * twigs
    alpha = np.clip(np.maximum(fine * 1.1, haze), 0, 1)
    tone = np.array([84, 77, 68], np.float32) * rng.uniform(0.7, 1.3)
    picture = tone * (1 + 0.25 * fractal(rng, (h, w), (30, 30), 3))[..., None]
    picture = np.broadcast_to(picture, (h, w, 3)) * (0.85 + 0.4 * haze[..., None])
    solid = np.clip((cv2.GaussianBlur(alpha, (0, 0), 3.0) - 0.10) * 8, 0, 1) > 0.5
    return premultiplied(picture, alpha, solid)


def _trunk(
    rng: np.random.Generator, canvas: Float32, alpha: Float32, x: float, y: float, length: float, width: float
) -> None:
    tone = np.array([78, 68, 56], np.float32) * rng.uniform(0.6, 1.1)
    points = [(x, y)]
    for i in range(6):
        points.append((points[-1][0] + rng.normal(0, 2), y - (i + 1) * length / 6))
    for i in range(6):
        a, b = points[i], points[i + 1]
        thick = max(2, round(width * (1 - 0.08 * i)))
        cv2.line(alpha, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0, thick, cv2.LINE_AA)
        cv2.line(canvas, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), tuple(tone.tolist()), thick + 1)
        cv2.line(
            canvas,
            (int(a[0] + 2), int(a[1])),
            (int(b[0] + 2), int(b[1])),
            tuple((tone * 0.6).tolist()),
            max(1, thick // 3),
        )
    canvas *= (1 + 0.2 * rng.standard_normal(alpha.shape).astype(np.float32))[..., None]


def make_hedge(rng: np.random.Generator) -> Texture:
    """A clipped hedge or bushes, 64 x 256 texels, tiles along x."""
    shape = (72, 256)
    tone = np.array(_GREENS[rng.integers(len(_GREENS))], np.float32) * rng.uniform(0.6, 1.0)
    fine = fractal(rng, shape, (20, 70), 3, 0.8)
    middle = fractal(rng, shape, (3, 12), 3)
    rise = np.linspace(1.15, 0.55, shape[0], dtype=np.float32)[:, None]
    picture = tone * np.clip(rise * (1 + 0.3 * fine + 0.2 * middle), 0.1, 2.5)[..., None]
    top = (rng.uniform(2, 14) * (1 + lattice_row(rng, shape[1]))).clip(0, 40)
    alpha = np.clip(np.arange(shape[0])[:, None] - top[None, :] + 2 * fine, 0, 1)
    return premultiplied(picture, alpha)


def lattice_row(rng: np.random.Generator, width: int) -> Float32:
    """Smooth tileable noise along one row, float32 (width,)."""
    return np.asarray(fractal(rng, (4, width), (1, 6), 3)[0], np.float32)


def make_backdrop(rng: np.random.Generator) -> tuple[Texture, Texture]:
    """What closes the view at the horizon: a strip of trees and a strip of roofs, each 64 x 1024 texels."""
    shape = (64, 1024)
    fine = fractal(rng, shape, (16, 256), 4, 0.8)
    top = 30 - 13 * fractal(rng, (4, shape[1]), (1, 24), 5, 0.6)[0]
    leaf = np.clip((np.arange(shape[0])[:, None] - top[None, :] + 5 * fine) / 4, 0, 1)
    tone = np.array([82, 84, 68], np.float32)
    trees = premultiplied(tone * np.clip(1 + 0.28 * fine, 0.2, 2)[..., None], leaf)
    picture = np.zeros((*shape, 3), np.float32)
    alpha = np.zeros(shape, np.float32)
    x = 0
    while x < shape[1]:
        w, high = int(rng.integers(14, 44)), int(rng.integers(20, 42))
        tone = np.array(rng.uniform(80, 170) * np.array([1.0, 0.96, 0.9]), np.float32)
        picture[shape[0] - high :, x : x + w] = tone
        alpha[shape[0] - high :, x : x + w] = 1
        picture[shape[0] - high : shape[0] - high + 6, x : x + w] = (70, 66, 66)
        for wy in range(shape[0] - high + 9, shape[0] - 2, 8):
            for wx in range(x + 3, min(x + w, shape[1]) - 3, 6):
                picture[wy : wy + 4, wx : wx + 3] = tone * 0.5
        x += w + int(rng.integers(0, 6))
    return trees, premultiplied(picture, alpha)
