# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Bags in every form give the same images; what is damaged is read as far as it is whole, and said."""

from __future__ import annotations

import os
import re
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import CompressionMode, Writer
from zstandard import ZstdCompressor

from bag_factory import (
    COMPRESSED,
    HEIGHT,
    RAW,
    STORE,
    TOPIC,
    WIDTH,
    Shot,
    bag_file,
    message_of,
    shots,
    split,
    without_metadata,
    write_bag,
    write_ros1,
    zstd_file,
)
from trustseg.errors import InputError
from trustseg_lab.recordings import bag as bag_module
from trustseg_lab.recordings.bag import Bag, choose_topics, is_bag
from trustseg_lab.recordings.recorded_image import stamp_ns_of
from trustseg_lab.recordings.sources import BagSource, open_sources
from trustseg_lab.recordings.sqlite_file import SqliteFile
from trustseg_lab.recordings.storage import CDR, Channel

FORMS: dict[str, Callable[[Path, Sequence[Shot]], Path]] = {
    "mcap": lambda f, s: write_bag(f, s),
    "sqlite3": lambda f, s: write_bag(f, s, mcap=False),
    "CompressedImage": lambda f, s: write_bag(f, s, compressed=True),
    "mcap, zstd chunks": lambda f, s: write_bag(f, s, compression=CompressionMode.STORAGE),
    "sqlite3, file compressed": lambda f, s: write_bag(f, s, mcap=False, compression=CompressionMode.FILE),
    "sqlite3, messages compressed": lambda f, s: write_bag(f, s, mcap=False, compression=CompressionMode.MESSAGE),
    "mcap, messages compressed": lambda f, s: write_bag(f, s, compression=CompressionMode.MESSAGE),
    "messages compressed, undeclared": lambda f, s: without_metadata(
        write_bag(f, s, mcap=False, compression=CompressionMode.MESSAGE)
    ),
    "file compressed, undeclared": lambda f, s: zstd_file(write_bag(f, s, mcap=False)),
    "mcap file compressed, undeclared": lambda f, s: zstd_file(write_bag(f, s)),
    "folder without metadata": lambda f, s: without_metadata(write_bag(f, s)),
    "bare mcap file": lambda f, s: bag_file(write_bag(f, s)),
    "bare db3 file": lambda f, s: bag_file(write_bag(f, s, mcap=False)),
    "split": split,
    "ROS 1": lambda f, s: write_ros1(f.with_suffix(".bag"), s),
}


def read(path: Path) -> tuple[list[tuple[int, int, np.ndarray]], list[str]]:
    """(stamp, time, pixels) of every image, and the losses."""
    source = BagSource(path, choose_topics(path, Bag(path).channels, [])[0])
    try:
        found = []
        for image in source.images():
            data = np.frombuffer(bytes(image.message.data), np.uint8)
            found.append((stamp_ns_of(image.message), image.time_ns, data))
        return found, source.losses
    finally:
        source.close()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_images(form: str, tmp_path: Path) -> None:
    images = shots(7)
    path = FORMS[form](tmp_path / "bag", images)
    assert is_bag(path)
    found, losses = read(path)
    assert losses == []
    assert [(stamp, time) for stamp, time, _ in found] == [(s.stamp_ns, s.time_ns) for s in images]
    if form != "CompressedImage":
        assert all(np.array_equal(data, shot.image.ravel()) for (_, _, data), shot in zip(found, images, strict=True))


def test_one_image_is_a_bag_too(tmp_path: Path) -> None:
    assert len(read(write_bag(tmp_path / "bag", shots(1)))[0]) == 1


def test_a_schema_name_without_msg_is_the_same_type(tmp_path: Path) -> None:
    path = bag_file(write_bag(tmp_path / "bag", shots(2), mcap=False))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE topics SET type = 'sensor_msgs/Image'")
    database.close()
    assert len(read(path)[0]) == 2


@pytest.mark.parametrize("mcap", [True, False])
@pytest.mark.parametrize("share", [0.5, 0.7, 0.9])
def test_a_cut_off_bag_is_read_while_it_is_whole(mcap: bool, share: float, tmp_path: Path) -> None:
    images = shots(120)
    path = bag_file(write_bag(tmp_path / "bag", images, mcap=mcap))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    found, losses = read(path)
    assert 0.5 * share * len(images) < len(found) < len(images)
    assert [stamp for stamp, _, _ in found] == [s.stamp_ns for s in images[: len(found)]]
    assert all(np.array_equal(data, images[i].image.ravel()) for i, (_, _, data) in enumerate(found))
    assert len(losses) == 1
    assert "cut off" in losses[0]


@pytest.mark.parametrize("share", [0.5, 0.9])
@pytest.mark.parametrize("compression", [None, "bz2", "lz4"])
def test_a_cut_off_ros_1_bag_is_read_while_it_is_whole(compression: str | None, share: float, tmp_path: Path) -> None:
    images = shots(120)
    path = write_ros1(tmp_path / "a.bag", images, compression)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    found, losses = read(path)
    assert 0.2 * len(images) < len(found) < len(images)
    assert all(np.array_equal(data, images[i].image.ravel()) for i, (_, _, data) in enumerate(found))
    assert [time for _, time, _ in found] == [s.time_ns for s in images[: len(found)]]
    assert len(losses) == 1
    assert "cut off" in losses[0]


def test_an_mcap_without_its_index_loses_nothing_and_says_so(tmp_path: Path) -> None:
    path = bag_file(write_bag(tmp_path / "bag", shots(5)))
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"\x0f\x04\x00\x00\x00\x00\x00\x00\x00")])  # before the record "data end"
    found, losses = read(path)
    assert len(found) == 5
    assert losses


@given(
    cut=st.integers(0, 200_000),
    form=st.sampled_from(["mcap", "sqlite3", "ROS 1"]),
    flips=st.lists(st.integers(0, 10**9), max_size=4),
)
@example(cut=12293, form="sqlite3", flips=[])  # a topic without a type
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_never_gives_more_than_an_input_error(
    cut: int, form: str, flips: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    made = FORMS[form](folder / "bag", shots(6))
    path = made if made.is_file() else bag_file(made)
    data = bytearray(path.read_bytes()[: cut or None])
    for flip in flips:
        if data:
            data[flip % len(data)] ^= 0x5A
    path.write_bytes(bytes(data))
    try:
        found, _ = read(path)
    except InputError:
        return
    assert len(found) <= 6


def test_a_missing_part_of_a_split_bag_is_said(tmp_path: Path) -> None:
    folder = split(tmp_path / "bag", shots(6))
    (folder / "part_1.db3").unlink()
    found, losses = read(folder)
    assert len(found) == 3
    assert "part_1.db3" in losses[0]


def test_a_damaged_message_is_left_out_and_said(tmp_path: Path) -> None:
    path = bag_file(write_bag(tmp_path / "bag", shots(4), mcap=False))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE messages SET data = x'0001000000' WHERE id = 2")
    database.close()
    found, losses = read(path)
    assert len(found) == 3
    assert re.search("message 1.*damaged", losses[0])


@pytest.mark.parametrize("content", [b"", b"no bag at all", b"SQLite format 3\x00" + bytes(200), b"\x89MCAP0\r\n"])
def test_what_is_no_bag_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.db3"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.db3|no images"):
        choose_topics(path, Bag(path).channels, [])


def test_a_row_without_a_number_is_left_out_and_said(tmp_path: Path) -> None:
    """Found by the fuzz of topics of labels: a TypeError."""
    path = bag_file(write_bag(tmp_path / "bag", shots(4), mcap=False))
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE plain (id, topic_id, timestamp, data)")
        database.execute("INSERT INTO plain SELECT id, topic_id, timestamp, data FROM messages")
        database.execute("UPDATE plain SET id = NULL WHERE id = 2")
        database.execute("DROP TABLE messages")
        database.execute("ALTER TABLE plain RENAME TO messages")
    database.close()
    found, losses = read(path)
    assert len(found) == 3
    assert losses == [f"4 messages of {TOPIC} are stated, 3 are there"]


class Torn:
    """A database of which a page is damaged that the order of time needs."""

    def __init__(self, path: Path) -> None:
        self.real = sqlite3.connect(path)

    def execute(self, query: str, *values: Any) -> Any:
        if "ORDER BY timestamp" in query:
            raise sqlite3.DatabaseError("database disk image is malformed")
        return self.real.execute(query, *values)

    def close(self) -> None:
        self.real.close()


def test_a_row_without_a_number_in_a_damaged_file_is_left_out(tmp_path: Path) -> None:
    """A TypeError, of the way for files that are cut off alone."""
    path = bag_file(write_bag(tmp_path / "bag", shots(3), mcap=False))
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE plain AS SELECT * FROM messages")
        database.execute("DROP TABLE messages")
        database.execute("ALTER TABLE plain RENAME TO messages")
        database.execute("UPDATE messages SET id = 'x' WHERE id = 2")
    file = SqliteFile(path)
    file.close()
    file._database = Torn(path)  # type: ignore[assignment]
    assert len(list(file.messages([TOPIC]))) == 2
    assert file.losses == [
        f"{path.name} is cut off or damaged (database disk image is malformed): read while it is whole"
    ]
    file.close()


def test_a_bag_of_which_nothing_is_left_is_damaged_and_not_empty(tmp_path: Path) -> None:
    path = bag_file(write_bag(tmp_path / "bag", shots(4)))
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match=rf"{path.name} holds no images that can be read, got {path.name} is cut off"):
        open_sources(path, [], every_topic=True, rate_hz=None)


@pytest.mark.parametrize("name", ["a.mcap", "film.mp4", "a_device"])
def test_a_pipe_or_a_device_is_refused_and_not_waited_for(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a_device":
        path.symlink_to("/dev/zero")
    else:
        os.mkfifo(path)
    with pytest.raises(InputError, match=rf"{name} is no file, expected a recording on a disk"):
        open_sources(path, [], every_topic=True, rate_hz=None)
    with pytest.raises(InputError, match=rf"{name} is no file"):  # of `trustseg play`
        Bag(path)


def test_other_bags_in_a_folder_without_metadata_must_be_named(tmp_path: Path) -> None:
    for name in ("city.db3", "road.db3"):
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(InputError, match=r"city\.db3, road\.db3.*name one"):
        Bag(tmp_path)


class TestTopics:
    CHANNELS = (
        Channel("/imu", "sensor_msgs/msg/Imu", CDR, 9),
        Channel("/left", RAW, CDR, 5),
        Channel("/right", "sensor_msgs/msg/CompressedImage", CDR, 5),
        Channel("/mute", RAW, CDR, 0),
        Channel("/strange", RAW, "protobuf", 5),
    )

    def test_the_only_image_topic_is_found(self) -> None:
        assert choose_topics(Path("b"), self.CHANNELS[:2], []) == ["/left"]

    def test_all_image_topics_are_taken_where_asked(self) -> None:
        assert choose_topics(Path("b"), self.CHANNELS, [], every=True) == ["/left", "/right"]

    @pytest.mark.parametrize(
        ("wanted", "words"),
        [
            ([], "several.*/left, /right.*--topic"),
            (["/nowhere"], "no topic /nowhere.*/left, /right"),
            (["/imu"], r"holds no images.*/left.*sensor_msgs/msg/Imu"),
            (["/mute"], "no messages"),
        ],
    )
    def test_otherwise_the_choice_is_listed(self, wanted: list[str], words: str) -> None:
        with pytest.raises(InputError, match=words):
            choose_topics(Path("b"), self.CHANNELS, wanted)

    def test_a_bag_without_images_lists_topics_and_types(self) -> None:
        with pytest.raises(InputError, match=r"no images.*/imu \(sensor_msgs/msg/Imu\)"):
            choose_topics(Path("b"), self.CHANNELS[:1], [])


def test_messages_of_other_topics_do_not_disturb(tmp_path: Path) -> None:
    def more(writer: Writer) -> None:
        header = message_of(shots(1)[0]).header
        connection = writer.add_connection("/header", header.__msgtype__, typestore=STORE)
        writer.write(connection, 1, STORE.serialize_cdr(header, header.__msgtype__))

    found, losses = read(write_bag(tmp_path / "bag", shots(3), extra=more))
    assert (len(found), losses) == (3, [])
    assert found[0][2].size == HEIGHT * WIDTH * 3
    assert choose_topics(tmp_path, Bag(tmp_path / "bag").channels, []) == [TOPIC]


def with_depth(folder: Path, *, camera: bool = True) -> Path:
    """A bag of one camera and of its depth, raw and as image_transport compresses it."""

    def depth(writer: Any) -> None:
        shot = shots(1)[0]
        samples = np.full(HEIGHT * WIDTH, 1500, np.uint16)
        raw = {"encoding": "16UC1", "step": 2 * WIDTH, "data": samples.view(np.uint8)}
        png = np.frombuffer(cv2.imencode(".png", samples.reshape(HEIGHT, WIDTH))[1].tobytes(), np.uint8)
        for topic, kind, changes in (
            ("/depth/raw", RAW, raw),
            ("/depth/raw/compressed", COMPRESSED, {"format": "16UC1; png compressed", "data": png}),
            ("/depth/raw/compressedDepth", COMPRESSED, {"format": "16UC1; compressedDepth png", "data": png}),
        ):
            message = message_of(replace(shot, changes=changes), compressed=kind == COMPRESSED)
            connection = writer.add_connection(topic, kind, typestore=STORE)
            writer.write(connection, shot.time_ns, STORE.serialize_cdr(message, kind))

    return write_bag(folder, shots(2), topics=(TOPIC,) if camera else (), extra=depth)


def test_topics_of_depth_are_no_cameras(tmp_path: Path) -> None:
    bag = with_depth(tmp_path / "bag")
    for every in (False, True):
        assert [each.topic for each in open_sources(bag, [], every_topic=every, rate_hz=None)] == [TOPIC]
    assert [each.topic for each in open_sources(bag, ["/depth/raw"], every_topic=False, rate_hz=None)] == ["/depth/raw"]
    with pytest.raises(InputError, match="several image topics, got /depth/raw, /depth/raw/compressed"):
        open_sources(with_depth(tmp_path / "only", camera=False), [], every_topic=False, rate_hz=None)


@pytest.mark.parametrize("mcap", [True, False])
def test_a_topic_whose_name_has_line_ends_is_named_on_one_line(tmp_path: Path, mcap: bool) -> None:
    """A damaged file made a refusal of four lines."""
    folder = write_bag(tmp_path / "bag", shots(2), mcap=mcap, topics=["/two\nlines", "/other\x1b[31m"])
    with pytest.raises(InputError, match=r"got /other\\x1b\[31m, /two\\nlines; choose one with --topic$"):
        open_sources(folder, [], every_topic=False, rate_hz=None)
    (source,) = open_sources(folder, ["/two\\nlines"], every_topic=False, rate_hz=None)
    assert len(list(source.images())) == 2
    source.close()


def test_the_folder_above_a_bag_names_the_bag(tmp_path: Path) -> None:
    """What an unpacked archive looks like."""
    write_bag(tmp_path / "drive", shots(2))
    (tmp_path / "notes").mkdir()
    with pytest.raises(InputError, match=r"is no bag itself, got a folder of drive; name one, as .*/drive$"):
        open_sources(tmp_path, [], every_topic=False, rate_hz=None)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_bag_that_cannot_be_unpacked_whole_is_no_bag_and_leaves_nothing(
    error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second file met a full disk: the first was closed, and of its three messages none was read."""
    folder = split(tmp_path / "bag", shots(6))
    for part in ("part_0.db3", "part_1.db3"):
        (folder / part).write_bytes(ZstdCompressor().compress((folder / part).read_bytes()))
    unpack, scratch = bag_module.unzstd_file, tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    def unpack_first(source: Path, target: Path) -> None:
        unpack(source, target)
        if source.name == "part_1.db3":
            raise error

    monkeypatch.setattr(bag_module, "unzstd_file", unpack_first)
    expected = InputError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected) as raised:
        Bag(folder)
    if isinstance(error, OSError):
        assert re.search(r"cannot unpack .*part_1.db3.*No space left.*free some space", str(raised.value))
    assert list(scratch.iterdir()) == []
    monkeypatch.setattr(bag_module, "unzstd_file", unpack)
    bag = Bag(folder)
    assert len(list(bag.messages([TOPIC]))) == 6
    bag.close()
