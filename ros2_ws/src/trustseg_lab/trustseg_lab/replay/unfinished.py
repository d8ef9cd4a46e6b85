# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`OUT.unfinished`: the drives of a run with several recordings that are done, until all of them are.

A drive's folder gets its name when it is whole, so that whatever has a name here can be taken up: by the same command
after an interruption, and from the results in OUT by a run with more recordings or some that failed before.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from trustseg.errors import InputError
from trustseg.files.confined_path import confined
from trustseg.files.output_folder import check_target, put_in_place
from trustseg_lab.replay.results.totals import key_of

PART = ".part-"  # in front of the name of a drive that is being made
LOCK = ".lock"


@contextmanager
def unfinished_folder(
    target: Path, *, replaces: str, wrote: Callable[[Path], bool] | None = None
) -> Iterator[Path]:  # fmt: skip
    """The folder beside `target`, new or left by an earlier run, that takes its name when the block ends well.

    When not, it stays as long as there is a drive in it.

    Args:
        target: the folder to make. replaces, wrote: as `output_folder`.

    Raises:
        InputError: `target` cannot be made or replaced, TRUSTSEG_PATHS forbids it, or another run works on it; or see
            `put_in_place`.
    """
    target = confined(target, "the output folder")
    replaced = check_target(target, replaces, wrote)
    folder = target.with_name(f"{target.name}.unfinished")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / LOCK, os.O_CREAT | os.O_RDWR, 0o644)
    except OSError as error:
        raise InputError(f"cannot write {folder}", got=error.strerror or str(error)) from error
    try:
        _hold(lock, target)
        try:
            _sweep(folder)
            yield folder
            _sweep(folder)
            (folder / LOCK).unlink()
            put_in_place(folder, target, replaced=replaced)
        except OSError as error:
            raise InputError(f"cannot write {target}", got=error.strerror or str(error)) from error
        finally:
            if not finished_in(folder):
                shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)


def finished_in(folder: Path) -> dict[str, Path]:
    """Key of each finished drive in `folder` -> its folder."""
    if not folder.is_dir():
        return {}
    with suppress(OSError):
        there = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        return {key: path for path in there if (key := key_of(path))}
    return {}


def take_up(wanted: Mapping[str, str], target: Path, folder: Path, *, fresh: bool) -> set[str]:
    """Bring the drives that earlier runs finished under their names in `folder`, and remove all others from it.

    Args:
        wanted: name of a drive -> its key. target: earlier results. folder: of this run. fresh: take none.

    Returns:
        Names of the drives that need not be done again.

    Raises:
        InputError: `folder` holds drives that are not wanted, perhaps hours of work, and the run is not `fresh`.
        OSError: the disk does not take them.
    """
    other = set() if fresh else finished_in(folder).keys() - set(wanted.values())
    if other:
        raise InputError(
            f"{folder} holds {len(other)} finished recordings of other inputs, settings or versions",
            fix="repeat the command that made them, choose another --out, or give --fresh to remove them",
        )
    found = {} if fresh else {**finished_in(target), **finished_in(folder)}
    taken = {name for name, key in wanted.items() if key in found}
    for name in sorted(taken):
        shutil.copytree(found[wanted[name]], folder / f"{PART}{name}", copy_function=_linked)
    for path in folder.iterdir():
        if path.is_dir() and not path.name.startswith(PART):
            shutil.rmtree(path)
    for name in sorted(taken):
        (folder / f"{PART}{name}").rename(folder / name)
    return taken


def _linked(source: str, target: str) -> None:
    """The same bytes under another name, without copying them where the file system can do that."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _hold(lock: int, target: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"another replay into {target} is under way", fix="wait for it or choose another --out"
        ) from None  # fmt: skip
    except OSError:
        return  # a file system without locks


def _sweep(folder: Path) -> None:
    """Remove what was begun by a process or a run that was killed."""
    for path in folder.glob(f"{PART}*"):
        shutil.rmtree(path, ignore_errors=True)
