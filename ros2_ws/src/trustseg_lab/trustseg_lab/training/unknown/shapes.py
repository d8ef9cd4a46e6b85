# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Objects of random make: a random outline or a simple solid, a random texture. There is no end of different ones."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.types import UInt8Array

SIZE = 96  # pixels of the drawing, before it is scaled
EARTHY = ((0.05, 0.12), (0.15, 0.6), (0.1, 0.65))  # hue, saturation, value of wood, cardboard, rust, mud
GREY = ((0.0, 1.0), (0.0, 0.12), (0.03, 0.95))  # of rubber, metal, plastic, stone
ANY = ((0.0, 1.0), (0.0, 1.0), (0.1, 1.0))


def random_object(rng: np.random.Generator, pictures: Sequence[UInt8Array] = ()) -> UInt8Array:
    """RGBA uint8 (h, w, 4). `pictures`: RGB images (h, w, 3) whose windows serve as textures beside the drawn ones."""
    drawn = rng.choice(4, p=(0.4, 0.3, 0.15, 0.15))
    if drawn == 0:
        return _textured(_blob(rng), rng, pictures)
    if drawn == 1:
        return _box(rng, pictures)
    if drawn == 2:
        return _ring(rng)
    return _pile(rng, pictures)


def texture_images() -> list[UInt8Array]:
    """Pictures that scikit-image brings with it, RGB; none where it is not installed."""
    try:
        from skimage import color, data
    except ImportError:
        return []
    plain = [data.brick(), data.gravel(), data.coins(), data.moon(), data.page(), data.cell()]
    coloured = [data.coffee(), data.chelsea(), data.hubble_deep_field(), data.immunohistochemistry(), data.retina()]
    pictures = [(color.gray2rgb(each), each)[each.ndim == 3] for each in plain] + coloured
    return [np.ascontiguousarray(each[..., :3], np.uint8) for each in pictures]


def random_colour(rng: np.random.Generator) -> np.ndarray:
    """RGB float 0..255: earthy, grey or any."""
    ranges = (EARTHY, GREY, ANY)[int(rng.integers(3))]
    hue, saturation, value = (float(rng.uniform(*each)) for each in ranges)
    return np.asarray(np.array(colorsys.hsv_to_rgb(hue, saturation, value)) * 255, np.float64)


def random_texture(rng: np.random.Generator, pictures: Sequence[UInt8Array] = ()) -> np.ndarray:
    """RGB float32 (SIZE, SIZE, 3), 0..255: plain, gradient, noise of several scales, stripes, chequers or a picture."""
    kind = int(rng.integers(6 if pictures else 5))
    first, second = random_colour(rng), random_colour(rng)
    ys, xs = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    angle = rng.uniform(0, np.pi)
    along = xs * np.cos(angle) + ys * np.sin(angle)
    if kind == 5:
        return _window(rng, pictures)
    if kind == 0:
        share = 0.15 * along
    elif kind == 1:
        share = (along - along.min()) / max(float(np.ptp(along)), 1e-6)
    elif kind == 2:
        share = _noise(rng)
    elif kind == 3:
        share = (np.sin(2 * np.pi * along * rng.uniform(2, 12)) > rng.uniform(-0.7, 0.7)).astype(np.float32)
    else:
        count = rng.uniform(2, 9)
        share = ((np.floor(xs * count) + np.floor(ys * count)) % 2).astype(np.float32)
    mixed = first + (second - first) * share[..., None]
    mixed = mixed + 255 * rng.uniform(0, 0.15) * (_noise(rng)[..., None] - 0.5)
    clipped: npt.NDArray[np.float32] = np.clip(mixed, 0, 255).astype(np.float32)
    return clipped


def _noise(rng: np.random.Generator) -> np.ndarray:
    """Noise of several scales, float32 (SIZE, SIZE) in 0..1."""
    total = np.zeros((SIZE, SIZE), np.float32)
    for cells in (3, 6, 12, 24, 48)[int(rng.integers(3)) :]:
        grid = rng.random((cells, cells), np.float32)
        total += cv2.resize(grid, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC) / cells**0.5
    low, high = float(total.min()), float(total.max())
    return ((total - low) / max(high - low, 1e-6)).astype(np.float32)


def _window(rng: np.random.Generator, pictures: Sequence[UInt8Array]) -> np.ndarray:
    picture = pictures[int(rng.integers(len(pictures)))]
    side = int(rng.integers(32, min(256, *picture.shape[:2]) + 1))
    y, x = int(rng.integers(picture.shape[0] - side + 1)), int(rng.integers(picture.shape[1] - side + 1))
    cut = picture[y : y + side, x : x + side]
    if rng.random() < 0.5:  # other colours than the picture's own
        cut = cut[..., rng.permutation(3)]
    return cv2.resize(cut, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.float32)


def _blob(rng: np.random.Generator) -> np.ndarray:
    """Mask float32 (SIZE, SIZE) of a closed outline whose radius is a random Fourier series, smooth or with corners."""
    corners = int(rng.choice((5, 7, 10, 48)))
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    radius = np.ones(corners)
    for order in range(1, 5):
        radius += rng.normal(0, 0.35 / order) * np.cos(order * angles + rng.uniform(0, 2 * np.pi))
    radius = np.clip(radius, 0.25, 2.0)
    points = np.stack([np.cos(angles) * radius * rng.uniform(0.5, 2.0), np.sin(angles) * radius], 1)
    points -= points.min(0)
    points *= (SIZE - 5) / points.max()
    mask = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(mask, [(points + 2).round().astype(np.int32)], 255, cv2.LINE_AA)
    return mask.astype(np.float32)


def _textured(mask: np.ndarray, rng: np.random.Generator, pictures: Sequence[UInt8Array]) -> UInt8Array:
    """A texture within a mask, darker to one side and below."""
    ys, xs = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) / SIZE
    shade = 1 - rng.uniform(0, 0.6) * ys + rng.uniform(-0.3, 0.3) * xs
    colour = np.clip(random_texture(rng, pictures) * shade[..., None], 0, 255)
    return _cut(np.dstack([colour, mask]))


def _box(rng: np.random.Generator, pictures: Sequence[UInt8Array]) -> UInt8Array:
    """A box seen from above its front: two or three faces, each of its own brightness."""
    width, height, depth = rng.uniform(0.3, 1.0), rng.uniform(0.2, 1.0), rng.uniform(0.05, 0.4)
    side = rng.uniform(-0.5, 0.5)
    front = np.array([[0, depth], [width, depth], [width, depth + height], [0, depth + height]])
    back = front + np.array([side * depth, -depth])
    faces = [np.array([front[0], front[1], back[1], back[0]]), front]
    if abs(side) > 0.1:
        a, b = (1, 2) if side > 0 else (0, 3)
        faces.insert(1, np.array([front[a], back[a], back[b], front[b]]))
    points = np.concatenate(faces)
    low, scale = points.min(0), (SIZE - 4) / np.ptp(points, axis=0).max()
    picture: np.ndarray = np.zeros((SIZE, SIZE, 4), np.float32)
    texture = random_texture(rng, pictures)
    for face in faces:
        mask = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillPoly(mask, [((face - low) * scale + 2).round().astype(np.int32)], 255, cv2.LINE_AA)
        share = mask[..., None].astype(np.float32) / 255
        shaded = np.dstack([np.clip(texture * rng.uniform(0.45, 1.2), 0, 255), np.full((SIZE, SIZE), 255.0)])
        picture = picture * (1 - share) + shaded * share
    return _cut(picture)


def _ring(rng: np.random.Generator) -> UInt8Array:
    """A tyre, pipe or barrel: an ellipse, mostly with a hole."""
    colour = random_texture(rng)
    mask = np.zeros((SIZE, SIZE), np.uint8)
    centre, axes = (SIZE // 2, SIZE // 2), (SIZE // 2 - 3, int((SIZE // 2 - 3) * rng.uniform(0.25, 1.0)))
    cv2.ellipse(mask, centre, axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
    hole = rng.uniform(0.0, 0.65)
    if hole > 0.2:
        inner = (int(axes[0] * hole), int(axes[1] * hole))
        if rng.random() < 0.5:  # one sees what is behind it
            cv2.ellipse(mask, centre, inner, 0, 0, 360, 0, -1, cv2.LINE_AA)
        else:
            cv2.ellipse(colour, centre, inner, 0, 0, 360, (random_colour(rng) * 0.5).tolist(), -1, cv2.LINE_AA)
    return _cut(np.dstack([colour, mask.astype(np.float32)]))


def _pile(rng: np.random.Generator, pictures: Sequence[UInt8Array]) -> UInt8Array:
    """Several pieces over and beside each other."""
    picture = np.zeros((SIZE, SIZE, 4), np.float32)
    for _ in range(int(rng.integers(2, 6))):
        piece = random_object(rng, pictures) if rng.random() < 0.2 else _textured(_blob(rng), rng, pictures)
        factor = rng.uniform(0.3, 0.7) * SIZE / max(piece.shape[:2])
        width, height = (max(4, int(side * factor)) for side in (piece.shape[1], piece.shape[0]))
        piece = cv2.resize(piece, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8)
        y = int(rng.integers((SIZE - height) // 2, SIZE - height + 1))
        x = int(rng.integers(SIZE - width + 1))
        share = piece[..., 3:].astype(np.float32) / 255
        window = picture[y : y + height, x : x + width]
        solid = np.dstack([piece[..., :3].astype(np.float32), np.full(piece.shape[:2], 255.0, np.float32)])
        picture[y : y + height, x : x + width] = window * (1 - share) + solid * share
    return _cut(picture)


def _cut(picture: np.ndarray) -> UInt8Array:
    """RGBA cut to what is not transparent."""
    solid = picture[..., 3] > 32
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    cut = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.ascontiguousarray(cut.round(), dtype=np.uint8) if cut.dtype != np.uint8 else cut
