# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A folder of results that is whole or not there at all."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trustseg.errors import InputError
from trustseg.files.confined_path import confined

FILE_MANAGERS = ("thumbs.db", "desktop.ini")  # Windows leaves these where it showed pictures; others leave hidden files
MOUNTS = Path("/proc/self/mountinfo")


@contextmanager
def output_folder(
    target: Path, *, replaces: str = "", wrote: Callable[[Path], bool] | None = None,
    last_check: Callable[[], object] = lambda: None,
) -> Iterator[Path]:  # fmt: skip
    """A temporary folder beside `target` that takes its name when the block ends well and vanishes when the block ends
    in an error; where it cannot take the name it stays, and the error names it.

    Args:
        target: the folder to make.
        replaces: a file name: a `target` that holds it is an earlier result, and replaced at the end.
        wrote: see `check_target`; asked before the block and after it.
        last_check: called after the block, before anything is replaced: an InputError of it keeps both.

    Raises:
        InputError: `target` exists and is neither empty nor such a result, it is a mount point, TRUSTSEG_PATHS forbids
            it, or its parent cannot be written; or see `put_in_place`.
    """
    target = confined(target, "the output folder")
    replaced = check_target(target, replaces, wrote)
    partial = target.parent / f".{target.name}.partial-{os.getpid()}"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
    except OSError as error:
        raise InputError(f"cannot write {target}", got=error.strerror or str(error)) from error
    try:
        yield partial
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise InputError(f"cannot write {target}", got=error.strerror or str(error)) from error
        raise
    try:
        last_check()
        # People may have worked in it meanwhile.
        replaced = replaced and check_target(target, replaces, wrote)
    except InputError as error:
        raise InputError(f"{error}; the new results are whole in {partial}") from error
    put_in_place(partial, target, replaced=replaced)


def check_target(target: Path, replaces: str, wrote: Callable[[Path], bool] | None = None) -> bool:
    """Whether `target` is an earlier result that may be replaced; see `put_back` too.

    Args:
        target: the folder to make. replaces: name of a file that an earlier result holds.
        wrote: says of a file in such a result, by its path below `target`, whether the run wrote it; None: not known.
            What file managers leave is not asked about.

    Raises:
        InputError: `target` is anything else that is not empty, a mount point, or holds a file of someone else.
    """
    put_back(target, replaces)
    if _is_mount(target):
        raise InputError(f"{target} is a mount point, which cannot be replaced", fix="name a folder in it with --out")
    replaced = bool(replaces) and (target / replaces).is_file()
    if not replaced and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} exists and is not empty", fix="choose another --out or remove it first")
    if replaced and wrote is not None:
        inner = (path.relative_to(target) for path in sorted(target.rglob("*")) if not path.is_dir())
        other = next((path for path in inner if not of_file_manager(path) and not wrote(path)), None)
        if other is not None:
            raise InputError(
                f"{target} holds {other}, which the earlier run did not write", fix="choose another --out or move it"
            )
    return replaced


def of_file_manager(path: Path) -> bool:
    """Whether programs that show folders leave such a file, by its path below the results."""
    return any(part.startswith(".") for part in path.parts) or path.name.lower() in FILE_MANAGERS


def put_back(target: Path, replaces: str) -> None:
    """Give an earlier result its name again whose process was killed while `put_in_place` replaced it.

    That is where there is no `target`, and one folder of such a process beside it. What a killed process had still to
    remove is removed.

    Args:
        target: the folder of the results. replaces: name of a file that an earlier result holds; empty: there is none.

    Raises:
        InputError: it cannot be renamed.
    """
    if not replaces:
        return
    with suppress(OSError):
        for path in _beside(target, "replaced"):
            shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(target):
        return
    left: list[Path] = []
    with suppress(OSError):
        left = [each for each in _beside(target, "old") if (each / replaces).is_file() and not _lives(each)]
    if len(left) != 1:  # of several nobody knows which was the last
        return
    try:
        left[0].rename(target)
    except OSError as error:
        raise InputError(
            f"earlier results cannot get back the name {target}", got=error.strerror or str(error),
            fix=f"they are whole in {left[0]}: move them to where you want them",
        ) from error  # fmt: skip


def put_in_place(finished: Path, target: Path, *, replaced: bool) -> None:
    """Give the folder `finished` the name `target`; its earlier result goes when that is done.

    Raises:
        InputError: it is not possible. The earlier result is as it was, or in a folder that the text names; and
            `finished`, which the text names, is whole.
    """
    old, gone = (target.with_name(f".{target.name}.{what}-{os.getpid()}") for what in ("old", "replaced"))
    earlier = ""
    try:
        if replaced:
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        else:
            with suppress(OSError):
                target.rmdir()
        try:
            finished.rename(target)
        except BaseException:
            if replaced:
                earlier = f", and the earlier ones in {old}"
                old.rename(target)
                earlier = ""
            raise
    except OSError as error:
        raise InputError(
            f"cannot give the results the name {target}", got=error.strerror or str(error),
            fix=f"they are whole in {finished}{earlier}: move them to where you want them",
        ) from error  # fmt: skip
    with suppress(OSError):
        if replaced:
            # Half removed under the name `old` it would pass for a whole result whose process was killed.
            old.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _beside(target: Path, what: str) -> list[Path]:
    """Hidden folders that a process made in place of `target`; OSError where nobody can tell."""
    name = re.compile(rf"\.{re.escape(target.name)}\.{what}-[0-9]+")
    return [path for path in target.parent.iterdir() if name.fullmatch(path.name) and path.is_dir()]


def _lives(folder: Path) -> bool:
    """Whether the process is there whose number the name of a folder ends with."""
    try:
        os.kill(int(folder.name.rpartition("-")[2]), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # of another user
        return True
    return True


def _is_mount(path: Path) -> bool:
    """Whether something is mounted at `path`, also a folder of the same file system where the kernel tells."""
    if os.path.ismount(path):
        return True
    try:
        lines = MOUNTS.read_bytes().splitlines()
    except OSError:
        return False
    own = os.fsencode(Path(os.path.realpath(path.parent)) / path.name)
    # Blanks and the like are written as \ and three octal digits.
    return any(re.sub(rb"\\([0-7]{3})", _byte, line.split(b" ")[4]) == own for line in lines if line.count(b" ") > 4)


def _byte(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 8) & 255])
