# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One hash of everything that an object holds: tells whether anything in memory is no longer what it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import Enum
from typing import Any

import numpy as np


def fingerprint(thing: Any) -> str:
    """SHA-256 over the values in `thing`, in their order: numbers, texts, arrays, lists, mappings, objects' attributes.

    Equal contents give equal fingerprints, also of different objects.

    Raises:
        TypeError: something in it has neither a value nor attributes, so that a change of it would not be seen.
    """
    into = hashlib.sha256()
    _add(thing, into)
    return into.hexdigest()


def _add(value: Any, into: Any) -> None:
    if isinstance(value, np.ndarray):
        into.update(f"{value.dtype.str}{value.shape}".encode())
        into.update(np.ascontiguousarray(value).tobytes())
    elif value is None or isinstance(value, bool | int | float | str | bytes | slice | Enum | np.generic):
        into.update(f"{type(value).__name__} {value!r};".encode())
    elif isinstance(value, list | tuple):
        _add_row(value, into)
    elif isinstance(value, Mapping):
        into.update(f"{{{len(value)}".encode())
        for key, each in value.items():
            _add(key, into)
            _add(each, into)
    elif hasattr(value, "__dict__") and not callable(value):
        into.update(type(value).__name__.encode())
        _add(vars(value), into)
    else:
        raise TypeError(f"no fingerprint of a {type(value).__name__}")


def _add_row(row: list[Any] | tuple[Any, ...], into: Any) -> None:
    # Weights are long lists of numbers: as one array they are hashed a hundred times faster.
    if len(row) > 1 and all(type(each) is float for each in row):
        return _add(np.array(row, np.float64), into)
    into.update(f"[{len(row)}".encode())
    for each in row:
        _add(each, into)
