# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A file that is whole or not there: written beside its place, then renamed. Standard library only."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trustseg.errors import InputError


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Path to write to: it takes the name `path` when the block ends well and vanishes when not.

    A reader sees the old file or the whole new one. The folder is made; the suffix is that of `path`, for writers that
    go by it.

    Raises:
        InputError: the folder or the file cannot be written.
    """
    partial = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"cannot write {path}", got=error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write `data` to `path` in one step, see `whole_file`."""
    with whole_file(path) as partial:
        partial.write_bytes(data)


def check_writable(path: Path) -> None:
    """Before a long work whose result goes to `path`: make its folder, and see that a file can be written there.

    Raises:
        InputError: it cannot. What is there stays as it is.
    """
    partial = _beside(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
    except OSError as error:
        raise InputError(f"cannot write {path}", got=error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.stem}.partial-{os.getpid()}{path.suffix}")
