# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Files that nobody else can have written: what is latched, and plans that are executed. Standard library only.

File, folder and every folder above belong to this user or to root. Nobody else may write the file or its folder (chmod
go-w), nor everybody a folder above, for who can write there can put another folder in this one's place; in a sticky one
(/tmp) only its owner can.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe in the file's place would be waited for without O_NONBLOCK.
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Untrusted(OSError):
    """Somebody else could have written the file, or could take it away."""


@contextmanager
def owned_folder(path: Path) -> Iterator[int]:
    """The opened folder, held to the rules above; links to it are followed first, each real folder is looked at.

    Raises:
        Untrusted: it does not hold them. OSError: it cannot be opened.
    """
    real = Path(os.path.realpath(path))
    for above in reversed(real.parents):
        found = os.lstat(above)
        _refuse_others(found, str(above), 0 if found.st_mode & stat.S_ISVTX else stat.S_IWOTH)
    folder = os.open(real, _FOLDER)
    try:
        _refuse_others(os.fstat(folder), str(real), OTHERS_WRITE)
        yield folder
    finally:
        os.close(folder)


def read_owned(path: Path, limit: int) -> bytes:
    """At most `limit` + 1 bytes of a regular file under the rules above; a link in its place is not followed.

    Raises:
        Untrusted: file or folder do not hold the rules. OSError: as `open`.
    """
    with owned_folder(path.parent) as folder, open(os.open(path.name, _READ, dir_fd=folder), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise Untrusted(f"{path} is no regular file")
        _refuse_others(found, str(path), OTHERS_WRITE)
        return file.read(limit + 1)


def _refuse_others(found: os.stat_result, path: str, forbidden: int) -> None:
    if found.st_uid not in (0, os.geteuid()):
        raise Untrusted(f"{path} belongs to user {found.st_uid}, expected this user ({os.geteuid()}) or root")
    if found.st_mode & forbidden:
        mode = stat.S_IMODE(found.st_mode)
        raise Untrusted(f"{path} can be written by others (mode {mode:03o}), expected its owner alone: chmod go-w")
