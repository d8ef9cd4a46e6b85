# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The bag that a record is: what rosbags and this project's reader find in it, and definitions of types."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from rosbags.highlevel import AnyReader
from rosbags.typesys import Stores, get_typestore

from trustseg_lab.recordings.bag import Bag
from trustseg_ros.blackbox import definitions
from trustseg_ros.blackbox.bag_file import BagFile
from trustseg_ros.blackbox.definitions import NoDefinition, definition
from trustseg_ros.blackbox.message_ring import Entry

TEXTS = {
    "a/msg/Outer": "# of no use\nstd_msgs/Header header\nInner[] many\nInner[<=3] few\nstring<=7 name\nuint8 A=1\n",
    "a/msg/Inner": "float64[9] values\nb/msg/Deep deep  # Other x\n",
    "b/msg/Deep": "builtin_interfaces/Time stamp\n",
    "std_msgs/msg/Header": "builtin_interfaces/Time stamp\nstring frame_id\n",
    "std_msgs/msg/String": "string data\n",
    "builtin_interfaces/msg/Time": "int32 sec\nuint32 nanosec\n",
}


def text_of(kind: str) -> str:
    if kind not in TEXTS:
        raise NoDefinition(f"the definition of {kind} is not installed")
    return TEXTS[kind]


def string(topic: str, at_ns: int, text: str, kind: str = "std_msgs/msg/String") -> Entry:
    types = get_typestore(Stores.ROS2_JAZZY)
    data = types.serialize_cdr(types.types["std_msgs/msg/String"](data=text), "std_msgs/msg/String")
    return Entry(topic, kind, bytes(data), at_ns, at_ns)


def test_a_definition_carries_every_type_in_it_once() -> None:
    whole = definition("a/msg/Outer", text_of)
    parts = whole.split("=" * 80 + "\n")
    assert parts[0] == TEXTS["a/msg/Outer"] + "\n"
    heads = [part.partition("\n")[0] for part in parts[1:]]
    assert heads == ["MSG: std_msgs/Header", "MSG: a/Inner", "MSG: builtin_interfaces/Time", "MSG: b/Deep"]
    with pytest.raises(NoDefinition, match="a/msg/None"):
        definition("a/msg/None", text_of)


def test_what_no_package_has_is_no_definition() -> None:
    for kind in ("no_such_package/msg/A", "nonsense", ""):
        with pytest.raises(NoDefinition):
            definitions.installed_text(kind)


def test_readers_find_what_was_written(tmp_path: Path) -> None:
    bag = BagFile(tmp_path, "record_0", lambda kind: definition(kind, text_of))
    bag.write(string("/a", 2_000, "one"))
    bag.write(string("/b", 1_000, "two"))
    bag.write(string("/a", 3_000, "three"), log_ns=4_000)
    bag.write(string("/none", 5_000, "x", kind="a/msg/None"))
    digest = bag.finish()
    bag.close()
    file = tmp_path / "record_0.mcap"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == digest
    assert bag.size == file.stat().st_size
    assert dict(bag.counts) == {"/a": 2, "/b": 1}
    assert bag.left_out == {"/none": "the definition of a/msg/None is not installed"}

    with AnyReader([tmp_path]) as reader:
        found = [(c.topic, at, reader.deserialize(raw, c.msgtype).data) for c, at, raw in reader.messages()]
        assert (reader.start_time, reader.end_time) == (1_000, 4_001)
    assert found == [("/b", 1_000, "two"), ("/a", 2_000, "one"), ("/a", 4_000, "three")]
    own = Bag(tmp_path)
    assert {c.topic: (c.kind, c.count) for c in own.channels} == {
        "/a": ("std_msgs/msg/String", 2), "/b": ("std_msgs/msg/String", 1),
    }  # fmt: skip
    assert own.losses == []
    own.close()
    about = json.loads((tmp_path / "metadata.yaml").read_text())["rosbag2_bagfile_information"]
    assert (about["message_count"], about["starting_time"], about["duration"]) == (
        3, {"nanoseconds_since_epoch": 1_000}, {"nanoseconds": 3_000},
    )  # fmt: skip


def test_a_file_that_is_there_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "x.mcap").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        BagFile(tmp_path, "x")
    assert (tmp_path / "x.mcap").read_bytes() == b"mine"
