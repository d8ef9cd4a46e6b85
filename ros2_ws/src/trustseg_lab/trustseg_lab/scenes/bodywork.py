# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Painted surfaces of vehicles: flanks with wheels and windows, fronts, tails, screens, sheet metal."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg_lab.scenes.canvas import Texture, premultiplied
from trustseg_lab.scenes.noise import fractal

Float32 = npt.NDArray[np.float32]

_S = 44  # texels per metre
PAINTS = (
    (150, 154, 158),
    (118, 122, 128),
    (136, 140, 144),
    (96, 100, 106),
    (34, 36, 40),
    (46, 50, 58),
    (196, 198, 198),
    (120, 26, 30),
    (30, 48, 98),
    (26, 62, 54),
    (84, 88, 94),
    (176, 170, 156),
    (52, 70, 108),
    (150, 40, 34),
    (24, 26, 30),
    (60, 96, 60),
)
_TYRE, _GLASS = (20, 20, 21), (34, 40, 46)


@dataclass(frozen=True)
class Body:
    """Side profile in metres: all z are measured from the middle, forward positive."""

    length: float
    width: float
    height: float
    belt: float
    bonnet_y: float
    bonnet_z: float
    screen_z: float
    roof_front_z: float
    roof_rear_z: float
    tail_z: float
    tail_y: float
    lean: float


def mirrored(texture: Texture) -> Texture:
    """Flip a texture left to right."""
    return Texture(np.ascontiguousarray(texture.rgba[:, ::-1]))


def _lacquer(
    rng: np.random.Generator, shape: tuple[int, int], paint: Float32, top: float = 1.2, bottom: float = 0.6
) -> Float32:
    """Painted metal that mirrors sky above and street below."""
    ramp = np.linspace(top, bottom, shape[0], dtype=np.float32)[:, None]
    shine = 1 + 0.09 * fractal(rng, shape, (2, 3), 4)
    return np.asarray(paint * (ramp * shine)[..., None] + 10 * np.clip(ramp - 0.85, 0, 1)[..., None] * 3, np.float32)


def make_sheet(
    rng: np.random.Generator, paint: Float32, width: float, depth: float, tone: float, taper: float = 1.0
) -> Texture:
    """Paint a flat sheet of a vehicle, seen from the side; sizes in metres."""
    h, w = max(8, int(depth * _S)), int(width * _S)
    picture = _lacquer(rng, (h, w), paint, tone * 1.1, tone * 0.95)
    across = 1 + 0.12 * np.cos(np.linspace(-2.2, 2.2, w, dtype=np.float32))
    alpha = np.zeros((h, w), np.float32)
    edge = round((1 - taper) / 2 * w)
    alpha[:, edge : w - edge] = 1
    return premultiplied(picture * across[None, :, None], alpha)


def make_screen(rng: np.random.Generator, b: Body, taper: float, paint: Float32, blind: bool = False) -> Texture:
    """Windscreen or rear window: a trapezium of dark glass with a mirrored sky, in a painted frame."""
    h, w = max(20, int((b.height - b.belt) * 1.2 * _S)), int(b.width * _S)
    edge = (1 - taper) / 2 * w
    outer = np.array([[edge, 0], [w - edge, 0], [w, h], [0, h]], np.int32)
    alpha = np.zeros((h, w), np.float32)
    cv2.fillPoly(alpha, [outer], 1.0, cv2.LINE_AA)
    picture = _lacquer(rng, (h, w), paint, 1.1, 0.9)
    if not blind:
        inset = 7
        pane = np.array(
            [[edge + inset, 4], [w - edge - inset, 4], [w - inset - 1, h - 3], [inset + 1, h - 3]], np.int32
        )
        mask = np.zeros((h, w), np.float32)
        cv2.fillPoly(mask, [pane], 1.0, cv2.LINE_AA)
        ramp = np.linspace(1, 0, h, dtype=np.float32)[:, None, None]
        mirror = rng.uniform(15, 110)
        clouds = np.clip(0.75 + 0.5 * fractal(rng, (h, w), (2, 3), 4), 0, 2)
        glass = np.array(_GLASS, np.float32) + mirror * ramp * clouds[..., None]
        if b.height < 2:
            heads = glass.copy()
            for x in (0.28, 0.72):
                cv2.ellipse(
                    heads, (int(x * w), int(0.72 * h)), (int(0.07 * w), int(0.2 * h)), 0, 0, 360, (20, 20, 22), -1
                )
                cv2.ellipse(
                    heads, (int(x * w), int(1.1 * h)), (int(0.13 * w), int(0.35 * h)), 0, 0, 360, (20, 20, 22), -1
                )
            glass = glass * 0.55 + cv2.GaussianBlur(heads, (0, 0), 1.5) * 0.45
        else:
            glass[: int(0.13 * h)] = 14
            cv2.line(glass, (w // 2, 0), (w // 2, h), (16, 16, 17), 2)
        glass[-max(2, h // 12) :] *= 0.6
        picture = picture * (1 - mask[..., None]) + glass * mask[..., None]
    return premultiplied(picture, alpha)


def make_flank(rng: np.random.Generator, b: Body, paint: Float32, kind: str) -> tuple[Texture, Texture]:
    """Left flank: front on the left. Lower part up to the belt with wheels; upper part with windows."""
    w, h = int(b.length * _S), int(b.belt * _S)
    front = b.length / 2

    def px(z: float) -> float:
        return (front - z) * _S

    def py(y: float) -> float:
        return (b.belt - y) * _S

    picture = _lacquer(rng, (h, w), paint, 1.15, 0.62)
    alpha = np.zeros((h, w), np.float32)
    sill = 0.24
    outline = [
        (px(front), py(sill + 0.05)),
        (px(front), py(b.bonnet_y - 0.18)),
        (px(front - 0.12), py(b.bonnet_y - 0.06)),
        (px(b.bonnet_z - 0.3), py(b.bonnet_y)),
        (px(b.screen_z), py(b.belt) - 1),
        (px(b.tail_z), py(b.belt) - 1),
        (px(-front + 0.05), py(min(b.tail_y, b.belt) - 0.06)),
        (px(-front), py(sill + 0.1)),
        (px(-front + 0.1), py(sill)),
        (px(front - 0.1), py(sill)),
    ]
    cv2.fillPoly(alpha, [np.array(outline, np.int32)], 1.0, cv2.LINE_AA)
    cv2.line(picture, (0, int(py(0.6))), (w, int(py(0.6))), tuple((paint * 1.25).tolist()), 2, cv2.LINE_AA)
    cv2.line(picture, (0, int(py(0.57))), (w, int(py(0.57))), tuple((paint * 0.55).tolist()), 1, cv2.LINE_AA)
    picture[int(py(0.34)) :] *= 0.6
    for z in (b.screen_z - 0.15, b.screen_z - 1.2, b.screen_z - 2.15):
        if z > b.tail_z + 0.3:
            cv2.line(picture, (int(px(z)), 0), (int(px(z)), int(py(0.3))), tuple((paint * 0.4).tolist()), 1)
            cv2.line(
                picture,
                (int(px(z - 0.8)), int(py(0.8))),
                (int(px(z - 0.95)), int(py(0.8))),
                tuple((paint * 0.45).tolist()),
                2,
            )
    cv2.rectangle(
        picture,
        (int(px(front)), int(py(b.bonnet_y - 0.1))),
        (int(px(front - 0.25)), int(py(b.bonnet_y - 0.26))),
        (190, 192, 190),
        -1,
    )
    cv2.rectangle(
        picture, (int(px(-front + 0.16)), int(py(b.tail_y - 0.12))), (w, int(py(b.tail_y - 0.36))), (132, 22, 22), -1
    )
    radius = 0.31 if kind not in ("bus", "van") else (0.46 if kind == "bus" else 0.34)
    for z in (front - 0.85 - (1.2 if kind == "bus" else 0), -front + 0.8 + (1.6 if kind == "bus" else 0)):
        c = (int(px(z)), int(py(radius)))
        cv2.circle(picture, c, int((radius + 0.07) * _S), (12, 12, 12), -1, cv2.LINE_AA)
        cv2.circle(alpha, c, int(radius * _S), 1.0, -1, cv2.LINE_AA)
        cv2.circle(picture, c, int(radius * _S), _TYRE, -1, cv2.LINE_AA)
        cv2.circle(picture, c, int(radius * 0.66 * _S), (112, 114, 116), -1, cv2.LINE_AA)
        for a in range(0, 360, 60):
            d = np.array([np.cos(np.radians(a)), np.sin(np.radians(a))]) * radius * 0.6 * _S
            cv2.line(picture, c, (int(c[0] + d[0]), int(c[1] + d[1])), (40, 40, 42), 2, cv2.LINE_AA)
        cv2.circle(picture, c, int(radius * 0.2 * _S), (130, 130, 132), -1, cv2.LINE_AA)
    lower = premultiplied(picture, alpha)
    return lower, _windows(rng, b, paint, kind)


def _windows(rng: np.random.Generator, b: Body, paint: Float32, kind: str) -> Texture:
    w, h = int(b.length * _S), max(10, int((b.height - b.belt) * _S))
    front = b.length / 2

    def x_of(z: float) -> float:
        return (front - z) * _S

    picture = _lacquer(rng, (h, w), paint, 1.2, 1.0)
    alpha = np.zeros((h, w), np.float32)
    shape = np.array(
        [(x_of(b.screen_z), h), (x_of(b.roof_front_z), 0), (x_of(b.roof_rear_z), 0), (x_of(b.tail_z), h)], np.int32
    )
    cv2.fillPoly(alpha, [shape], 1.0, cv2.LINE_AA)
    glass = np.zeros((h, w), np.float32)
    m = 3.5
    if kind == "van":
        rear = b.screen_z - 1.35
        pane = np.array(
            [(x_of(b.screen_z) + m, h - 8), (x_of(b.roof_front_z) + m, 14), (x_of(rear), 14), (x_of(rear), h - 8)],
            np.int32,
        )
    else:
        pane = np.array(
            [
                (x_of(b.screen_z) + 2.2 * m, h - 1),
                (x_of(b.roof_front_z) + m, m),
                (x_of(b.roof_rear_z) - m, m),
                (x_of(b.tail_z) - 2.6 * m, h - 1),
            ],
            np.int32,
        )
    cv2.fillPoly(glass, [pane], 1.0, cv2.LINE_AA)
    bars = np.arange(b.screen_z - 1.15, b.tail_z + 0.3, -1.0 if kind != "bus" else -1.4)
    for z in bars:
        cv2.line(glass, (int(x_of(z)), 0), (int(x_of(z) + 2), h), 0.0, 4)
    ramp = np.linspace(1, 0.1, h, dtype=np.float32)[:, None, None]
    room = np.array(_GLASS, np.float32) + rng.uniform(5, 60) * ramp + 9 * fractal(rng, (h, w), (2, 6), 3)[..., None]
    picture = picture * (1 - glass[..., None]) + room * glass[..., None]
    return premultiplied(picture, alpha)


def make_front(rng: np.random.Generator, b: Body, paint: Float32) -> Texture:
    """Front seen from ahead: grille, headlamps, number plate, bumper, tyres."""
    h, w = int(b.bonnet_y * _S), int(b.width * _S)
    picture = _faced(rng, (h, w), paint)
    y = _S / 0.8 * b.bonnet_y
    cv2.rectangle(picture, (int(0.3 * w), int(0.14 * y)), (int(0.7 * w), int(0.28 * y)), (22, 22, 24), -1)
    for row in (0.18, 0.22):
        cv2.line(picture, (int(0.32 * w), int(row * y)), (int(0.68 * w), int(row * y)), (104, 106, 108), 1)
    cv2.circle(picture, (w // 2, int(0.21 * y)), 3, (150, 152, 154), -1, cv2.LINE_AA)
    slant = float(rng.uniform(-12, 12))
    for x, turn in ((0.14, slant), (0.86, -slant)):
        axes = (int(0.115 * w), int(0.08 * y))
        cv2.ellipse(picture, (int(x * w), int(0.20 * y)), axes, turn, 0, 360, (92, 94, 96), -1, cv2.LINE_AA)
        cv2.ellipse(
            picture, (int(x * w), int(0.195 * y)), (axes[0] - 2, axes[1] - 2), turn, 0, 360, (176, 180, 182), -1
        )
        cv2.circle(picture, (int(x * w), int(0.20 * y)), int(0.05 * y), (224, 226, 222), -1, cv2.LINE_AA)
        cv2.circle(picture, (int(x * w), int(0.21 * y)), int(0.022 * y), (140, 142, 144), -1, cv2.LINE_AA)
    cv2.rectangle(picture, (0, int(0.38 * y)), (w, int(0.40 * y)), tuple((paint * 0.45).tolist()), -1)
    cv2.rectangle(picture, (int(0.34 * w), int(0.42 * y)), (int(0.66 * w), int(0.51 * y)), (204, 204, 196), -1)
    _plate_letters(rng, picture, 0.36 * w, 0.43 * y, 0.28 * w, 0.07 * y)
    cv2.rectangle(picture, (int(0.2 * w), int(0.56 * y)), (int(0.8 * w), int(0.67 * y)), (20, 20, 21), -1)
    return _with_tyres(picture, 0.22 / b.bonnet_y, 0.0)


def make_tail(rng: np.random.Generator, b: Body, paint: Float32) -> Texture:
    """Tail seen from behind: lamps, lid, number plate, bumper, tyres."""
    h, w = int(b.tail_y * _S), int(b.width * _S)
    picture = _faced(rng, (h, w), paint)
    braking = rng.random() < 0.25
    tall = float(rng.uniform(0.2, 0.36))
    wide = float(rng.uniform(0.09, 0.16))
    top = float(rng.uniform(0.06, 0.16))
    for left in (0.015, 0.985 - wide):
        x0, x1, y0, y1 = int(left * w), int((left + wide) * w), int(top * h), int((top + tall) * h)
        cv2.rectangle(picture, (x0 - 1, y0 - 1), (x1 + 1, y1 + 1), (34, 12, 12), -1)
        cv2.rectangle(picture, (x0, y0), (x1, y1), (226, 44, 36) if braking else (132, 20, 20), -1)
        third = (y1 - y0) // 3
        cv2.rectangle(picture, (x0, y0 + third), (x1, y0 + third + max(1, third // 2)), (172, 110, 80), -1)
        cv2.line(picture, (x0 + 1, y0 + 1), (x1 - 1, y0 + 1), (206, 120, 112), 1)
    lid = tuple((paint * 0.45).tolist())
    cv2.line(picture, (int((0.04 + wide) * w), 1), (int((0.05 + wide) * w), int(0.5 * h)), lid, 1, cv2.LINE_AA)
    cv2.line(picture, (int((0.96 - wide) * w), 1), (int((0.95 - wide) * w), int(0.5 * h)), lid, 1, cv2.LINE_AA)
    cv2.line(picture, (int(0.05 * w), int(0.52 * h)), (int(0.95 * w), int(0.52 * h)), lid, 1, cv2.LINE_AA)
    plate = float(rng.choice([0.30, 0.58]))
    picture[int((plate - 0.03) * h) : int((plate + 0.15) * h), int(0.31 * w) : int(0.69 * w)] *= 0.72
    cv2.rectangle(
        picture, (int(0.34 * w), int(plate * h)), (int(0.66 * w), int((plate + 0.105) * h)), (186, 166, 62), -1
    )
    _plate_letters(rng, picture, 0.36 * w, (plate + 0.015) * h, 0.28 * w, 0.075 * h)
    dark = rng.random() < 0.4
    bumper = picture[int(0.56 * h) : int(0.74 * h)]
    if dark:
        bumper[...] = bumper * 0.25 + 26
    else:
        bumper *= np.linspace(1.12, 0.8, bumper.shape[0], dtype=np.float32)[:, None, None]
    return _with_tyres(picture, 0.22 / b.tail_y, 0.10)


def _plate_letters(rng: np.random.Generator, picture: Float32, x: float, y: float, w: float, h: float) -> None:
    step = w / 7
    for n in range(7):
        if rng.random() < 0.85:
            a = (int(x + n * step), int(y + 1))
            cv2.rectangle(picture, a, (int(a[0] + step * 0.55), int(y + h - 1)), (44, 44, 40), -1)


def _faced(rng: np.random.Generator, shape: tuple[int, int], paint: Float32) -> Float32:
    """A bulging painted face: brighter where it leans to the sky, darker round the sides and towards the street."""
    h, w = shape
    picture = _lacquer(rng, shape, paint, 1.16, 0.55)
    x = np.linspace(-1, 1, w, dtype=np.float32)[None, :]
    picture *= (1.04 - 0.42 * np.abs(x) ** 3.5)[..., None]
    crease = np.exp(-(((np.linspace(0, 1, h, dtype=np.float32) - 0.12) / 0.05) ** 2))[:, None, None]
    return np.asarray(picture + 34 * crease, np.float32)


def _with_tyres(picture: Float32, ground: float, round_top: float) -> Texture:
    """Cut the lower edge: tyres and the dark underside are seen below the bumper; the upper corners are rounded."""
    h, w = picture.shape[:2]
    alpha = np.ones((h, w), np.float32)
    skirt = int(h * (1 - ground))
    picture[int(skirt * 0.9) : skirt] *= 0.6
    picture[skirt:] = 9
    alpha[skirt + int(0.45 * (h - skirt)) :] = 0
    for x0 in (0.045, 0.845):
        a, c = int(x0 * w), int((x0 + 0.11) * w)
        alpha[skirt:, a:c] = 1
        picture[skirt:, a:c] = (
            np.array(_TYRE, np.float32) * np.linspace(0.5, 1.1, c - a, dtype=np.float32)[None, :, None]
        )
    radius = max(2, int((0.06 + round_top) * _S))
    yy, xx = np.mgrid[0:radius, 0:radius]
    corner = np.hypot(radius - yy - 0.5, radius - xx - 0.5) > radius
    alpha[:radius, :radius][corner] = 0
    alpha[:radius, w - radius :][corner[:, ::-1]] = 0
    lower = skirt - radius
    alpha[lower:skirt, :radius][corner[::-1]] = 0
    alpha[lower:skirt, w - radius :][corner[::-1, ::-1]] = 0
    return premultiplied(picture, alpha)
