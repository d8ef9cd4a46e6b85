# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results as JSON: what is undefined is null, and a file is either whole or not there."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from trustseg.errors import InputError
from trustseg.files.whole_file import write_whole


def json_ready(value: Any) -> Any:
    """`value` (dataclasses, dicts, lists, numpy values) as plain JSON values; NaN and infinities are None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: json_ready(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): json_ready(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(each) for each in value]
    if hasattr(value, "tolist"):  # NumPy's, which need not be imported for it
        return json_ready(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def write_json(path: Path, document: Any) -> bytes:
    """Write `document` to `path` in one step, making its folder; returns the bytes written.

    Raises:
        InputError: the folder cannot be made or written.
    """
    data = json_text(document)
    write_whole(path, data)
    return data


def json_text(document: Any) -> bytes:
    """`document` as the bytes of a JSON file."""
    return (json.dumps(json_ready(document), indent=1, allow_nan=False) + "\n").encode()


def print_json(document: Any) -> None:
    """`document` on standard output: one line for a program that reads it, indented on a terminal."""
    indent = 1 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(json_ready(document), indent=indent, allow_nan=False) + "\n")


def check_output_folder(folder: Path, *, overwrite: bool) -> None:
    """InputError unless `folder` is new, empty, or may be written over."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is not a folder", fix="choose another --out")
    if folder.is_dir() and not overwrite and any(folder.iterdir()):
        raise InputError(
            f"output folder {folder} is not empty",
            fix="choose another --out, or add --overwrite to replace its results",
        )
