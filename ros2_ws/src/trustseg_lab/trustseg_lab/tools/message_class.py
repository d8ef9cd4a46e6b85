# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Python classes of message types that a bag or another machine names: installed message packages, nothing else.

Importing a package runs it. A name from outside must therefore be one of a type, the package one that a ROS 2
installation lists as holding that message, and what Python would import the one of that installation: a folder of the
same name in the working directory, or a module such as `os`, is not.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path
from typing import Any

from ament_index_python import get_resource

TYPE_NAME = re.compile(r"([a-z][a-z0-9]*(?:_[a-z0-9]+)*)/msg/([A-Z][A-Za-z0-9]*)")
LONGEST_NAME = 200
RESOURCE = "rosidl_interfaces"  # of the ament index: what every package with messages registers


def message_class(kind: str) -> Any:
    """The class of `package/msg/Name`, or None where no installed message package has it."""
    found = TYPE_NAME.fullmatch(kind) if len(kind) <= LONGEST_NAME else None
    if found is None:
        return None
    package, name = found.groups()
    try:
        listed, prefix = get_resource(RESOURCE, package)
    except (LookupError, OSError, ValueError):
        return None
    if f"msg/{name}.idl" not in listed.split() and f"msg/{name}.msg" not in listed.split():
        return None
    try:
        spec = importlib.util.find_spec(package)  # runs nothing of it
        if spec is None or spec.origin is None or not _below(Path(spec.origin), Path(prefix)):
            return None
        return getattr(importlib.import_module(f"{package}.msg"), name)
    except (ImportError, AttributeError, ValueError):
        return None


def _below(path: Path, prefix: Path) -> bool:
    """Also where one of the two was reached over a link."""
    return path.absolute().is_relative_to(prefix) or path.resolve().is_relative_to(prefix.resolve())
