# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What keys and columns of files were called before: files keep being read, and results keep their old names too.

The one place for it; until schema 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

Value = TypeVar("Value")
# New name -> the one before.
OLD_NAMES = {"ood_score": "strangeness", "log_ood_score": "log_strangeness"}
_NEW_NAMES = {old: new for new, old in OLD_NAMES.items()}


def new_name(name: Any) -> Any:
    """What `name` is called today; anything that is no old name stays."""
    return _NEW_NAMES.get(name, name) if isinstance(name, str) else name


def with_new_names(document: Mapping[str, Any]) -> dict[str, Any]:
    """A file's keys under today's names; ValueError where a key stands there under both."""
    for old, new in _NEW_NAMES.items():
        if old in document and new in document:
            raise ValueError(f"{new} is given twice, as {new} and under its old name {old}")
    return {new_name(name): value for name, value in document.items()}


def with_old_names(row: Mapping[str, Value]) -> dict[str, Value]:
    """A row of results, and under its old name what had another one: programs that read it go on working."""
    return {**row, **{old: row[new] for new, old in OLD_NAMES.items() if new in row}}
