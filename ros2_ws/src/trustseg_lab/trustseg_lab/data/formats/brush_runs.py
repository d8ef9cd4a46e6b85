# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Label Studio's own run lengths of brush strokes: runs of bytes of an RGBA image, packed bit by bit.

32 bits count the bytes, 5 bits say how wide one is less 1 (7), four times 4 bits how wide a length is less 1. Then, for
each run: 1 bit whether one byte repeats, 2 bits which of the four widths the length has, the length less 1, and the
byte, or so many bytes where none repeats. What is painted is the alpha channel.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
WIDTHS = (3, 4, 8, 16)  # bits of a length, as Label Studio writes them
HEAD = 32 + 5 + 4 * 4
CHANNELS, HALF = 4, 128


def pack(mask: Mask) -> list[int]:
    """Bytes 0 to 255 of a mask (H, W) of bool, opaque where it is set."""
    flat = np.repeat(mask.ravel(), CHANNELS)
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(np.concatenate([starts, [len(flat)]]))
    words = [f"{len(flat):032b}", f"{7:05b}", *(f"{width - 1:04b}" for width in WIDTHS)]
    longest = 1 << WIDTHS[-1]
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        byte = "11111111" if flat[start] else "00000000"
        left = length
        while left:
            part = min(left, longest)
            at = next(i for i, width in enumerate(WIDTHS) if part <= 1 << width)
            words.append(f"1{at:02b}{part - 1:0{WIDTHS[at]}b}{byte}")
            left -= part
    bits = np.frombuffer("".join(words).encode("ascii"), np.uint8) - ord("0")
    return [int(each) for each in np.packbits(bits)]


def unpack(packed: Sequence[int], height: int, width: int) -> Mask:
    """Mask (height, width) of bool, set where at least half of the light is held back.

    Raises:
        ValueError: these are no such run lengths, or those of an image of another size.
    """
    data = np.asarray(packed)
    if data.ndim != 1 or data.dtype.kind not in "iu" or data.size * 8 < HEAD or data.min() < 0 or data.max() > 255:
        raise ValueError("run lengths that are no list of bytes")
    bits = (np.unpackbits(data.astype(np.uint8)) + ord("0")).tobytes().decode("ascii")
    count, place = int(bits[:32], 2), 37
    if count != CHANNELS * height * width:
        raise ValueError(f"run lengths of {count} bytes where an image has {CHANNELS * height * width}")
    if int(bits[32:37], 2) != 7:
        raise ValueError("run lengths of other words than bytes")
    widths = [int(bits[place + 4 * i : place + 4 * i + 4], 2) + 1 for i in range(4)]
    place = HEAD
    values: list[npt.NDArray[np.uint8]] = []
    done = 0
    while done < count:
        head = bits[place : place + 3 + max(widths)]
        if len(head) < 3 + min(widths):
            raise ValueError("run lengths that end too early")
        repeated, wide = head[0] == "1", widths[int(head[1:3], 2)]
        length = int(head[3 : 3 + wide], 2) + 1
        place += 3 + wide
        end = place + (8 if repeated else 8 * length)
        if end > len(bits) or done + length > count:
            raise ValueError("run lengths that end too early" if end > len(bits) else "run lengths beyond the image")
        found = np.packbits(np.frombuffer(bits[place:end].encode("ascii"), np.uint8) - ord("0"))
        values.append(np.repeat(found, length) if repeated else found)
        place, done = end, done + length
    alpha = np.concatenate(values).reshape(height, width, CHANNELS)[..., CHANNELS - 1]
    return np.asarray(alpha >= HALF)
