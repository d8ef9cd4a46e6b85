# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A flipped byte of an MCAP file that states checksums is told, or changes nothing: it is never read in silence."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from mcap.writer import CompressionType, Writer

from bag_factory import RAW, STORE, TOPIC, message_of, shots
from trustseg.errors import InputError
from trustseg_lab.recordings.bag import Bag

FORMS = {
    "chunks": (True, CompressionType.NONE),
    "chunks, zstd": (True, CompressionType.ZSTD),
    "chunks, lz4": (True, CompressionType.LZ4),
    "no chunks": (False, CompressionType.NONE),
}
STEP = 61  # bytes from one flip to the next


def mcap(form: str, images: int = 4) -> bytes:
    """A file with an image a chunk, with every checksum that the format has."""
    chunked, compression = FORMS[form]
    out = io.BytesIO()
    writer = Writer(
        out, chunk_size=200, compression=compression, use_chunking=chunked, enable_crcs=True, enable_data_crcs=True
    )
    writer.start("ros2", "test")
    channel = writer.register_channel(TOPIC, "cdr", writer.register_schema(RAW, "ros2msg", b""))
    for shot in shots(images):
        small = {"height": 8, "width": 12, "step": 36, "data": shot.image[:8, :12].ravel()}
        shot.changes.update(small)
        writer.add_message(channel, shot.time_ns, bytes(STORE.serialize_cdr(message_of(shot), RAW)), shot.stamp_ns)
    writer.finish()
    return out.getvalue()


def read(path: Path) -> tuple[list[tuple[str, str, int, bytes]], list[str]]:
    """(topic, type, time, bytes) of every message, and what is told."""
    try:
        bag = Bag(path)
    except InputError as error:
        return [], [str(error)]
    topics = {channel.topic for channel in bag.channels if channel.count}
    found = [(each.channel.topic, each.channel.kind, each.time_ns, each.data) for each in bag.messages(topics)]
    bag.close()
    return found, bag.losses


@pytest.mark.parametrize("form", FORMS)
def test_a_flipped_byte_is_told_or_changes_nothing(form: str, tmp_path: Path) -> None:
    path, whole = tmp_path / "a.mcap", mcap(form)
    path.write_bytes(whole)
    good, losses = read(path)
    assert len(good) == 4
    assert losses == []
    told = 0
    for at in range(0, len(whole), STEP):
        damaged = bytearray(whole)
        damaged[at] ^= 1
        path.write_bytes(damaged)
        found, losses = read(path)
        assert losses or found == good, at
        told += bool(losses)
    assert told


@pytest.mark.parametrize(("form", "first", "words"), [("chunks", 2, "checksum"), ("no chunks", 4, "crc")])
def test_where_it_is_told(form: str, first: int, words: str, tmp_path: Path) -> None:
    """One pixel of the third image: chunks before it are whole; a file without chunks has one checksum for all."""
    path, data = tmp_path / "a.mcap", bytearray(mcap(form))
    path.write_bytes(data)
    third = read(path)[0][2][3]
    data[data.index(third) + len(third) - 1] ^= 1
    path.write_bytes(data)
    found, losses = read(path)
    assert len(found) == first
    assert len(losses) == 1
    assert "a.mcap is" in losses[0]
    assert words in losses[0]


def test_a_damaged_index_is_not_used(tmp_path: Path) -> None:
    """The time of the first chunk in its index: without its checksum the images would come in another order."""
    path, data = tmp_path / "a.mcap", bytearray(mcap("chunks"))
    path.write_bytes(data)
    good, _ = read(path)
    index = data.index(good[0][2].to_bytes(8, "little"), data.rindex(b"\x0f\x04\0\0\0\0\0\0\0"))
    data[index + 6] ^= 0x40
    path.write_bytes(data)
    assert read(path) == (good, [])


def test_a_definition_behind_the_data_is_no_message(tmp_path: Path) -> None:
    """The channel that is repeated behind the data, with the opcode of a message: it was read as a fifth image."""
    path, data = tmp_path / "a.mcap", bytearray(mcap("chunks"))
    path.write_bytes(data)
    good, _ = read(path)
    at = data.index(b"\x04", data.rindex(b"\x0f\x04\0\0\0\0\0\0\0") + 13)
    while data[at + 1 : at + 9] != (len(TOPIC) + 19).to_bytes(8, "little"):
        at = data.index(b"\x04", at + 1)
    data[at] = 5
    path.write_bytes(data)
    assert read(path) == (good, [])
