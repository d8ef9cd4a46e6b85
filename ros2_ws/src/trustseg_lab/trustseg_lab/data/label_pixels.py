# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Class ids in label pictures: the raw samples, or the indices into a palette, of any depth.

OpenCV decodes what a viewer shows: 1-bit samples become 0 and 255, palette indices become colours. Ids are neither, so
the header is rewritten before decoding: a palette is taken for grey, and grey levels are scaled back to samples. TIFF
of 2 and 4 bits, which OpenCV does not decode, is FFmpeg's.
Formats: ISO/IEC 15948 (PNG), TIFF 6.0, the headers of Windows bitmaps.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.imaging.image_header import JPEG_START, PNG_SIGNATURE, BadHeader, check_complete, png_chunks
from trustseg.imaging.orientation import UPRIGHT, orientation_of, turned
from trustseg.imaging.stored_image import MOST_PIXELS, decode_image, may_be_decoded, read_file
from trustseg.imaging.tiff_tags import BITS, HEIGHT, MAGIC, ORIENTATION, PHOTOMETRIC, SAMPLES, WIDTH, tiff_tags
from trustseg.types import UInt8Array

GREY, PALETTE = 0, 3  # colour types of PNG
BLACK_IS_ZERO, GREYS_OF_TIFF = 1, (0, 1, 3)  # photometric interpretations; 0 is white is zero, 3 a palette
CLASSIC_TIFF = MAGIC[:2]  # FFmpeg reads no BigTIFF
# Size, bits, compression, meaning, order of bits, strips, samples, planes, predictor.
LAYOUT_OF_TIFF = frozenset({256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317})
MOST_SAMPLE = 65535
Samples = npt.NDArray[np.integer[Any]]  # uint8 or uint16
FIX = "save labels as PNG of one channel whose values, or palette indices, are the class ids"


def read_labels(path: Path, classes: int, void: int | None) -> UInt8Array:
    """uint8 (H, W) class ids of a label file.

    Args:
        path: PNG, TIFF or BMP of one channel or with a palette, 1 to 16 bits a sample.
        classes: ids below it are classes. void: id of unlabelled pixels, None where there is none.

    Raises:
        InputError: it cannot be read or decoded, holds no ids, or ids that are neither a class nor void.
    """
    return known_ids(decode_labels(read_file(path, "labels"), f"labels {path}"), f"labels {path}", classes, void)


def decode_labels(data: bytes, where: str, *, upright: bool = True) -> UInt8Array:
    """uint8 (H, W) samples or palette indices of a label picture.

    Args:
        data: of the whole file. where: names it in the error. upright: turned as the file says, which messages are not.

    Raises:
        InputError: as `decode_samples`, or it holds ids above 255.
    """
    found = decode_samples(data, where, upright=upright)
    if int(found.max()) > 255:
        raise InputError(
            f"{where} hold ids outside 0..255", got=f"{int(found.min())}..{int(found.max())}",
            fix="say with --classes which ids become which class",
        )  # fmt: skip
    return np.asarray(found, np.uint8)


def decode_samples(data: bytes, where: str, *, upright: bool = True) -> Samples:
    """uint8 or uint16 (H, W) samples or palette indices of a label picture, as `decode_labels` but of any size.

    Raises:
        InputError: it cannot be decoded, has several channels, is compressed with loss, or holds no ids.
    """
    found, most = _stored(data, where, upright=upright)
    if found.ndim != 2 or not np.issubdtype(found.dtype, np.integer):
        raise InputError(
            f"{where} are no class ids", expected="one channel of integers (H, W)",
            got=f"{found.dtype} {found.shape}",
            fix="say with --label-format rgb:LEGEND which colours mean what, or convert colours to class ids first",
        )  # fmt: skip
    if most:
        found = found // (255 // most)
    low, high = int(found.min()), int(found.max())
    if low < 0 or high > MOST_SAMPLE:
        raise InputError(f"{where} hold ids outside 0..{MOST_SAMPLE}", got=f"{low}..{high}")
    wide = high > 255 or found.dtype == np.uint16
    ids: Samples = np.asarray(found, np.uint16) if wide else np.asarray(found, np.uint8)
    return turned(ids, orientation_of(data)) if upright else ids


def holds_colours(data: bytes, where: str) -> bool:
    """Whether a label picture has several channels; palettes are indices. InputError where it cannot be decoded."""
    return _stored(data, where)[0].ndim == 3


def decode_colours(data: bytes, where: str) -> UInt8Array:
    """uint8 (H, W, 3) RGB of a label picture, upright, palettes resolved.

    Raises:
        InputError: it cannot be decoded, or is compressed with loss.
    """
    check_lossless(data, where)
    found = decode_image(data, cv2.IMREAD_COLOR, where)
    if found is None:
        raise InputError(f"cannot decode {where}", got="a broken file or an unknown kind of image", fix=FIX)
    return np.ascontiguousarray(np.asarray(found, np.uint8)[..., ::-1])


def check_lossless(data: bytes, where: str) -> None:
    """InputError for what blends neighbouring pixels."""
    if data.startswith(JPEG_START) or (data.startswith(b"RIFF") and data[12:16] == b"VP8 "):
        raise InputError(
            f"{where} are no class ids", expected="an image without loss",
            got="JPEG or lossy WebP, which blend the ids of neighbouring pixels", fix=FIX,
        )  # fmt: skip


def known_ids(labels: UInt8Array, where: str, classes: int, void: int | None) -> UInt8Array:
    """The labels; InputError where they hold ids that are neither a class nor void."""
    outside = ids_outside(labels, classes, void)
    if outside:
        raise InputError(
            f"{where} hold ids outside the classes",
            expected=f"0..{classes - 1}" + ("" if void is None else f" or void {void}"),
            got=", ".join(map(str, outside[:8])) + (f" and {len(outside) - 8} more" if len(outside) > 8 else ""),
            fix="map the labels to the classes, or name the id of unlabelled pixels as void",
        )  # fmt: skip
    return labels


def ids_outside(labels: UInt8Array, classes: int, void: int | None) -> list[int]:
    """Ids in `labels` that are neither a class nor void, in order."""
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    return [int(each) for each in present if each >= classes and each != void]


def _stored(data: bytes, where: str, *, upright: bool = True) -> tuple[npt.NDArray[Any], int]:
    """(what is stored, turned or not as `_few_bits` does, largest sample where these are stretched to 0..255, else 0).

    Raises:
        InputError: it cannot be decoded, or is compressed with loss.
    """
    check_lossless(data, where)
    try:
        rewritten, most = _as_samples(data)
    except (struct.error, IndexError, KeyError, BadHeader):
        rewritten, most = data, 0
    found: npt.NDArray[Any] | None = _few_bits(rewritten, where, upright=upright)
    if found is None:
        found = decode_image(rewritten, cv2.IMREAD_UNCHANGED, where, upright=False)
    if found is None:
        raise InputError(f"cannot decode {where}", got="a broken file or an unknown kind of image", fix=FIX)
    return found, most


def _as_samples(data: bytes) -> tuple[bytes, int]:
    """(the file rewritten so that decoding gives samples, largest sample where these are stretched to 0..255, else 0).

    Raises:
        struct.error, IndexError, KeyError, BadHeader: the header is broken.
    """
    if data.startswith(PNG_SIGNATURE):
        return _png_samples(data)
    if data.startswith(b"BM"):
        return _bitmap_samples(data), 0
    if data[:4] in MAGIC:
        return _tiff_samples(data)
    return data, 0


def _png_samples(data: bytes) -> tuple[bytes, int]:
    """Grey and palette alike as plain grey; what remains are the chunks that the samples need."""
    check_complete(data)
    bits, colour = data[24], data[25]
    if colour not in (GREY, PALETTE):
        return data, 0
    header = data[16:25] + bytes([GREY]) + data[26:29]
    parts = [PNG_SIGNATURE, _chunk(b"IHDR", header)]
    parts += [data[start:end] for kind, start, end in png_chunks(data) if kind in (b"IDAT", b"IEND")]
    return b"".join(parts), (1 << bits) - 1 if bits < 8 else 0


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _bitmap_samples(data: bytes) -> bytes:
    """The palette replaced by one in which every index is its own grey level."""
    pixels_at, header = struct.unpack_from("<II", data, 10)
    entry = 3 if header == 12 else 4
    bits = struct.unpack_from("<H", data, 24 if header == 12 else 28)[0]
    if bits > 8:
        return data
    count = min(1 << bits, (pixels_at - 14 - header) // entry)
    greys = b"".join(bytes([index] * 3 + [0] * (entry - 3)) for index in range(count))
    return data[: 14 + header] + greys + data[14 + header + len(greys) :]


def _tiff_samples(data: bytes) -> tuple[bytes, int]:
    """White-is-zero and palette alike as black-is-zero."""
    tags = {tag.number: tag for tag in tiff_tags(data)}
    meaning = tags[PHOTOMETRIC]
    if meaning.values[0] not in GREYS_OF_TIFF:
        return data, 0
    patched = bytearray(data)
    struct.pack_into(meaning.letter, patched, meaning.place, BLACK_IS_ZERO)
    return bytes(patched), 1 if BITS not in tags or tags[BITS].values[0] == 1 else 0


def _few_bits(data: bytes, where: str, *, upright: bool) -> UInt8Array | None:
    """uint8 (H, W) samples of a TIFF of 2 or 4 bits, rewritten as black-is-zero; None for all else, and what is broken.

    Raises:
        InputError: it is too large.
    """
    try:
        tags = {tag.number: tag.values[0] for tag in tiff_tags(data)} if data[:4] in MAGIC else {}
    except (struct.error, BadHeader):
        return None
    few = data[:4] in CLASSIC_TIFF and tags.get(BITS) in (2, 4) and tags.get(SAMPLES, 1) == 1
    if not few or not may_be_decoded(data, where):
        return None
    import av

    decoder = av.CodecContext.create("tiff", "r")
    # As strict as OpenCV: what is cut off is an error, and not a picture that ends in black.
    decoder.options = {"err_detect": "explode", "max_pixels": str(MOST_PIXELS)}
    try:
        (frame,) = decoder.decode(av.Packet(_with_layout_alone(data)))
    except (av.FFmpegError, ValueError):
        return None
    if frame.format.name != "pal8" or (frame.height, frame.width) != (tags[HEIGHT], tags[WIDTH]):
        return None
    plane = frame.planes[0]
    rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width]
    return turned(rows, tags.get(ORIENTATION, UPRIGHT) if upright else UPRIGHT)


def _with_layout_alone(data: bytes) -> bytes:
    """The TIFF without the tags that say nothing about where and how its samples lie: a strict FFmpeg refuses those."""
    order = "<" if data[:1] == b"I" else ">"
    (at,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, at)
    entries = (data[at + 2 + 12 * index : at + 14 + 12 * index] for index in range(count))
    kept = [each for each in entries if struct.unpack(f"{order}H", each[:2])[0] in LAYOUT_OF_TIFF]
    directory = struct.pack(f"{order}H", len(kept)) + b"".join(kept) + bytes(4)
    return data[:at] + directory + data[at + len(directory) :]
