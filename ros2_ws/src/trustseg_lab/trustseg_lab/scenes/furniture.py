# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Street furniture as pictures with coverage: lamp posts, poles, traffic lights, signs, fences."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.canvas import Texture, premultiplied
from trustseg_lab.scenes.lettering import write
from trustseg_lab.scenes.noise import fractal

Float32 = npt.NDArray[np.float32]

LAMP_TEXELS_PER_M = 40


def make_pole(rng: np.random.Generator) -> Texture:
    """A plain round post, lit from one side."""
    h, w = 64, 10
    tone = np.array([(92, 96, 98), (60, 62, 62), (128, 130, 128), (46, 50, 48)][rng.integers(4)], np.float32)
    across = 0.55 + 0.75 * np.sin(np.linspace(0.3, 2.9, w)) * np.linspace(1.1, 0.7, w)
    picture = tone * across[None, :, None] * (1 + 0.06 * rng.standard_normal((h, 1, 1)))
    return premultiplied(np.broadcast_to(picture, (h, w, 3)), np.ones((h, w), np.float32))


def make_lamp_post(rng: np.random.Generator) -> Texture:
    """A street lamp 1 unit high: tapering post, curved or straight arm, lantern; the foot at the bottom centre."""
    s = LAMP_TEXELS_PER_M
    h, w = 8 * s, 3 * s + 1
    alpha = np.zeros((h, w), np.float32)
    picture = np.zeros((h, w, 3), np.float32)
    tone = np.array([(96, 100, 102), (70, 74, 72), (120, 122, 120)][rng.integers(3)], np.float32)
    x = w // 2
    side = 1 if rng.random() < 0.5 else -1
    reach = rng.uniform(0.8, 1.35) * s
    rise = rng.uniform(0.0, 0.5) * s
    foot = np.array([[x - 3, 0.12 * h], [x + 3, 0.12 * h], [x + 4, h], [x - 4, h]], np.int32)
    cv2.fillPoly(alpha, [foot], 1.0, cv2.LINE_AA)
    cv2.rectangle(alpha, (x - 6, int(h - 1.2 * s)), (x + 6, h), 1.0, -1)
    t = np.linspace(0, 1, 12)
    arm = np.stack([x + side * reach * t, 0.13 * h - rise * np.sin(t * np.pi / 2)], 1).astype(np.int32)
    cv2.polylines(alpha, [arm], False, 1.0, 4, cv2.LINE_AA)
    end = arm[-1]
    cv2.ellipse(alpha, (int(end[0] + side * 9), int(end[1] + 2)), (15, 5), 0, 0, 360, 1.0, -1, cv2.LINE_AA)
    across = np.clip(1.25 - 0.09 * (np.arange(w) - x + 4), 0.6, 1.25)
    picture[...] = tone * across[None, :, None]
    cv2.ellipse(picture, (int(end[0] + side * 9), int(end[1] + 4)), (13, 3), 0, 0, 360, (190, 188, 178), -1)
    outline = cv2.dilate((alpha > 0.2).astype(np.uint8), np.ones((1, 3), np.uint8))
    return premultiplied(picture, alpha, outline)


def make_traffic_light(rng: np.random.Generator) -> Texture:
    """The signal head: a black box with a pale rim and three lamps, one of them lit."""
    h, w = 72, 30
    picture = np.full((h, w, 3), 22, np.float32)
    cv2.rectangle(picture, (0, 0), (w - 1, h - 1), (150, 150, 146) if rng.random() < 0.4 else (34, 34, 34), 2)
    lit = int(rng.choice([0, 2, 2, 1]))
    for i, color in enumerate(((255, 60, 40), (255, 180, 50), (90, 255, 190))):
        tone = color if i == lit else tuple(0.14 * c for c in color)
        cv2.circle(picture, (w // 2, 13 + 23 * i), 8, tone, -1, cv2.LINE_AA)
        cv2.ellipse(picture, (w // 2, 11 + 23 * i), (10, 9), 0, 180, 360, (8, 8, 8), 2, cv2.LINE_AA)
    return premultiplied(picture, np.ones((h, w), np.float32))


def make_sign(rng: np.random.Generator) -> Texture:
    """A traffic sign or a plate: round, triangular or rectangular, 64 x 64 texels."""
    n = 64
    picture = np.full((n, n, 3), 200, np.float32)
    alpha = np.zeros((n, n), np.float32)
    kind = int(rng.integers(6))
    c = n // 2
    if kind == 0:
        cv2.circle(alpha, (c, c), 31, 1.0, -1, cv2.LINE_AA)
        picture[...] = (186, 30, 34)
        cv2.circle(picture, (c, c), 23, (226, 224, 220), -1, cv2.LINE_AA)
        write(picture, str(rng.choice(["20", "30", "40"])), (13, 42), 0.95, (20, 20, 20), 3)
    elif kind == 1:
        corners = np.array([[c, 2], [n - 2, n - 6], [2, n - 6]], np.int32)
        cv2.fillPoly(alpha, [corners], 1.0, cv2.LINE_AA)
        picture[...] = (190, 32, 34)
        inner = np.array([[c, 17], [n - 14, n - 13], [14, n - 13]], np.int32)
        cv2.fillPoly(picture, [inner], (224, 222, 216), cv2.LINE_AA)
        cv2.line(picture, (c, 30), (c, 44), (20, 20, 20), 4, cv2.LINE_AA)
    elif kind == 2:
        cv2.circle(alpha, (c, c), 31, 1.0, -1, cv2.LINE_AA)
        picture[...] = (32, 74, 158)
        cv2.circle(picture, (c, c), 30, (220, 222, 224), 2, cv2.LINE_AA)
        cv2.arrowedLine(picture, (c - 12, c - 12), (c + 12, c + 14), (228, 228, 228), 6, cv2.LINE_AA, 0, 0.5)
    else:
        alpha[int(rng.integers(0, 22)) :] = 1.0
        ground = [(30, 76, 150), (20, 92, 62), (212, 208, 200), (190, 160, 40), (96, 40, 40), (44, 44, 48)][
            int(rng.integers(6))
        ]
        picture[...] = ground
        ink = (30, 30, 34) if sum(ground) > 400 else (224, 222, 216)
        for y in range(26, 62, 12):
            x = int(rng.integers(6, 16))
            while x < 54:
                step = int(rng.integers(3, 9))
                cv2.rectangle(picture, (x, y), (x + step, y + 5), ink, -1)
                x += step + 3
    picture *= (1 + 0.05 * fractal(rng, (n, n), (4, 4), 3))[..., None]
    return premultiplied(picture, alpha)


def make_railing(rng: np.random.Generator) -> Texture:
    """Iron or guard railings 4 m long, 96 x 384 texels; the label fills the gaps between the bars, as annotators do."""
    h, w = 96, 384
    alpha = np.zeros((h, w), np.float32)
    tone = np.array([(30, 32, 34), (120, 122, 122), (44, 50, 46), (150, 150, 146)][rng.integers(4)], np.float32)
    pitch = int(rng.integers(9, 14))
    for x in range(2, w, pitch):
        cv2.rectangle(alpha, (x, 8), (x + 2, h), 1.0, -1)
    for y in (12, h - 14):
        cv2.rectangle(alpha, (0, y), (w, y + 3), 1.0, -1)
    for x in range(0, w, 96):
        cv2.rectangle(alpha, (x, 2), (x + 6, h), 1.0, -1)
    picture = tone * (1 + 0.12 * rng.standard_normal((h, w, 1)))
    solid = np.ones((h, w), np.float32)
    solid[:8] = 0
    return premultiplied(picture, alpha, solid)


def make_boards(rng: np.random.Generator) -> Texture:
    """A close-boarded wooden fence or a hoarding, 4 m long."""
    h, w = 96, 384
    tone = np.array([(104, 86, 66), (120, 108, 92), (84, 66, 52), (92, 96, 92)][rng.integers(4)], np.float32)
    board = int(rng.integers(8, 16))
    shade = 1 + 0.14 * rng.standard_normal(w // board + 2)
    picture = tone * shade[np.arange(w) // board][None, :, None]
    picture = picture * (1 + 0.10 * fractal(rng, (h, w), (3, 96), 3)[..., None])
    picture[:, ::board] *= 0.55
    picture[h - 10 :] *= 0.8
    alpha = np.ones((h, w), np.float32)
    alpha[: int(rng.integers(2, 8))] = 0
    for x in range(0, w, 128):
        picture[:, x : x + 7] = tone * 0.7
    return premultiplied(picture, alpha)
