# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Small recordings that stand for a lot of memory: nothing is unpacked beyond what the largest image needs."""

from __future__ import annotations

import bz2
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path

import lz4.frame
import pytest
import zstandard
from mcap.writer import CompressionType, Writer

from bag_factory import COMPRESSED, STORE1, TOPIC, Ros1Writer, bag_file, shots, write_bag, write_ros1
from memory_peak import MOST_MB, outcome
from trustseg.errors import InputError
from trustseg_lab.recordings import unpack
from trustseg_lab.recordings.bag import Bag
from trustseg_lab.recordings.mcap_chunk import merged, plain_chunk
from trustseg_lab.recordings.mcap_file import McapFile
from trustseg_lab.recordings.ros1_file import Ros1File
from trustseg_lab.recordings.sqlite_file import SqliteFile
from trustseg_lab.recordings.unpack import MOST_BYTES, TooLarge

BOMB_BYTES = 4 * MOST_BYTES
READ_BAG = """
import sys
from pathlib import Path
from trustseg_lab.recordings.bag import Bag
try:
    bag = Bag(Path(sys.argv[1]))
    sizes = [len(each.data) for each in bag.messages([channel.topic for channel in bag.channels])]
    print(len(sizes), "; ".join(bag.losses))
except Exception as error:
    print(type(error).__name__, error)
"""


def mcap_bomb(path: Path, compression: CompressionType) -> Path:
    with path.open("wb") as stream:
        writer = Writer(stream, compression=compression)
        writer.start()
        schema = writer.register_schema(COMPRESSED, "ros2msg", b"")
        channel = writer.register_channel(TOPIC, "cdr", schema)
        writer.add_message(channel, 1, bytes(BOMB_BYTES), 1)
        writer.finish()
    return path


def zstd_mcap(folder: Path) -> Path:
    return mcap_bomb(folder / "a.mcap", CompressionType.ZSTD)


def lz4_mcap(folder: Path) -> Path:
    return mcap_bomb(folder / "a.mcap", CompressionType.LZ4)


def unindexed_mcap(folder: Path) -> Path:
    path = zstd_mcap(folder)
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    return path


def mcap_message(folder: Path) -> Path:
    packed = zstandard.ZstdCompressor().compress(bytes(BOMB_BYTES))
    path = folder / "a.mcap"
    with path.open("wb") as stream:
        writer = Writer(stream, compression=CompressionType.NONE)
        writer.start()
        schema = writer.register_schema(COMPRESSED, "ros2msg", b"")
        writer.add_message(writer.register_channel(TOPIC, "cdr", schema), 1, packed, 1)
        writer.finish()
    return path


def database(folder: Path, create: str, *more: tuple[str, tuple[object, ...]]) -> Path:
    path = folder / "a.db3"
    with sqlite3.connect(path) as opened:
        opened.execute("CREATE TABLE topics(id INTEGER PRIMARY KEY, name, type, serialization_format)")
        opened.execute("INSERT INTO topics VALUES(1, '/image', 'sensor_msgs/msg/Image', 'cdr')")
        opened.execute(create)
        for statement, values in more:
            opened.execute(statement, values)
    opened.close()
    return path


ORDINARY = "CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data BLOB)"


def sqlite_message(folder: Path) -> Path:
    packed = zstandard.ZstdCompressor().compress(bytes(BOMB_BYTES))
    return database(folder, ORDINARY, ("INSERT INTO messages VALUES(1, 1, 5, ?)", (packed,)))


def sqlite_view(folder: Path) -> Path:
    return database(
        folder, f"CREATE VIEW messages AS SELECT 1 AS id, 1 AS topic_id, 5 AS timestamp, zeroblob({BOMB_BYTES}) AS data"
    )


def sqlite_computed(folder: Path) -> Path:
    return database(
        folder,
        f"CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id, timestamp, data BLOB AS (zeroblob({BOMB_BYTES})))",
        ("INSERT INTO messages(id, topic_id, timestamp) VALUES(1, 1, 5)", ()),
    )


def ros1_bag(folder: Path) -> Path:
    """An LZ4 chunk in the place of the writer's own, as long as it is: index and offsets stay true."""
    path = write_ros1(folder / "a.bag", shots(3), "lz4")
    data = path.read_bytes()
    at = data.index(b"\x04\x22\x4d\x18")  # LZ4's magic number
    (length,) = struct.unpack_from("<I", data, at - 4)
    bomb = lz4.frame.compress(bytes(BOMB_BYTES))
    altered = data[: at - 4] + struct.pack("<I", len(bomb)) + bomb + data[at + length :]
    path.write_bytes(with_number(altered, b"index_pos=", "<Q", index_pos(data) + len(bomb) - length))
    return path


def index_pos(data: bytes) -> int:
    """Where the summary of a ROS 1 bag begins."""
    (found,) = struct.unpack_from("<Q", data, data.index(b"index_pos=") + len(b"index_pos="))
    return int(found)


def with_number(data: bytes, name: bytes, letters: str, value: int) -> bytes:
    at = data.index(name) + len(name)
    return data[:at] + struct.pack(letters, value) + data[at + struct.calcsize(letters) :]


@pytest.mark.parametrize(
    "make",
    [zstd_mcap, lz4_mcap, unindexed_mcap, mcap_message, sqlite_message, sqlite_view, sqlite_computed, ros1_bag],
)
@pytest.mark.slow
def test_a_bag_is_read_in_bounded_memory(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    assert path.stat().st_size < BOMB_BYTES / 100
    said, peak_mb = outcome(READ_BAG, path)
    assert peak_mb < MOST_MB, said
    assert said.startswith(("0 ", "InputError")), said
    assert any(word in said for word in ("unpacks to", "a chunk of", "an ordinary table", "cut off")), said


@pytest.mark.parametrize(
    ("pack", "unpack_one"),
    [(zstandard.ZstdCompressor().compress, unpack.unzstd),
     (zstandard.ZstdCompressor(write_content_size=False).compress, unpack.unzstd),
     (lz4.frame.compress, unpack.unlz4), (bz2.compress, unpack.unbz2)],
)  # fmt: skip
def test_every_decompressor_stops_at_its_bound(
    pack: Callable[[bytes], bytes], unpack_one: Callable[[bytes, int], bytes]
) -> None:
    data = bytes(range(256)) * 8
    packed = pack(data)
    assert unpack_one(packed, len(data)) == data
    with pytest.raises(TooLarge, match=f"at most {len(data) - 1} bytes are read"):
        unpack_one(packed, len(data) - 1)
    for cut in (packed[:-1], packed[: len(packed) // 2], packed[:3]):
        with pytest.raises((zstandard.ZstdError, EOFError)):
            unpack_one(cut, 10_000)


def test_a_whole_file_may_grow_a_thousandfold_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "FILE_SLACK_BYTES", 0)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    packed = tmp_path / "a.mcap.zstd"
    packed.write_bytes(zstandard.ZstdCompressor().compress(bytes(50 << 20)))
    with pytest.raises(InputError, match=r"is not unpacked, got it unpacks to more than 1000 times its size"):
        Bag(packed)


def test_chunks_that_overlap_are_merged_in_order_and_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mcap"
    times = [5, 1, 9, 2, 8, 3, 3, 7, 4, 6]
    with path.open("wb") as stream:
        writer = Writer(stream, chunk_size=1, compression=CompressionType.ZSTD)
        writer.start()
        schema = writer.register_schema(COMPRESSED, "ros2msg", b"")
        channels = [writer.register_channel(topic, "cdr", schema) for topic in ("/a", "/b")]
        for number, time_ns in enumerate(times):
            for channel in channels:
                writer.add_message(channel, time_ns, bytes([number]), time_ns)
        writer.finish()
    found = [(each.time_ns, each.data[0]) for each in McapFile(path).messages(["/a"])]
    assert found == sorted((t, n) for n, t in enumerate(times))
    assert [each.time_ns for each in McapFile(path).messages(["/b"], 3, 7)] == [3, 3, 4, 5, 6]
    monkeypatch.setattr("trustseg_lab.recordings.mcap_chunk.MOST_OPEN_BYTES", 60)
    bag = McapFile(path)
    assert list(bag.messages(["/a"])) == []
    assert "chunks that overlap hold more" in bag.losses[0]


@pytest.mark.parametrize("compression", ["zstd", "lz4"])
@pytest.mark.parametrize("content_size", [True, False])
@pytest.mark.slow
def test_a_chunk_that_lies_about_its_size_is_unpacked_no_further(compression: str, content_size: bool) -> None:
    from mcap.records import Chunk

    data = bytes(MOST_BYTES + 1)
    packed = (
        zstandard.ZstdCompressor(write_content_size=content_size).compress(data)
        if compression == "zstd"
        else lz4.frame.compress(data, store_size=content_size)
    )
    with pytest.raises(TooLarge, match="it unpacks to"):
        plain_chunk(Chunk(compression, packed, 0, 0, 0, uncompressed_size=1000))
    with pytest.raises(ValueError, match="unknown compression 'xz'"):
        plain_chunk(Chunk("xz", packed, 0, 0, 0, uncompressed_size=1000))


def test_a_record_that_is_longer_than_its_chunk_is_damage() -> None:
    from mcap.records import ChunkIndex

    index = ChunkIndex(0, 0, "", 0, 0, 0, {}, 0, 0)
    for data in (
        b"\x05" + (30).to_bytes(8, "little") + bytes(29),
        b"\x05\0",
        b"\x05" + (3).to_bytes(8, "little") + b"abc",
    ):
        with pytest.raises(ValueError, match=r"record|message"):
            list(merged([index], {0}, lambda _, data=data: data))


def test_an_index_that_is_read_again_and_again_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bag"
    with Ros1Writer(path) as writer:
        connection = writer.add_connection("/text", "std_msgs/msg/String", typestore=STORE1)
        for time_ns in range(500):
            writer.write(connection, time_ns, bytes(4))
    whole = path.read_bytes()
    at = index_pos(whole)
    for _ in range(2):  # over the connection's record; header and data have their length before them
        (length,) = struct.unpack_from("<I", whole, at)
        at += 4 + length
    # The same chunk's summary many times over: each lists the same messages again.
    count = 100
    path.write_bytes(with_number(whole[:at], b"chunk_count=", "<I", count) + whole[at:] * count)
    bag = Ros1File(path)
    assert sum(channel.count for channel in bag.channels) == 500
    assert len(list(bag.messages(["/text"]))) == 500


def test_a_database_of_ordinary_tables_is_read(tmp_path: Path) -> None:
    path = database(tmp_path, ORDINARY, ("INSERT INTO messages VALUES(1, 1, 5, ?)", (b"\0\1\0\0abc",)))
    assert [each.data for each in SqliteFile(path).messages(["/image"])] == [b"\0\1\0\0abc"]


def test_bags_as_they_are_recorded_read_the_same(tmp_path: Path) -> None:
    for number, options in enumerate(({}, {"mcap": False})):
        folder = write_bag(tmp_path / str(number), shots(5), **options)  # type: ignore[arg-type]
        assert bag_file(folder).is_file()
        bag = Bag(folder)
        assert len(list(bag.messages([TOPIC]))) == 5
        assert bag.losses == []
