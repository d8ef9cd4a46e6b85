# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files by structure, for hypothesis: good ones altered, and ones whose headers say anything at all.

Needs hypothesis (requirements/fuzz.txt).
"""

from __future__ import annotations

import copy
import json
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import yaml
from hypothesis import strategies as st

from trustseg_lab.faults.fuzz import good_files
from trustseg_lab.faults.fuzz.file_readers import READERS, Reader

NUMBERS = (0, 1, 2, 3, 4, 7, 8, 15, 16, 24, 255, 256, 257, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1)
MOST_EDITS = 6
# Words that the formats are made of; an edit puts one where another was.
WORDS = (
    b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"eXIf", b"Exif\0\0", b"RIFF", b"WEBP", b"VP8X", b"VP8L", b"EXIF",
    b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xc0", b"\xff\xe1", b"\xff\xdd", b"II*\0", b"MM\0*", b"II+\0",
    b"\x89MCAP0\r\n", b"zstd", b"lz4", b"bz2", b"#ROSBAG V2.0\n", b"op=\x05", b"conn=", b"SQLite format 3\0",
    b"moov", b"trak", b"stsz", b"stco", b"stts", b"mdat", b"tkhd", b"\x1aE\xdf\xa3", b"idx1", b"avih",
    b"sensor_msgs/msg/CompressedImage", b"yuv422", b"bayer_rggb8", b"\x28\xb5\x2f\xfd",
)  # fmt: skip
STRANGE = st.one_of(
    st.none(), st.booleans(), st.sampled_from([*NUMBERS, -1, -(2**63), 1e308, float("nan"), float("inf")]),
    st.sampled_from(["", "..", "/", "../../etc/passwd", "a" * 300, "\0", "\ud800", "é", "bag.mcap", "2001-99-99"]),
    st.text(max_size=8), st.just([]), st.just({}), st.lists(st.integers(-2, 300), max_size=4),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=2),
)  # fmt: skip

number = st.one_of(st.sampled_from(NUMBERS), st.integers(0, 300))
place = st.integers(0, 1 << 30)
edit = st.one_of(
    st.tuples(st.just("byte"), place, st.integers(0, 255)),
    st.tuples(st.just("word"), place, st.sampled_from(WORDS)),
    st.tuples(st.sampled_from(["big", "little"]), place, number),
    st.tuples(st.just("cut"), place, st.just(0)),
    st.tuples(st.sampled_from(["drop", "double"]), place, st.integers(1, 64)),
    st.tuples(st.just("put"), place, st.binary(max_size=24)),
)


def altered(data: bytes, edits: Sequence[tuple[str, int, Any]]) -> bytes:
    """`data` after the edits, in order; places count round the end, so that each lies in the file."""
    out = bytearray(data)
    for kind, at, value in edits:
        at %= len(out) + 1
        if kind == "byte" and at < len(out):
            out[at] = value
        elif kind == "word":
            out[at : at + len(value)] = value
        elif kind in ("big", "little"):
            size = 1 if value < 256 else 2 if value < 65536 else 4 if value < 1 << 32 else 8
            out[at : at + size] = value.to_bytes(size, kind)
        elif kind == "cut":
            del out[at:]
        elif kind == "drop":
            del out[at : at + value]
        elif kind == "double":
            out[at:at] = out[at : at + value]
        elif kind == "put":
            out[at:at] = value
    return bytes(out)


def edited(good: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the good files, altered in few places."""
    return st.builds(altered, st.sampled_from(list(good)), st.lists(edit, max_size=MOST_EDITS))


def _chunk(kind: bytes, content: bytes, sound: bool) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content) * sound)


def _png(width: int, height: int, bits: int, colour: int, rest: list[tuple[bytes, bytes, bool]], rows: int) -> bytes:
    header = struct.pack(">IIBBBBB", width % 2**32, height % 2**32, bits % 256, colour % 256, 0, 0, 0)
    filled = zlib.compress(bytes(rows))
    parts = [_chunk(b"IHDR", header, True), *(_chunk(*each) for each in rest), _chunk(b"IDAT", filled, True)]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + _chunk(b"IEND", b"", True)


def _tiff(order: str, tags: list[tuple[int, int, int, int]], data: bytes) -> bytes:
    entries = b"".join(struct.pack(f"{order}HHII", a % 65536, b, c % 2**32, d % 2**32) for a, b, c, d in sorted(tags))
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(f"{order}IH", 8, len(tags)) + entries + bytes(4) + data


def _jpeg(segments: list[tuple[int, bytes]], scan: bytes, end: bytes) -> bytes:
    parts = [struct.pack(">BBH", 255, marker, len(content) + 2) + content for marker, content in segments]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xda\0\x08\1\1\0\0\x3f\0" + scan + end


def _bitmap(header: int, fields: list[int], data: bytes) -> bytes:
    numbers = struct.pack("<10i", *((each + 2**31) % 2**32 - 2**31 for each in fields))
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + struct.pack("<I", header % 2**32) + numbers + data


def _webp(chunks: list[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(content)) + content for kind, content in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


TIFF_TAGS = (256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 338, 339)
small = st.one_of(st.integers(0, 40), number)
PICTURES = st.one_of(
    st.builds(
        _png, small, small, st.sampled_from([0, 1, 2, 4, 8, 16, 3, 255]), st.sampled_from([0, 2, 3, 4, 6, 1, 255]),
        st.lists(
            st.tuples(st.sampled_from([b"PLTE", b"tRNS", b"eXIf", b"acTL", b"iCCP"]), st.binary(max_size=60),
                      st.booleans()), max_size=3,
        ), st.integers(0, 20_000),
    ),
    st.builds(
        _tiff, st.sampled_from(["<", ">"]),
        st.lists(st.tuples(st.sampled_from(TIFF_TAGS), st.sampled_from([1, 3, 4, 5, 16, 0]), small, small),
                 max_size=16, unique_by=lambda tag: tag[0]), st.binary(max_size=300),
    ),
    st.builds(
        _jpeg, st.lists(st.tuples(st.integers(0xC0, 0xFE), st.binary(max_size=80)), max_size=6), st.binary(max_size=60),
        st.sampled_from([b"\xff\xd9", b"", b"\xff\xd9\xff\xd8\xff"]),
    ),
    st.builds(_bitmap, st.sampled_from([12, 40, 108, 124, 0, 2**32 - 1]), st.lists(small, min_size=10, max_size=10),
              st.binary(max_size=200)),
    st.builds(_webp, st.lists(st.tuples(st.sampled_from([b"VP8 ", b"VP8L", b"VP8X", b"EXIF", b"ANIM"]),
                                        st.binary(max_size=80)), max_size=4)),
)  # fmt: skip


def _records(data: bytes) -> list[bytes]:
    """The records of an MCAP file, without its two signatures."""
    at, found = 8, []
    while at + 9 <= len(data) - 8:
        length = int.from_bytes(data[at + 1 : at + 9], "little")
        found.append(data[at : at + 9 + length])
        at += 9 + length
    return found


def _mcap(records: list[bytes], end: bool) -> bytes:
    magic = b"\x89MCAP0\r\n"
    return magic + b"".join(records) + (magic if end else b"")


def _mcap_files() -> st.SearchStrategy[bytes]:
    good = [record for data in good_files.mcap_files() for record in _records(data)]
    strange = st.builds(lambda code, content: bytes([code]) + struct.pack("<Q", len(content)) + content,
                        st.integers(0, 20), st.binary(max_size=60))  # fmt: skip
    record = st.one_of(
        st.sampled_from(good), st.builds(altered, st.sampled_from(good), st.lists(edit, max_size=2)), strange
    )
    return st.builds(_mcap, st.lists(record, max_size=16), st.booleans())


value = st.one_of(
    st.none(), st.integers(-(2**63), 2**63 - 1), st.floats(), st.text(max_size=10), st.binary(max_size=40)
)


def _sqlite_files() -> st.SearchStrategy[bytes]:
    kind = st.sampled_from(["sensor_msgs/msg/Image", "sensor_msgs/Image", "sensor_msgs/msg/CompressedImage", "x", ""])
    topic = st.tuples(
        st.one_of(st.integers(0, 3), value), st.one_of(st.sampled_from(["/a", "/b"]), value), st.one_of(kind, value),
        st.one_of(st.just("cdr"), value), st.one_of(st.just("- durability: 1\n  depth: 3\n"), value),
    )  # fmt: skip
    good = good_files.message(0)
    data = st.one_of(st.just(good), st.builds(altered, st.just(good), st.lists(edit, max_size=3)), value)
    message = st.tuples(st.one_of(st.integers(0, 3), value), st.one_of(st.integers(0, 10**9), value), data)
    return st.builds(good_files.database, st.lists(topic, max_size=4), st.lists(message, max_size=6))


def _places(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value in a document of mappings and lists."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [at, *(place for key, each in inner for place in _places(each, (*at, key)))]


def _changed(document: Any, changes: list[tuple[tuple[Any, ...], Any, bool]]) -> Any:
    document = copy.deepcopy(document)
    for way, new, gone in changes:
        holder = document
        try:
            for key in way[:-1]:
                holder = holder[key]
            if gone:
                del holder[way[-1]]
            else:
                holder[way[-1]] = copy.deepcopy(new)  # put twice, it must not come to hold itself
        except (KeyError, IndexError, TypeError):  # an earlier change took it away
            continue
    return document


def _documents(reader: Reader, as_json: bool) -> st.SearchStrategy[bytes]:
    document = reader.document() if reader.document is not None else None
    places = [way for way in _places(document) if way]
    change = st.tuples(st.sampled_from(places), STRANGE, st.booleans())

    def written(changes: list[tuple[tuple[Any, ...], Any, bool]]) -> bytes:
        found = _changed(document, changes)
        text = json.dumps(found) if as_json else yaml.safe_dump(found, sort_keys=False, allow_unicode=False)
        return text.encode("utf-8", "surrogatepass")

    return st.builds(written, st.lists(change, max_size=4))


def _names() -> st.SearchStrategy[bytes]:
    part = st.one_of(st.binary(max_size=12), st.sampled_from([b"._", b"1", b"001", b"\xc2\xb2", b"_leftImg8bit", b" "]))
    name = st.builds(
        lambda parts, end: b"".join(parts) + end, st.lists(part, max_size=4),
        st.sampled_from([b".png", b".JPG", b".jpeg.png", b"", b".txt"]),
    )  # fmt: skip
    return st.builds(b"\n".join, st.lists(name, max_size=8))


def files_of(name: str) -> st.SearchStrategy[bytes]:
    """Files for reader `name` of `READERS`."""
    reader = READERS[name]
    forms = [edited(reader.good())]
    if name in ("pictures", "labels"):
        forms.append(PICTURES)
    elif name == "mcap":
        forms.append(_mcap_files())
    elif name == "sqlite":
        forms.append(_sqlite_files())
    elif name == "names":
        forms.append(_names())
    elif reader.document is not None:
        forms.append(_documents(reader, as_json=reader.name.endswith(".json")))
    return st.one_of(*forms)
