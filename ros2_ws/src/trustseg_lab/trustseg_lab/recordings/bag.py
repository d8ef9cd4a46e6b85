# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A bag as one recording, whatever it is made of: split or not, compressed or not, with its metadata or without."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import zstandard
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from trustseg.errors import InputError
from trustseg_lab.data import COMPANION, natural_order
from trustseg_lab.recordings.bag_metadata import METADATA, BagMetadata, read_metadata
from trustseg_lab.recordings.mcap_file import MAGIC as MCAP_MAGIC
from trustseg_lab.recordings.mcap_file import McapFile
from trustseg_lab.recordings.ros1_file import Ros1File
from trustseg_lab.recordings.sqlite_file import SqliteFile
from trustseg_lab.recordings.storage import (
    CDR,
    LATEST_NS,
    ROS1,
    ZSTD_MAGIC,
    BagFile,
    Channel,
    StoredMessage,
    check_file,
    one_line,
)
from trustseg_lab.recordings.unpack import TooLarge, unzstd_file
from trustseg_lab.recordings.video.video_messages import DEFINITIONS, VIDEO_KINDS

RAW, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
IMAGE_KINDS = (RAW, COMPRESSED, *VIDEO_KINDS)
SQLITE_MAGIC, ROS1_MAGIC = b"SQLite format 3\x00", b"#ROSBAG V"
BAG_SUFFIXES = (".mcap", ".db3", ".bag")
FILE_SUFFIXES = (*BAG_SUFFIXES, ".bag.active", ".mcap.zstd", ".db3.zstd", ".mcap.zst", ".db3.zst")


def is_bag(source: Path) -> bool:
    """Whether `source` is a bag: a bag file, a folder with one in it, or a folder of nothing but a bag's metadata."""
    if not source.is_dir():
        return _is_bag_file(source) or _begins_as_bag(source)
    files = [path for path in source.iterdir() if path.is_file() and not path.name.startswith(".")]
    if any(_is_bag_file(path) for path in files):
        return True
    stated = read_metadata(source)
    return stated is not None and {path.name for path in files} <= {METADATA, *stated.files}


def bag_files(source: Path) -> list[Path]:
    """The files of a bag in order of recording: what is there, in the order that the metadata gives.

    A file that the metadata names and that is not there, under that name or another, is among them.

    Raises:
        InputError: no bag file there, or several of different bags and no metadata that names them.
    """
    if not source.is_dir():
        return [source]
    stated = read_metadata(source) or BagMetadata()
    there = _bag_files_of(source, stated)
    if stated.files:
        return _ordered(source, there, stated.files)
    if len({_series(path.name) for path in there}) > 1:
        raise InputError(
            f"{source} holds several bag files and no {METADATA} that names them", got=listed([p.name for p in there]),
            fix="name one of the files",
        )  # fmt: skip
    if not there:
        raise InputError(f"{source} holds no bag file", expected=" ".join(BAG_SUFFIXES))
    return there


def _bag_files_of(source: Path, stated: BagMetadata) -> list[Path]:
    """Each file once: players leave what they unpacked beside the packed file that the recorder wrote."""
    found = [p for p in source.iterdir() if (_is_bag_file(p) and not p.name.startswith(".")) or p.name in stated.files]
    best: dict[str, Path] = {}
    for path in sorted(found, key=lambda p: (p.name in stated.files, p.name.lower() != _unpacked(p.name).lower())):
        best[_unpacked(path.name)] = path
    return sorted(best.values(), key=natural_order)


def _ordered(source: Path, there: Sequence[Path], names: Sequence[str]) -> list[Path]:
    """`there` in the order of `names`; those that were renamed take the places of the names that are gone."""
    left = list(there)
    found: dict[str, Path] = {}
    for name in names:
        same = next((p for p in left if _unpacked(p.name) == _unpacked(name)), None)
        if same is not None:
            found[name] = same
            left.remove(same)
    for name in names:
        if name not in found and left:
            found[name] = left.pop(0)
    series = {_series(name) for name in names}
    # A file more of the same series was begun after the metadata was written; one of another is another recording.
    return [*(found.get(name, source / name) for name in names), *(p for p in left if _series(p.name) in series)]


class NoRoomError(InputError):
    """A file of a bag cannot be unpacked, whatever is in it."""


class Bag:
    """All files of one bag, read one after the other.

    Attributes:
        source: as the user named it.
        files: its files.
        channels: what it holds, over all files.

    Raises:
        InputError: not a bag, no file of it can be read, or there is no room to unpack one.
    """

    def __init__(self, source: Path) -> None:
        source = source.parent if source.name == METADATA and source.is_file() else source
        self.source = source
        if not source.exists():
            raise InputError(f"there is no {source}", expected="a bag")
        self.files = bag_files(source)
        self._scratch: Path | None = None
        self._losses: list[str] = []
        self._impossible = 0  # messages of a time that cannot be
        self._open: list[BagFile] = []
        try:
            self._open_all()
        except BaseException:  # also an interruption: what was unpacked may fill the disk
            self.close()
            raise

    def _open_all(self) -> None:
        errors: list[InputError] = []
        for path in self.files:
            try:
                self._open.append(self._open_file(path))
            except NoRoomError:
                raise  # the next file may lack it too: what could be read would depend on the disk
            except InputError as error:
                errors.append(error)
        if not self._open:
            raise errors[0]
        self._losses += [str(error) for error in errors]
        stated = (read_metadata(self.source) if self.source.is_dir() else None) or BagMetadata()
        self.channels = _merged(self._open, stated.latched)
        if self.source.is_dir():
            self._compare(stated)

    def _compare(self, stated: BagMetadata) -> None:
        """Note what is stated and not there.

        Raises:
            InputError: messages are stated, and there are none.
        """
        read = {path.name for path in self.files}
        beside = [p.name for p in _bag_files_of(self.source, stated) if p.name not in read]
        if beside:
            self._losses.append(f"{listed(beside)}: not read, {METADATA} names other files; name it to read it")
        there: dict[str, int] = {}
        for channel in self.channels:
            there[channel.topic] = there.get(channel.topic, 0) + channel.count
        total, expected = sum(there.values()), max(stated.total, sum(stated.counts.values()))
        logs = [each.path.name for each in self._open if isinstance(each, SqliteFile) and each.had_log]
        why = f"; {listed(logs)} may lack what lay in the file {logs[0]}-wal beside it" if logs else ""
        if expected and not total:
            raise InputError(
                f"{self.source} holds no messages", expected=f"the {expected} that its {METADATA} states",
                got=listed([path.name for path in self.files]), fix=why.removeprefix("; "),
            )  # fmt: skip
        short = {topic: (n, there.get(topic, 0)) for topic, n in stated.counts.items() if there.get(topic, 0) < n}
        for topic, (count, found) in sorted(short.items()):
            self._losses.append(f"{METADATA} states {count} messages of {topic}, {found} are there{why}")
        if not short and total < expected:
            self._losses.append(f"{METADATA} states {expected} messages, {total} are there{why}")

    def _open_file(self, path: Path) -> BagFile:
        if not path.exists():
            raise InputError(f"{path} is missing, which the bag's {METADATA} names")
        check_file(path)
        try:
            with path.open("rb") as stream:
                head = stream.read(16)
        except OSError as error:
            raise InputError(f"{path} cannot be read", got=one_line(error)) from error
        if head.startswith(ZSTD_MAGIC):
            path = self._decompressed(path)
            with path.open("rb") as stream:
                head = stream.read(16)
        if head.startswith(MCAP_MAGIC):
            return McapFile(path)
        if head.startswith(ROS1_MAGIC):
            return Ros1File(path)
        if head.startswith(SQLITE_MAGIC):
            return SqliteFile(path)
        raise InputError(
            f"{path} is not a bag that can be read", expected="a file of ROS 2 (sqlite3, MCAP) or of ROS 1",
            got=f"{path.stat().st_size} bytes beginning with {head[:8].hex() or 'nothing'}",
        )  # fmt: skip

    def _decompressed(self, path: Path) -> Path:
        try:
            self._scratch = self._scratch or Path(tempfile.mkdtemp(prefix="trustseg-bag-"))
            target = self._scratch / _unpacked(path.name)
            unzstd_file(path, target)
        except zstandard.ZstdError as error:
            self._losses.append(f"{path.name} is cut off or damaged ({one_line(error)})")
        except TooLarge as error:
            raise InputError(f"{path} is not unpacked", got=one_line(error), fix="unpack it with zstd -d") from error
        except OSError as error:
            raise NoRoomError(f"cannot unpack {path}", got=one_line(error), fix="free some space for it") from error
        return target

    @property
    def losses(self) -> list[str]:
        """What could not be read so far, one line each."""
        lost = [*self._losses, *(line for each in self._open for line in each.losses)]
        if self._impossible:
            lost.append(f"{self._impossible} messages are left out: their time of recording is not within 1970 to 2038")
        return lost

    def messages(
        self, topics: Collection[str], start_ns: int = 0, end_ns: int | None = None
    ) -> Iterator[StoredMessage]:
        """Messages of `topics` in order of recording, file after file; damage is noted in `losses`, also a time that no
        stamp of ROS can hold."""
        self._impossible = 0
        for each in self._open:
            for stored in each.messages(topics, start_ns, end_ns):
                if 0 <= stored.time_ns <= LATEST_NS:
                    yield stored
                else:
                    self._impossible += 1

    def decode(self, stored: StoredMessage) -> Any:
        """The message with ROS's field names, its arrays as views of the bytes.

        Raises:
            InputError: the bytes are not what the type says.
        """
        store = _types(Stores.ROS1_NOETIC if stored.channel.encoding == ROS1 else Stores.ROS2_JAZZY)
        try:
            if stored.channel.encoding == ROS1:
                return store.deserialize_ros1(stored.data, stored.channel.kind)
            return store.deserialize_cdr(stored.data, stored.channel.kind)
        except Exception as error:  # whatever a damaged message makes the decoder do
            raise InputError(f"a message of {stored.channel.topic} is damaged", got=one_line(error)) from error

    def close(self) -> None:
        """Release the files and what was unpacked."""
        for each in self._open:
            each.close()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


def image_topics(channels: Sequence[Channel]) -> list[str]:
    """Topics of a type and encoding that the node takes, with at least one message, in order of their names."""
    good = {c.topic for c in channels if c.kind in IMAGE_KINDS and c.encoding in (CDR, ROS1) and c.count > 0}
    return sorted(good)


def choose_topics(
    source: Path, channels: Sequence[Channel], wanted: Sequence[str], *, every: bool = False
) -> list[str]:
    """The image topics to take.

    Args:
        source: the bag, for the texts.
        channels: what it holds.
        wanted: the user's choice; empty takes the only one with images, or with `every` all of them.

    Raises:
        InputError: none, several, or not the wanted one; the text lists what there is.
    """
    names, images = sorted({c.topic for c in channels}), image_topics(channels)
    for topic in wanted:
        if topic in images:
            continue
        kinds = sorted({c.kind for c in channels if c.topic == topic})
        if kinds:
            raise InputError(
                f"topic {topic} of {source} holds no images", expected=listed(images) or "an image topic",
                got="no messages" if kinds[0] in IMAGE_KINDS else kinds[0],
            )  # fmt: skip
        raise InputError(f"{source} has no topic {topic}", expected=f"one of {listed(images or names)}")
    if wanted:
        return list(dict.fromkeys(wanted))
    if not images:
        mute = sorted({c.topic for c in channels if c.kind in IMAGE_KINDS and not c.count})
        if mute:
            raise InputError(f"{source} holds no images", got=f"no messages of {listed(mute)}")
        told = [f"{c.topic} ({c.kind})" for c in sorted(channels, key=lambda c: c.topic)]
        raise InputError(f"{source} holds no images", got=f"topics {listed(told)}" if told else "an empty bag")
    if len(images) > 1 and not every:
        raise InputError(f"{source} holds several image topics", got=listed(images), fix="choose one with --topic")
    return images


def listed(names: Sequence[str], most: int = 8) -> str:
    """The names with commas, at most `most` of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@cache
def _types(of: Stores) -> Typestore:
    """Message types, made once: each decoder is compiled when it is first used, which takes 20 ms for an image."""
    store = get_typestore(of)
    if of is not Stores.ROS1_NOETIC:
        for kind, text in DEFINITIONS.items():
            store.register(get_types_from_msg(text, kind))
    return store


def _is_bag_file(path: Path) -> bool:
    return path.name.lower().endswith(FILE_SUFFIXES) and not path.name.startswith(COMPANION) and path.is_file()


def _begins_as_bag(path: Path) -> bool:
    """By its content, whatever its name is; False for what cannot be read."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return False
        with path.open("rb") as stream:
            return stream.read(16).startswith((MCAP_MAGIC, ROS1_MAGIC, SQLITE_MAGIC))
    except OSError:
        return False


def _unpacked(name: str) -> str:
    return re.sub(r"\.zstd?$", "", name, flags=re.IGNORECASE)


def _series(name: str) -> str:
    """What the names of one recording's files have in common."""
    return re.sub(r"_?\d+$", "", name.split(".")[0])


def _merged(files: Sequence[BagFile], latched: Mapping[str, int]) -> tuple[Channel, ...]:
    """Channels over all files; `latched` is what the metadata says beside them."""
    merged: dict[tuple[str, str, str], Channel] = {}
    for each in files:
        for c in each.channels:
            before = merged.get((c.topic, c.kind, c.encoding), replace(c, count=0))
            depth = max(before.latched, c.latched, latched.get(c.topic, 0))
            merged[c.topic, c.kind, c.encoding] = replace(before, count=before.count + c.count, latched=depth)
    return tuple(merged.values())
