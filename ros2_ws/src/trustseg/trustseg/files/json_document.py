# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Results as JSON: what is undefined is null, and a file is either whole or not there."""

from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trustseg.errors import InputError


def json_ready(value: Any) -> Any:
    """`value` (dataclasses, dicts, lists, numpy values) as plain JSON values; NaN and infinities are None."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: json_ready(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, dict):
        return {str(key): json_ready(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_ready(each) for each in value]
    if isinstance(value, np.ndarray):
        return [json_ready(each) for each in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
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


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that no reader ever sees half of it; InputError where that is not possible."""
    partial = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        os.replace(partial, path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise InputError(f"cannot write {path}", got=error.strerror or str(error)) from error


def check_output_folder(folder: Path, *, overwrite: bool) -> None:
    """InputError unless `folder` is new, empty, or may be written over."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is not a folder", fix="choose another --out")
    if folder.is_dir() and not overwrite and any(folder.iterdir()):
        raise InputError(
            f"output folder {folder} is not empty",
            fix="choose another --out, or add --overwrite to replace its results",
        )
