# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Decompression with an end: what a recording holds is read from a file that anybody may have made.

A few kilobytes can stand for gigabytes of zeros. Nothing is unpacked beyond a stated size: no message, and no chunk of
messages, needs more than the largest image that the node takes, with four bytes a pixel.
"""

from __future__ import annotations

import bz2
from pathlib import Path

import lz4.frame
import zstandard

from trustseg.frames import FrameLimits

MOST_BYTES = 4 * FrameLimits().max_pixels + (1 << 20)
# A whole file grows on the disk, not in memory. Recorded images shrink to a twentieth, empty ones to a three-hundredth.
FILE_RATIO, FILE_SLACK_BYTES = 1000, 64 << 20


class TooLarge(ValueError):
    """More than the bound comes out of it, or it says so."""


def unzstd(data: bytes, most: int = MOST_BYTES) -> bytes:
    """One Zstandard frame. Raises TooLarge, or zstandard.ZstdError when it is damaged or cut off."""
    stated = zstandard.frame_content_size(data)  # -1: it does not say
    if stated > most:
        raise TooLarge(_told(stated, most))
    try:
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=0 if stated >= 0 else most)
    except zstandard.ZstdError as error:
        if stated < 0 and _yields_more(data, most):
            raise TooLarge(_told(None, most)) from error
        raise


def unlz4(data: bytes, most: int = MOST_BYTES) -> bytes:
    """One LZ4 frame. Raises TooLarge, EOFError when it is cut off, or RuntimeError when it is damaged."""
    return _bounded(lz4.frame.LZ4FrameDecompressor(), data, most)


def unbz2(data: bytes, most: int = MOST_BYTES) -> bytes:
    """One bzip2 stream. Raises TooLarge, EOFError when it is cut off, or OSError when it is damaged."""
    return _bounded(bz2.BZ2Decompressor(), data, most)


def unzstd_file(source: Path, target: Path) -> None:
    """A whole file, block by block; what could be unpacked stays in `target` whatever is raised.

    Raises:
        TooLarge: it grows beyond `FILE_RATIO` times its own size. zstandard.ZstdError: cut off or damaged. OSError.
    """
    left = FILE_RATIO * source.stat().st_size + FILE_SLACK_BYTES
    with source.open("rb") as packed, target.open("wb") as out:
        for block in zstandard.ZstdDecompressor().read_to_iter(packed):
            left -= len(block)
            if left < 0:
                raise TooLarge(f"it unpacks to more than {FILE_RATIO} times its size")
            out.write(block)


def _bounded(decompressor: lz4.frame.LZ4FrameDecompressor | bz2.BZ2Decompressor, data: bytes, most: int) -> bytes:
    out = bytes(decompressor.decompress(data, max_length=most + 1))
    if len(out) > most:
        raise TooLarge(_told(None, most))
    if not decompressor.eof:
        raise EOFError("it is cut off")
    return out


def _yields_more(data: bytes, most: int) -> bool:
    """Whether a frame without a stated size goes on after `most` bytes; in blocks, so that nothing is kept."""
    seen = 0
    with zstandard.ZstdDecompressor().stream_reader(data) as reader:
        try:
            while seen <= most and (block := reader.read(1 << 20)):
                seen += len(block)
        except zstandard.ZstdError:
            return False
    return seen > most


def _told(stated: int | None, most: int) -> str:
    return f"it unpacks to {'more' if stated is None else f'{stated} bytes'}, at most {most} bytes are read"
