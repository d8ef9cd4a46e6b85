# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Texts of message types, as a bag carries them so that anybody can read it: from what ROS 2 installs beside each type.

Format: mcap.dev/spec/registry (ros2msg): the text of the type, then that of every type in it behind a line of '='.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from ament_index_python.packages import PackageNotFoundError, get_package_share_directory

PLAIN = {
    "bool", "byte", "char", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64",
    "uint64", "string", "wstring",
}  # fmt: skip
RULE = "=" * 80
FIELD = re.compile(r"^\s*([A-Za-z][\w/]*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z]\w*")


class NoDefinition(Exception):
    """The text of a type is not installed."""


@cache
def installed_text(kind: str) -> str:
    """The .msg file of `package/msg/Name`; NoDefinition where there is none."""
    package, _, name = kind.partition("/msg/")
    try:
        file = Path(get_package_share_directory(package)) / "msg" / f"{name}.msg"
        return file.read_text(encoding="utf-8")
    except (PackageNotFoundError, ValueError, OSError) as error:
        raise NoDefinition(f"the definition of {kind} is not installed") from error


def definition(kind: str, text_of: Callable[[str], str] = installed_text) -> str:
    """The whole definition of a type, with those of all types in it.

    Args:
        kind: `package/msg/Name`. text_of: gives one type's own text.

    Raises:
        NoDefinition: a text is missing.
    """
    found = {kind: text_of(kind)}
    waiting = [kind]
    while waiting:
        outer = waiting.pop(0)
        for inner in _types_in(found[outer], outer.partition("/")[0]):
            if inner not in found:
                found[inner] = text_of(inner)
                waiting.append(inner)
    parts = [found.pop(kind)]
    parts += [f"{RULE}\nMSG: {name.replace('/msg/', '/')}\n{text}" for name, text in found.items()]
    return "\n".join(parts)


def _types_in(text: str, package: str) -> list[str]:
    kinds = []
    for line in text.splitlines():
        field = FIELD.match(line.partition("#")[0])
        if field is None or field[1] in PLAIN:
            continue
        first, _, name = field[1].rpartition("/")
        if not first and name == "Header":
            first = "std_msgs"
        kinds.append(f"{first.partition('/')[0] or package}/msg/{name}")
    return kinds
