# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a bag's metadata.yaml states. It orders what is there and never replaces it: any name and count may be wrong.

Format: github.com/ros2/rosbag2, rosbag2_storage, metadata versions 1 to 9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trustseg_lab.data import on_one_line
from trustseg_lab.data.documents import parse_yaml

METADATA = "metadata.yaml"
SECTION = "rosbag2_bagfile_information"
MOST_BYTES = 16 << 20  # of the file; that of a bag of a thousand topics has 2 MB


@dataclass(frozen=True)
class BagMetadata:
    """What is stated; empty where nothing is, or nothing that makes sense.

    Attributes:
        files: names of the bag's files in order of recording, without folders.
        counts: topic -> number of messages.
        total: number of all messages.
        latched: topic -> how many of its newest messages a reader that comes late is to get.
    """

    files: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    total: int = 0
    latched: Mapping[str, int] = field(default_factory=dict)


def read_metadata(folder: Path) -> BagMetadata | None:
    """The metadata of the bag in `folder`; None where there is none of a bag, whatever else has that name."""
    path = folder / METADATA
    try:
        if not path.is_file():  # a pipe of that name would be waited for
            return None
        with path.open("rb") as stream:
            text = stream.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    try:
        document = parse_yaml(text)
    except ValueError:
        # Cut off in the middle by a recorder that died: it is still a bag's.
        return BagMetadata() if re.search(rf"^{SECTION}\s*:", text, re.MULTILINE) else None
    if not isinstance(document, dict) or SECTION not in document:
        return None
    about = document[SECTION]
    if not isinstance(about, dict):
        return BagMetadata()
    named = about.get("relative_file_paths")
    # Some recorders wrote the bag's own folder in front of the names; no name leads out of the folder, or is this file.
    names = [Path(each).name for each in ([named] if isinstance(named, str) else _list(named)) if isinstance(each, str)]
    counts: dict[str, int] = {}
    latched: dict[str, int] = {}
    for each in _list(about.get("topics_with_message_count")):
        topic = each.get("topic_metadata") if isinstance(each, dict) else None
        name = topic.get("name") if isinstance(topic, dict) else None
        if isinstance(topic, dict) and isinstance(name, str):
            name = on_one_line(name)
            counts[name] = counts.get(name, 0) + _count(each.get("message_count"))
            if depth := latched_depth(topic.get("offered_qos_profiles")):
                latched[name] = depth
    names = [each for each in dict.fromkeys(names) if each not in ("", "..", METADATA)]
    return BagMetadata(tuple(names), counts, _count(about.get("message_count")), latched)


def latched_depth(profiles: Any) -> int:
    """Messages that all publishers of a topic kept for readers that came late; 0: at least one kept none.

    Args:
        profiles: `offered_qos_profiles`, one for each publisher: a list, or YAML of one (up to version 8, and in the
            files themselves); durability by name or by number.
    """
    if isinstance(profiles, str):
        try:
            profiles = parse_yaml(profiles[:MOST_BYTES])
        except ValueError:
            return 0
    given = _list(profiles)
    if not given or not all(isinstance(p, dict) and p.get("durability") in (1, "transient_local") for p in given):
        return 0
    return sum(max(1, _count(each.get("depth"))) for each in given)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
