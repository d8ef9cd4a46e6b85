"""Cars, vans and buses: panels with painted detail on a simple three-dimensional body."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.scenes.canvas import Quad, Texture, premultiplied
from trustseg.scenes.noise import fractal

Float32 = npt.NDArray[np.float32]
Vector = tuple[float, float, float]

_S = 44  # texels per metre
_PAINTS = (
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


BODIES = {
    "hatchback": Body(3.9, 1.68, 1.44, 0.92, 0.80, 1.85, 1.02, 0.35, -1.45, -1.85, 0.95, 0.17),
    "saloon": Body(4.5, 1.75, 1.42, 0.92, 0.80, 2.12, 1.05, 0.30, -1.05, -1.65, 0.98, 0.19),
    "estate": Body(4.6, 1.78, 1.52, 0.96, 0.86, 2.15, 1.15, 0.42, -1.95, -2.25, 0.98, 0.16),
    "van": Body(4.9, 1.92, 2.25, 1.15, 1.05, 2.30, 1.65, 0.95, -2.38, -2.43, 1.15, 0.06),
    "bus": Body(9.5, 2.45, 3.1, 1.15, 1.10, 4.72, 4.66, 4.60, -4.70, -4.74, 1.15, 0.03),
}


@dataclass(frozen=True)
class Vehicle:
    """A painted vehicle: `panels` in its own axes (x right, y up, z forward, origin on the ground below the middle)."""

    panels: tuple[tuple[Vector, Vector, Vector, Texture, Vector], ...]
    length_m: float
    width_m: float
    height_m: float

    def quads(self, x: float, z: float, heading: float, label: int, light: tuple[Vector, Vector, Vector]) -> list[Quad]:
        """Panels in the world at (x, z), turned by `heading` (radians, to the right).

        `light` is (ambient, sun, direction to the sun), as in `Light`.
        """
        c, s = float(np.cos(heading)), float(np.sin(heading))

        def turn(v: Vector) -> Vector:
            return (c * v[0] + s * v[2], v[1], -s * v[0] + c * v[2])

        ambient, sun, toward = light
        out = []
        for origin, along, down, texture, normal in self.panels:
            o, n = turn(origin), turn(normal)
            facing = max(0.0, n[0] * toward[0] + n[1] * toward[1] + n[2] * toward[2])
            sky = 0.8 + 0.25 * n[1]
            gain = (
                ambient[0] * sky + sun[0] * facing,
                ambient[1] * sky + sun[1] * facing,
                ambient[2] * sky + sun[2] * facing,
            )
            out.append(Quad((o[0] + x, o[1], o[2] + z), turn(along), turn(down), texture, label, gain, 0.0))
        return out


def make_vehicle(rng: np.random.Generator, kind: str) -> Vehicle:
    """A vehicle of one of `BODIES`, in a random paint."""
    b = BODIES[kind]
    paint = np.array(_PAINTS[rng.integers(len(_PAINTS))], np.float32) * np.float32(rng.uniform(0.85, 1.1))
    if kind in ("van", "bus") and rng.random() < 0.6:
        paint = np.array([(206, 206, 202), (150, 24, 24), (40, 70, 130), (196, 190, 170)][rng.integers(4)], np.float32)
    half, roof_half = b.width / 2, b.width / 2 - b.lean
    front, rear = b.length / 2, -b.length / 2
    panels: list[tuple[Vector, Vector, Vector, Texture, Vector]] = []
    lower, upper = _side(rng, b, paint, kind)
    o = 0.02
    for sign in (-1, 1):
        # Seen from its own side the left flank shows the front on the left, the right flank on the right.
        z_start, step = (front, -b.length) if sign < 0 else (rear, b.length)
        low, up = (lower, upper) if sign < 0 else (_mirror(lower), _mirror(upper))
        panels.append(((sign * half, b.belt + o, z_start), (0, 0, step), (0, -b.belt - o, 0), low, (sign, 0.05, 0)))
        rise = b.height - b.belt
        panels.append(
            ((sign * roof_half, b.height, z_start), (0, 0, step), (sign * b.lean, -rise, 0), up, (sign * 0.95, 0.3, 0))
        )
    face, tail = _front(rng, b, paint, kind), _rear(rng, b, paint, kind)
    panels.append(((half, b.bonnet_y, front), (-b.width, 0, 0), (0, -b.bonnet_y, 0), face, (0, 0.1, 1)))
    panels.append(((-half, b.tail_y, rear), (b.width, 0, 0), (0, -b.tail_y, 0), tail, (0, 0.05, -1)))
    taper = roof_half / half

    def sheet(z0: float, y0: float, z1: float, y1: float, texture: Texture, reverse: bool) -> None:
        """A panel across the car from its upper edge (z0, y0) to its lower edge (z1, y1)."""
        normal_z, normal_y = (y0 - y1), -(z0 - z1)
        if reverse:
            normal_z, normal_y = -(y0 - y1), (z0 - z1)
        scale = max(1e-6, float(np.hypot(normal_z, normal_y)))
        start, along = ((-half, y0, z0), (b.width, 0, 0)) if reverse else ((half, y0, z0), (-b.width, 0, 0))
        panels.append(
            (
                start,
                along,
                (0, y1 - y0, z1 - z0),
                texture,
                (0, abs(normal_y) / scale, (-1 if reverse else 1) * abs(normal_z) / scale),
            )
        )

    sheet(
        b.screen_z - o,
        b.belt + o,
        b.bonnet_z,
        b.bonnet_y - o,
        _paint(rng, paint, b.width, b.bonnet_z - b.screen_z, 1.15),
        False,
    )
    sheet(b.bonnet_z, b.bonnet_y, front, b.bonnet_y - 0.1, _paint(rng, paint, b.width, 0.3, 1.0), False)
    sheet(b.roof_front_z, b.height, b.screen_z, b.belt, _screen(rng, b, taper, paint), False)
    sheet(b.roof_rear_z, b.height, b.roof_front_z, b.height, _paint(rng, paint, b.width, 1.5, 1.2, taper), False)
    sheet(b.roof_rear_z, b.height, b.tail_z, b.tail_y, _screen(rng, b, taper, paint, kind == "van"), True)
    if b.tail_z > rear + 0.12:
        sheet(b.tail_z, b.tail_y, rear, b.tail_y - 0.06, _paint(rng, paint, b.width, b.tail_z - rear, 1.1), True)
    return Vehicle(tuple(panels), b.length, b.width, b.height)


def _mirror(texture: Texture) -> Texture:
    return Texture(np.ascontiguousarray(texture.rgba[:, ::-1]))


def _lacquer(
    rng: np.random.Generator, shape: tuple[int, int], paint: Float32, top: float = 1.2, bottom: float = 0.6
) -> Float32:
    """Painted metal that mirrors sky above and street below."""
    ramp = np.linspace(top, bottom, shape[0], dtype=np.float32)[:, None]
    shine = 1 + 0.05 * fractal(rng, shape, (2, 4), 3)
    return np.asarray(paint * (ramp * shine)[..., None] + 10 * np.clip(ramp - 0.85, 0, 1)[..., None] * 3, np.float32)


def _paint(
    rng: np.random.Generator, paint: Float32, width: float, depth: float, tone: float, taper: float = 1.0
) -> Texture:
    h, w = max(8, int(depth * _S)), int(width * _S)
    picture = _lacquer(rng, (h, w), paint, tone * 1.1, tone * 0.95)
    across = 1 + 0.12 * np.cos(np.linspace(-2.2, 2.2, w, dtype=np.float32))
    alpha = np.zeros((h, w), np.float32)
    edge = round((1 - taper) / 2 * w)
    alpha[:, edge : w - edge] = 1
    return premultiplied(picture * across[None, :, None], alpha)


def _screen(rng: np.random.Generator, b: Body, taper: float, paint: Float32, blind: bool = False) -> Texture:
    """Windscreen or rear window: a trapezium of dark glass with a mirrored sky, in a painted frame."""
    h, w = max(20, int((b.height - b.belt) * 1.2 * _S)), int(b.width * _S)
    edge = (1 - taper) / 2 * w
    outer = np.array([[edge, 0], [w - edge, 0], [w, h], [0, h]], np.int32)
    alpha = np.zeros((h, w), np.float32)
    cv2.fillPoly(alpha, [outer], 1.0, cv2.LINE_AA)
    picture = _lacquer(rng, (h, w), paint, 1.1, 0.9)
    if not blind:
        inset = 5
        pane = np.array(
            [[edge + inset, 4], [w - edge - inset, 4], [w - inset - 1, h - 3], [inset + 1, h - 3]], np.int32
        )
        mask = np.zeros((h, w), np.float32)
        cv2.fillPoly(mask, [pane], 1.0, cv2.LINE_AA)
        ramp = np.linspace(1, 0, h, dtype=np.float32)[:, None, None]
        mirror = rng.uniform(10, 80)
        glass = np.array(_GLASS, np.float32) + mirror * ramp * (
            1 + 0.5 * fractal(rng, (h, w), (2, 3), 3)[..., None] * 0.5
        )
        for x in (0.28, 0.72) if b.height < 2 else ():
            cv2.ellipse(glass, (int(x * w), int(0.75 * h)), (int(0.08 * w), int(0.28 * h)), 0, 0, 360, (16, 16, 18), -1)
        picture = picture * (1 - mask[..., None]) + glass * mask[..., None]
    return premultiplied(picture, alpha)


def _side(rng: np.random.Generator, b: Body, paint: Float32, kind: str) -> tuple[Texture, Texture]:
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
    return lower, _windows(rng, b, paint, kind, px)


def _windows(rng: np.random.Generator, b: Body, paint: Float32, kind: str, px: object) -> Texture:
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


def _front(rng: np.random.Generator, b: Body, paint: Float32, kind: str) -> Texture:
    h, w = int(b.bonnet_y * _S), int(b.width * _S)
    picture = _lacquer(rng, (h, w), paint, 1.05, 0.55)
    y = _S / 0.8 * b.bonnet_y
    cv2.rectangle(picture, (int(0.3 * w), int(0.14 * y)), (int(0.7 * w), int(0.30 * y)), (22, 22, 24), -1)
    cv2.line(picture, (int(0.32 * w), int(0.22 * y)), (int(0.68 * w), int(0.22 * y)), (130, 132, 134), 1)
    for x in (0.14, 0.86):
        cv2.ellipse(
            picture,
            (int(x * w), int(0.20 * y)),
            (int(0.11 * w), int(0.085 * y)),
            0,
            0,
            360,
            (196, 200, 200),
            -1,
            cv2.LINE_AA,
        )
        cv2.ellipse(
            picture,
            (int(x * w), int(0.21 * y)),
            (int(0.05 * w), int(0.05 * y)),
            0,
            0,
            360,
            (235, 236, 230),
            -1,
            cv2.LINE_AA,
        )
    cv2.rectangle(picture, (0, int(0.38 * y)), (w, int(0.41 * y)), tuple((paint * 0.45).tolist()), -1)
    cv2.rectangle(picture, (int(0.35 * w), int(0.42 * y)), (int(0.65 * w), int(0.52 * y)), (214, 214, 206), -1)
    cv2.rectangle(picture, (int(0.2 * w), int(0.56 * y)), (int(0.8 * w), int(0.68 * y)), (20, 20, 21), -1)
    return _with_tyres(picture, h, w, 0.24 / b.bonnet_y)


def _rear(rng: np.random.Generator, b: Body, paint: Float32, kind: str) -> Texture:
    h, w = int(b.tail_y * _S), int(b.width * _S)
    picture = _lacquer(rng, (h, w), paint, 1.1, 0.55)
    lamp = (180, 26, 24) if rng.random() < 0.7 else (240, 50, 40)
    for x in (0.02, 0.86):
        cv2.rectangle(picture, (int(x * w), int(0.12 * h)), (int((x + 0.12) * w), int(0.42 * h)), lamp, -1)
        cv2.rectangle(picture, (int(x * w), int(0.30 * h)), (int((x + 0.12) * w), int(0.35 * h)), (220, 170, 130), -1)
    cv2.line(picture, (int(0.14 * w), int(0.46 * h)), (int(0.86 * w), int(0.46 * h)), tuple((paint * 0.45).tolist()), 1)
    cv2.rectangle(picture, (int(0.34 * w), int(0.30 * h)), (int(0.66 * w), int(0.42 * h)), (206, 186, 70), -1)
    cv2.rectangle(picture, (0, int(0.56 * h)), (w, int(0.60 * h)), tuple((paint * 0.5).tolist()), -1)
    return _with_tyres(picture, h, w, 0.24 / b.tail_y)


def _with_tyres(picture: Float32, h: int, w: int, ground: float) -> Texture:
    alpha = np.ones((h, w), np.float32)
    skirt = int(h * (1 - ground))
    picture[int(skirt * 0.88) : skirt] *= 0.6
    picture[skirt:] = 10
    alpha[skirt + 4 :] = 0
    for x0 in (0.03, 0.85):
        a, c = int(x0 * w), int((x0 + 0.12) * w)
        alpha[skirt:, a:c] = 1
        picture[skirt:, a:c] = _TYRE
    return premultiplied(picture, alpha)
