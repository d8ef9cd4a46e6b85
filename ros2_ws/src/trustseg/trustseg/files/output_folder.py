# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A folder of results that is whole or not there at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trustseg.errors import InputError
from trustseg.files.confined_path import confined


@contextmanager
def output_folder(
    target: Path, *, replaces: str = "", wrote: Callable[[Path], bool] | None = None
) -> Iterator[Path]:  # fmt: skip
    """A temporary folder beside `target` that takes its name when the block ends well and vanishes when not.

    Args:
        target: the folder to make.
        replaces: a file name: a `target` that holds it is an earlier result, and replaced at the end.
        wrote: see `check_target`.

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
    put_in_place(partial, target, replaced=replaced)


def check_target(target: Path, replaces: str, wrote: Callable[[Path], bool] | None = None) -> bool:
    """Whether `target` is an earlier result that may be replaced.

    Args:
        target: the folder to make. replaces: name of a file that an earlier result holds.
        wrote: says of a file in such a result, by its path below `target`, whether the run wrote it; None: not known.
            Hidden files and folders, which file managers leave, are not asked about.

    Raises:
        InputError: `target` is anything else that is not empty, a mount point, or holds a file of someone else.
    """
    if os.path.ismount(target):
        raise InputError(f"{target} is a mount point, which cannot be replaced", fix="name a folder in it with --out")
    replaced = bool(replaces) and (target / replaces).is_file()
    if not replaced and target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{target} exists and is not empty", fix="choose another --out or remove it first")
    if replaced and wrote is not None:
        inner = (path.relative_to(target) for path in sorted(target.rglob("*")) if not path.is_dir())
        shown = (path for path in inner if not any(part.startswith(".") for part in path.parts))
        other = next((path for path in shown if not wrote(path)), None)
        if other is not None:
            raise InputError(
                f"{target} holds {other}, which the earlier run did not write", fix="choose another --out or move it"
            )
    return replaced


def put_in_place(finished: Path, target: Path, *, replaced: bool) -> None:
    """Give the folder `finished` the name `target`; its earlier result goes when that is done.

    Raises:
        InputError: it is not possible. The earlier result is as it was, and `finished`, which the text names, is whole.
    """
    old = target.with_name(f".{target.name}.old-{os.getpid()}")
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
                old.rename(target)
            raise
    except OSError as error:
        raise InputError(
            f"cannot give the results the name {target}", got=error.strerror or str(error),
            fix=f"they are whole in {finished}: move them to where you want them",
        ) from error  # fmt: skip
    shutil.rmtree(old, ignore_errors=True)
