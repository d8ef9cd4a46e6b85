# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A folder of results that is whole or not there at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trustseg.errors import InputError
from trustseg.files.confined_path import confined


@contextmanager
def output_folder(target: Path, *, replaces: str = "") -> Iterator[Path]:
    """A temporary folder beside `target` that takes its name when the block ends well and vanishes when not.

    Args:
        target: the folder to make.
        replaces: a file name: a `target` that holds it is an earlier result, and replaced at the end.

    Raises:
        InputError: `target` exists and is neither empty nor such a result, TRUSTSEG_PATHS forbids it, or its parent
            cannot be written.
    """
    target = confined(target, "the output folder")
    replaced = check_target(target, replaces)
    partial = target.parent / f".{target.name}.partial-{os.getpid()}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
    except OSError as error:
        raise InputError(f"cannot write {target}", got=error.strerror or str(error)) from error
    try:
        yield partial
        put_in_place(partial, target, replaced=replaced)
    except OSError as error:
        raise InputError(f"cannot write {target}", got=error.strerror or str(error)) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_target(target: Path, replaces: str) -> bool:
    """Whether `target` is an earlier result (it holds a file `replaces`); InputError where it is anything else."""
    replaced = bool(replaces) and (target / replaces).is_file()
    if not replaced and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} exists and is not empty", fix="choose another --out or remove it first")
    return replaced


def put_in_place(finished: Path, target: Path, *, replaced: bool) -> None:
    """Give the folder `finished` the name `target`, whose earlier result goes; OSError where that is not possible."""
    if replaced:
        shutil.rmtree(target)
    with suppress(OSError):
        target.rmdir()
    finished.rename(target)
