# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bag that is written: whole or not at all, and its file and all metadata name the finished bag."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from mcap.reader import NonSeekingReader

from bag_factory import COMPRESSED, STORE, TOPIC, message_of, shots
from trustseg.errors import InputError
from trustseg_lab.recordings.bag import Bag
from trustseg_lab.recordings.bag_writer import BagWriter


def written(folder: Path) -> BagWriter:
    writer = BagWriter(folder, 9)
    for shot in shots(3):
        writer.write(
            TOPIC, COMPRESSED, shot.time_ns, bytes(STORE.serialize_cdr(message_of(shot, compressed=True), COMPRESSED))
        )
    return writer


def test_everything_names_the_finished_bag(tmp_path: Path) -> None:
    folder = tmp_path / "outputs"
    writer = written(folder)
    assert not folder.exists()
    writer.close()
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]
    assert sorted(path.name for path in folder.iterdir()) == ["metadata.yaml", "outputs.mcap"]
    assert b"partial" not in (folder / "outputs.mcap").read_bytes()
    assert "partial" not in (folder / "metadata.yaml").read_text()
    with (folder / "outputs.mcap").open("rb") as stream:
        records = list(NonSeekingReader(stream).iter_metadata())
    inside = [yaml.safe_load(record.metadata["serialized_metadata"]) for record in records]
    assert inside
    beside = yaml.safe_load((folder / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    for information in (*inside, beside):
        assert information["relative_file_paths"] == ["outputs.mcap"]
        assert [each["path"] for each in information["files"]] == ["outputs.mcap"]
    assert len(list(Bag(folder).messages([TOPIC]))) == 3


def test_what_is_abandoned_or_was_killed_leaves_nothing(tmp_path: Path) -> None:
    written(tmp_path / "outputs").abandon()
    assert list(tmp_path.iterdir()) == []
    killed = written(tmp_path / "outputs")
    assert [path.name for path in tmp_path.iterdir()] == [".outputs.partial"]
    again = written(tmp_path / "outputs")
    again.close()
    assert [path.name for path in tmp_path.iterdir()] == ["outputs"]
    assert not killed.closed
    with pytest.raises(InputError, match="exists already"):
        BagWriter(tmp_path / "outputs", 9)
