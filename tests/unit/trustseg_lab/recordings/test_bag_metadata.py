# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""metadata.yaml orders the files of a bag and never replaces them; what it counts and is not there is said."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import yaml
from mcap.writer import IndexType
from mcap.writer import Writer as McapWriter
from rosbags.rosbag2 import CompressionMode

from bag_factory import RAW, STORE, TOPIC, bag_file, message_of, shots, split, without_metadata, write_bag
from trustseg.errors import InputError
from trustseg_lab.recordings.bag import Bag, bag_files, choose_topics, is_bag
from trustseg_lab.recordings.bag_metadata import BagMetadata, latched_depth, read_metadata
from trustseg_lab.recordings.sources import BagSource, open_sources, recording_of

SECTION = "rosbag2_bagfile_information"


def read(path: Path) -> tuple[list[int], list[str]]:
    """(times of the images in the order in which they come, losses)."""
    source = BagSource(path, choose_topics(path, Bag(path).channels, [])[0])
    try:
        return [image.time_ns for image in source.images()], source.losses
    finally:
        source.close()


def edited(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    path = folder / "metadata.yaml"
    document = yaml.safe_load(path.read_text())
    change(document[SECTION])
    path.write_text(yaml.safe_dump(document))
    return folder


TIMES = [shot.time_ns for shot in shots(6)]


class TestFiles:
    @pytest.mark.parametrize(
        "named",
        [
            [],
            None,
            "bag.mcap",
            [7],
            {"bag.mcap": 1},
            ["../../elsewhere/bag.mcap"],
            [[]],
            ["metadata.yaml"],
            ["..", "."],
        ],
    )
    def test_names_that_make_no_sense_hide_no_file(self, named: object, tmp_path: Path) -> None:
        folder = edited(write_bag(tmp_path / "bag", shots(6)), lambda about: about.update(relative_file_paths=named))
        assert read(folder) == (TIMES, [])

    def test_metadata_that_would_never_end_are_none(self, tmp_path: Path) -> None:
        """A pipe, aliases that stand for a thousand million names, and a list that holds itself."""
        folder = write_bag(tmp_path / "bag", shots(6))
        (folder / "metadata.yaml").unlink()
        os.mkfifo(folder / "metadata.yaml")
        assert read(folder) == (TIMES, [])
        (folder / "metadata.yaml").unlink()
        names = "a0: &a0 {b: 1}\n" + "".join(
            f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}\n" for i in range(1, 10)
        )
        for text in (names, "a: &a [*a]\n", "a: !!timestamp 2024\n"):
            (folder / "metadata.yaml").write_text(f"{text}{SECTION}:\n  relative_file_paths: []\n")
            assert read(folder) == (TIMES, [])

    def test_a_renamed_file_is_read(self, tmp_path: Path) -> None:
        folder = write_bag(tmp_path / "bag", shots(6))
        bag_file(folder).rename(folder / "monday.MCAP")
        assert read(folder) == (TIMES, [])

    def test_renamed_files_of_a_split_bag_keep_their_order(self, tmp_path: Path) -> None:
        folder = split(tmp_path / "bag", shots(6))
        for number in (0, 1):
            (folder / f"part_{number}.db3").rename(folder / f"monday_{number + 9}.db3")
        assert read(folder) == (TIMES, [])

    def test_an_unpacked_file_is_read_in_the_place_of_the_packed_one(self, tmp_path: Path) -> None:
        folder = write_bag(tmp_path / "bag", shots(6), mcap=False, compression=CompressionMode.FILE)
        (packed,) = folder.glob("*.zstd")
        shutil.copy(bag_file(write_bag(tmp_path / "plain", shots(6), mcap=False)), packed.with_suffix(""))
        assert read(folder) == (TIMES, [])  # both there, as players leave them: once
        packed.unlink()
        assert read(folder) == (TIMES, [])

    def test_a_file_more_of_the_same_series_is_read_too(self, tmp_path: Path) -> None:
        folder = split(tmp_path / "bag", shots(6))
        edited(folder, lambda about: about.update(relative_file_paths=["part_0.db3"]))
        assert read(folder) == (TIMES, [])

    def test_another_recording_beside_it_is_left_out_and_named(self, tmp_path: Path) -> None:
        folder = write_bag(tmp_path / "bag", shots(6))
        shutil.copy(bag_file(folder), folder / "other.mcap")
        times, (loss,) = read(folder)
        assert times == TIMES
        assert "other.mcap" in loss

    def test_the_metadata_gives_the_order(self, tmp_path: Path) -> None:
        folder = split(tmp_path / "bag", shots(6))
        edited(folder, lambda about: about["relative_file_paths"].reverse())
        assert read(folder) == (TIMES[3:] + TIMES[:3], [])

    def test_capitals_in_a_suffix_hide_no_bag(self, tmp_path: Path) -> None:
        folder = without_metadata(write_bag(tmp_path / "bag", shots(6)))
        path = bag_file(folder).rename(folder / "DRIVE.MCAP")
        assert is_bag(folder)
        assert is_bag(path)
        assert read(folder) == read(path) == (TIMES, [])

    @pytest.mark.parametrize("name", ["drive", "drive.mcap.active", "drive.data"])
    def test_a_named_file_is_a_bag_by_its_content(self, name: str, tmp_path: Path) -> None:
        path = bag_file(write_bag(tmp_path / "bag", shots(6))).rename(tmp_path / name)
        assert is_bag(path)
        assert read(path) == (TIMES, [])

    def test_its_metadata_stands_for_a_bag(self, tmp_path: Path) -> None:
        folder = write_bag(tmp_path / "bag", shots(6))
        assert recording_of(folder / "metadata.yaml") == folder
        assert read(folder / "metadata.yaml") == (TIMES, [])

    def test_companions_of_other_systems_are_no_bag_files(self, tmp_path: Path) -> None:
        folder = without_metadata(write_bag(tmp_path / "bag", shots(6)))
        (folder / "._bag.mcap").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
        assert read(folder) == (TIMES, [])

    @pytest.mark.parametrize("text", ["camera: front\n", "- 1\n", "rosbag2: {", "\x00", ""])
    def test_metadata_of_something_else_makes_no_bag_of_pictures(self, text: str, tmp_path: Path) -> None:
        cv2.imwrite(str(tmp_path / "0.png"), np.zeros((4, 4, 3), np.uint8))
        (tmp_path / "metadata.yaml").write_text(text)
        assert not is_bag(tmp_path)
        (source,) = open_sources(tmp_path, [], every_topic=False, rate_hz=None)
        assert len(list(source.images())) == 1

    @pytest.mark.parametrize("text", ["camera: front\n", f"{SECTION}:\n  relative_file_paths:\n  - [", f"{SECTION}: 3"])
    def test_metadata_that_says_nothing_hides_no_bag(self, text: str, tmp_path: Path) -> None:
        folder = write_bag(tmp_path / "bag", shots(6))
        (folder / "metadata.yaml").write_text(text)
        assert read(folder) == (TIMES, [])

    def test_metadata_alone_names_what_is_missing(self, tmp_path: Path) -> None:
        folder = write_bag(tmp_path / "bag", shots(2))
        bag_file(folder).unlink()
        assert is_bag(folder)
        with pytest.raises(InputError, match=r"bag\.mcap is missing"):
            Bag(folder)
        assert bag_files(folder) == [folder / "bag.mcap"]


class TestCounts:
    @pytest.mark.parametrize("mcap", [True, False])
    def test_fewer_messages_than_stated_are_a_loss(self, mcap: bool, tmp_path: Path) -> None:
        def state_more(about: dict[str, Any]) -> None:
            about["topics_with_message_count"][0]["message_count"] = 24

        times, (loss,) = read(edited(write_bag(tmp_path / "bag", shots(6), mcap=mcap), state_more))
        assert times == TIMES
        assert f"24 messages of {TOPIC}, 6 are there" in loss

    def test_the_number_of_all_messages_counts_too(self, tmp_path: Path) -> None:
        folder = edited(write_bag(tmp_path / "bag", shots(6)), lambda about: about.update(message_count=7))
        assert read(folder)[1] == ["metadata.yaml states 7 messages, 6 are there"]

    @pytest.mark.parametrize("count", [0, -1, "many", None, True, 5])
    def test_counts_that_are_met_or_make_no_sense_are_none(self, count: object, tmp_path: Path) -> None:
        def change(about: dict[str, Any]) -> None:
            about["message_count"] = about["topics_with_message_count"][0]["message_count"] = count

        assert read(edited(write_bag(tmp_path / "bag", shots(6)), change)) == (TIMES, [])

    @pytest.mark.parametrize("checkpointed", [0, 4])
    def test_a_database_without_its_log_is_not_complete(self, checkpointed: int, tmp_path: Path) -> None:
        folder = write_bag(tmp_path / "bag", shots(6), mcap=False)
        path = bag_file(folder)
        alone = sqlite3.connect(path)
        alone.execute("PRAGMA journal_mode = WAL")
        alone.execute("PRAGMA wal_autocheckpoint = 0")
        rows = alone.execute("SELECT * FROM messages").fetchall()
        alone.execute("DELETE FROM messages")
        alone.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows[:checkpointed])
        alone.commit()
        alone.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        alone.executemany("INSERT INTO messages VALUES (?, ?, ?, ?)", rows[checkpointed:])
        alone.commit()
        copied = tmp_path / "copied"
        copied.mkdir()
        for name in (path.name, "metadata.yaml"):  # all but the -wal
            shutil.copy(folder / name, copied / name)
        alone.close()
        if checkpointed:
            times, (loss,) = read(copied)
            assert times == TIMES[:checkpointed]
            assert f"6 messages of {TOPIC}, 4 are there" in loss
            assert "bag.db3-wal" in loss
        else:
            with pytest.raises(InputError, match=r"no messages, expected the 6 .*bag\.db3-wal"):
                Bag(copied)

    def test_a_database_whose_tables_were_in_its_log_says_so(self, tmp_path: Path) -> None:
        database = sqlite3.connect(tmp_path / "live.db3")
        database.execute("CREATE TABLE schema (id INTEGER)")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE topics (id INTEGER)")
        database.commit()
        shutil.copy(tmp_path / "live.db3", tmp_path / "alone.db3")
        database.close()
        with pytest.raises(InputError, match=r"no table topics.*alone\.db3-wal"):
            Bag(tmp_path / "alone.db3")

    def test_an_index_that_states_more_is_a_loss(self, tmp_path: Path) -> None:
        folder = write_bag(tmp_path / "bag", shots(6))
        source = BagSource(bag_file(folder), TOPIC)
        source.count += 1
        assert len(list(source.images())) == 6
        assert source.losses == [f"7 messages of {TOPIC} are stated, 6 are there"]
        source.close()


MCAP_FORMS: dict[str, dict[str, Any]] = {
    "channels not repeated": {"repeat_channels": False},
    "schemas not repeated": {"repeat_schemas": False},
    "neither repeated": {"repeat_channels": False, "repeat_schemas": False},
    "no statistics": {"use_statistics": False},
    "no chunks": {"use_chunking": False},
    "no chunk index": {"index_types": IndexType.MESSAGE},
    "no message index": {"index_types": IndexType.CHUNK, "repeat_channels": False},
    "nothing behind the data": {
        "index_types": IndexType.NONE, "repeat_channels": False, "repeat_schemas": False, "use_statistics": False,
        "use_summary_offsets": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("form", MCAP_FORMS)
def test_a_valid_mcap_needs_nothing_repeated(form: str, tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    with path.open("wb") as stream:
        writer = McapWriter(stream, chunk_size=30_000, **MCAP_FORMS[form])
        writer.start(profile="ros2")
        schema = writer.register_schema(RAW, "ros2msg", b"")
        channel = writer.register_channel(TOPIC, "cdr", schema)
        for shot in shots(6):
            writer.add_message(channel, shot.time_ns, bytes(STORE.serialize_cdr(message_of(shot), RAW)), shot.stamp_ns)
        writer.finish()
    assert read(path) == (TIMES, [])


KEPT = {"durability": "transient_local", "depth": 1}


def test_messages_of_a_channel_that_is_nowhere_described_are_a_loss(tmp_path: Path) -> None:
    path = tmp_path / "drive.mcap"
    with path.open("wb") as stream:
        writer = McapWriter(stream, use_chunking=False)
        writer.start(profile="ros2")
        channel = writer.register_channel(TOPIC, "cdr", writer.register_schema(RAW, "ros2msg", b""))
        for shot in shots(6):
            writer.add_message(channel, shot.time_ns, bytes(STORE.serialize_cdr(message_of(shot), RAW)), shot.stamp_ns)
        writer.add_message(77, TIMES[-1], b"", TIMES[-1])
        writer.finish()
    times, (loss,) = read(path)
    assert times == TIMES
    assert "1 messages belong to channels" in loss


class TestLatched:
    @pytest.mark.parametrize(
        ("profiles", "depth"),
        [
            ([KEPT], 1),
            ([KEPT, KEPT | {"depth": 4}], 5),
            (yaml.safe_dump([KEPT]), 1),
            ([{"durability": 1, "depth": 2}], 2),
            ([{"durability": 1, "depth": 0}], 1),
            ([KEPT, {"durability": "volatile", "depth": 1}], 0),
            ([{"durability": 2, "depth": 1}], 0),
            ([], 0),
            ("", 0),
            ("- [", 0),
            (None, 0),
            ([3], 0),
        ],
    )
    def test_depth_of_all_publishers_where_all_kept(self, profiles: object, depth: int) -> None:
        assert latched_depth(profiles) == depth

    def test_it_is_read_from_the_metadata(self, tmp_path: Path) -> None:
        def latch(about: dict[str, Any]) -> None:
            about["topics_with_message_count"][0]["topic_metadata"]["offered_qos_profiles"] = [KEPT]

        assert read_metadata(edited(write_bag(tmp_path / "bag", shots(1)), latch)) == BagMetadata(
            ("bag.mcap",), {TOPIC: 1}, 1, {TOPIC: 1}
        )
