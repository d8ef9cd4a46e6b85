# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Writers of label pictures as tools make them: few bits a sample, palettes. Written by hand, so that no library that
reads them has made them."""

from __future__ import annotations

import struct
import zlib

import numpy as np

GREY, COLOUR, PALETTE = 0, 2, 3
PACKINGS = {"none": 1, "deflate": 8, "packbits": 32773}  # of TIFF


def packed(samples: np.ndarray, bits: int) -> list[bytes]:
    """Rows of (H, W) samples of so many bits each, most significant bit first."""
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in samples]
    shifts = np.arange(bits - 1, -1, -1)
    planes = (samples[..., None].astype(np.uint8) >> shifts & 1).astype(np.uint8)
    return [np.packbits(row).tobytes() for row in planes.reshape(len(samples), -1)]


def png(samples: np.ndarray, bits: int, colour: int = GREY, extra: bytes = b"") -> bytes:
    """A PNG of (H, W) samples, or palette indices; the palette's colours have nothing to do with the indices."""
    height, width = samples.shape[:2]
    palette = (
        b"".join(bytes([255 - 9 * i % 256, 31 * i % 256, 200]) for i in range(1 << bits)) if colour == PALETTE else b""
    )
    content = b"".join(b"\0" + row for row in packed(samples, bits))
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", header), extra]
    parts += [chunk(b"PLTE", palette), chunk(b"tRNS", b"\x80")] if palette else []
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, chunk(b"IDAT", zlib.compress(content)), chunk(b"IEND", b"")])


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bitmap(samples: np.ndarray, bits: int) -> bytes:
    """A Windows bitmap of (H, W) palette indices, stored from the lowest row up."""
    height, width = samples.shape
    palette = b"".join(bytes([200, 31 * i % 256, 255 - 9 * i % 256, 0]) for i in range(1 << bits))
    rows = b"".join(row + b"\0" * (-len(row) % 4) for row in reversed(packed(samples, bits)))
    at = 14 + 40 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 0, len(rows), 2835, 2835, 1 << bits, 0)
    return b"BM" + struct.pack("<IHHI", at + len(rows), 0, 0, at) + header + palette + rows


def tiff(
    samples: np.ndarray, bits: int, photometric: int, order: str = "<", orientation: int = 1, packing: str = "none"
) -> bytes:
    """A TIFF of (H, W) samples: photometric 0 white is zero, 1 black is zero, 3 palette; packed, with 8 bits at most,
    as "deflate" or "packbits" says."""
    height, width = samples.shape
    rows = packed(samples, bits)
    content = b"".join(rows) if bits != 16 else samples.astype(f"{order}u2").tobytes()
    if packing == "deflate":
        content = zlib.compress(content)
    elif packing == "packbits":  # each row as one run of bytes that are not repeated
        content = b"".join(bytes([len(row) - 1]) + row for row in rows)
    palette = struct.pack(f"{order}{3 << bits}H", *[257 * (7 * i % 256) for i in range(3 << bits)])
    tags = {
        256: ("H", width), 257: ("H", height), 258: ("H", bits), 259: ("H", PACKINGS[packing]), 262: ("H", photometric),
        273: ("I", 0), 274: ("H", orientation), 277: ("H", 1), 278: ("H", height), 279: ("I", len(content)),
        **({320: ("P", 0)} if photometric == 3 else {}),
    }  # fmt: skip
    after = 8 + 2 + 12 * len(tags) + 4
    out = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, len(tags))
    for number, (kind, value) in tags.items():
        if kind == "P":
            out += struct.pack(f"{order}HHII", number, 3, 3 << bits, after)
        elif kind == "H":
            out += struct.pack(f"{order}HHIHH", number, 3, 1, value, 0)
        else:
            out += struct.pack(f"{order}HHII", number, 4, 1, after + len(palette) if number == 273 else value)
    return out + struct.pack(f"{order}I", 0) + palette + content
