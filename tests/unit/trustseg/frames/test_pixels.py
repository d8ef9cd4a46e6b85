# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Pixels of every encoding, against plain numpy written from the definitions of the formats."""

from __future__ import annotations

from array import array

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustseg.frames import ENCODINGS, decode_pixels

UInt8 = npt.NDArray[np.uint8]
HEIGHT, WIDTH = 10, 12


def frame(encoding: str, padding: int, seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> tuple[UInt8, int]:
    """Random rows, uint8 (rows, step), and the step."""
    known = ENCODINGS[encoding]
    step = width * known.bytes_per_pixel + padding
    rows = height * {"nv12": 3, "nv21": 3, "nv24": 6}.get(encoding, 2) // 2
    return np.random.default_rng(seed).integers(0, 256, (rows, step), dtype=np.uint8), step


def as_rgb(image: UInt8, order: str) -> UInt8:
    return image if order == "rgb" else image[..., ::-1]


def yuv_to_rgb(y: npt.ArrayLike, u: npt.ArrayLike, v: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """ITU-R BT.601, limited range: float64 (..., 3), not rounded."""
    c, d, e = (np.asarray(p, np.float64) - o for p, o in ((y, 16), (u, 128), (v, 128)))
    c = np.maximum(c, 0) * 255 / 219
    red = c + 1.402 * 255 / 224 * e
    green = c - (0.344136 * d + 0.714136 * e) * 255 / 224
    blue = c + 1.772 * 255 / 224 * d
    return np.clip(np.stack([red, green, blue], -1), 0, 255)


def oracle(encoding: str, rows: UInt8) -> npt.NDArray[np.float64]:
    """float64 (HEIGHT, WIDTH, 3) RGB of rows without padding."""
    if encoding in ("rgb8", "bgr8", "8UC3"):
        pixels = rows.reshape(HEIGHT, WIDTH, 3)
        return (pixels if encoding == "rgb8" else pixels[..., ::-1]).astype(np.float64)
    if encoding in ("rgba8", "bgra8", "8UC4"):
        pixels = rows.reshape(HEIGHT, WIDTH, 4)[..., :3]
        return (pixels if encoding == "rgba8" else pixels[..., ::-1]).astype(np.float64)
    if encoding in ("mono8", "8UC1"):
        return np.repeat(rows[..., None], 3, -1).astype(np.float64)
    if encoding in ("nv12", "nv21"):
        chroma = rows[HEIGHT:].reshape(HEIGHT // 2, WIDTH // 2, 2).repeat(2, 0).repeat(2, 1)
        u, v = (0, 1) if encoding == "nv12" else (1, 0)
        return yuv_to_rgb(rows[:HEIGHT], chroma[..., u], chroma[..., v])
    if encoding == "nv24":
        chroma = rows[HEIGHT:].reshape(HEIGHT, WIDTH, 2)
        return yuv_to_rgb(rows[:HEIGHT], chroma[..., 0], chroma[..., 1])
    pairs = rows.reshape(HEIGHT, WIDTH // 2, 4)
    order = "UYVY" if encoding in ("yuv422", "uyvy") else "YUYV"
    luma = pairs[..., [i for i, c in enumerate(order) if c == "Y"]].reshape(HEIGHT, WIDTH)
    u, v = (pairs[..., order.index(c)].repeat(2, 1) for c in "UV")
    return yuv_to_rgb(luma, u, v)


def tight(encoding: str, rows: UInt8, step: int, padding: int) -> UInt8:
    """The rows without padding; that of nv24's chroma stands behind two steps."""
    if encoding != "nv24":
        return np.ascontiguousarray(rows[:, : step - padding])
    chroma = rows[HEIGHT:].reshape(HEIGHT, 2 * step)[:, : 2 * (step - padding)]
    return np.concatenate([rows[:HEIGHT, : step - padding], chroma.reshape(2 * HEIGHT, step - padding)])


@pytest.mark.parametrize("padding", [0, 1, 4, 13])
@pytest.mark.parametrize("encoding", [e for e in ENCODINGS if not e.startswith("bayer")])
def test_agrees_with_numpy(encoding: str, padding: int) -> None:
    rows, step = frame(encoding, padding)
    image, order = decode_pixels(rows.tobytes(), HEIGHT, WIDTH, step, encoding)
    wanted = oracle(encoding, tight(encoding, rows, step, padding))
    assert image.shape == (HEIGHT, WIDTH, 3)
    assert image.dtype == np.uint8
    yuv = ENCODINGS[encoding].even_width
    # OpenCV computes YUV in fixed point; for nv24 with the exact numbers, and more bits.
    tolerance = 2.0 if yuv else 0.65 if encoding == "nv24" else 0.0
    assert np.abs(as_rgb(image, order).astype(np.float64) - wanted).max() <= tolerance


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_keeps_a_plain_colour(pattern: str, padding: int) -> None:
    """A mosaic of one colour must give that colour back at every pixel, whatever the interpolation."""
    value = {"r": 200, "g": 90, "b": 30}
    tile = np.array([[value[pattern[0]], value[pattern[1]]], [value[pattern[2]], value[pattern[3]]]], np.uint8)
    rows = np.full((HEIGHT, WIDTH + padding), 255, np.uint8)
    rows[:, :WIDTH] = np.tile(tile, (HEIGHT // 2, WIDTH // 2))
    image, order = decode_pixels(rows.tobytes(), HEIGHT, WIDTH, WIDTH + padding, f"bayer_{pattern}8")
    assert np.array_equal(as_rgb(image, order), np.broadcast_to([200, 90, 30], (HEIGHT, WIDTH, 3)))


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_is_bilinear_inside(pattern: str) -> None:
    """At its own filter a channel is untouched; the others are means of the nearest neighbours of that colour."""
    rows, step = frame(f"bayer_{pattern}8", 0, seed=5)
    image, order = decode_pixels(rows.tobytes(), HEIGHT, WIDTH, step, f"bayer_{pattern}8")
    rgb = as_rgb(image, order).astype(np.float64)
    for y in range(2, HEIGHT - 2):
        for x in range(2, WIDTH - 2):
            for channel, name in enumerate("rgb"):
                near = [
                    rows[y + dy, x + dx]
                    for dy in (-1, 0, 1)
                    for dx in (-1, 0, 1)
                    if pattern[2 * ((y + dy) % 2) + (x + dx) % 2] == name
                ]
                own = pattern[2 * (y % 2) + x % 2] == name
                wanted = float(rows[y, x]) if own else float(np.mean(np.array(near, np.float64)))
                assert abs(rgb[y, x, channel] - wanted) <= 1.0


@pytest.mark.parametrize(("encoding", "order"), [("rgb8", "rgb"), ("bgr8", "bgr"), ("8UC3", "bgr")])
@pytest.mark.parametrize("padding", [0, 7])
def test_no_copy_where_the_bytes_are_the_image(encoding: str, order: str, padding: int) -> None:
    rows, step = frame(encoding, padding)
    data = bytearray(rows.tobytes())
    image, found = decode_pixels(data, HEIGHT, WIDTH, step, encoding)
    assert found == order
    data[step * 3 + 4] ^= 0xFF
    assert image[3, 1, 1] == data[step * 3 + 4]  # the change shows: same memory
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0, 0] = 0


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda b: array("B", b)])
def test_any_buffer(kind: object) -> None:
    rows, step = frame("bgr8", 2)
    image, _ = decode_pixels(kind(rows.tobytes()), HEIGHT, WIDTH, step, "bgr8")  # type: ignore[operator]
    assert np.array_equal(image, rows[:, :-2].reshape(HEIGHT, WIDTH, 3))


@given(st.sampled_from(["rgb8", "bgra8", "mono8", "yuv422", "nv12"]), st.integers(0, 40), st.integers(0, 2**32 - 1))
def test_padding_never_shows(encoding: str, padding: int, seed: int) -> None:
    rows, step = frame(encoding, padding, seed)
    tight = np.ascontiguousarray(rows[:, : step - padding])
    padded, _ = decode_pixels(rows.tobytes(), HEIGHT, WIDTH, step, encoding)
    plain, _ = decode_pixels(tight.tobytes(), HEIGHT, WIDTH, step - padding, encoding)
    assert np.array_equal(padded, plain)
