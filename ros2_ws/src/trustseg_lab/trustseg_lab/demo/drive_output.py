# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The output folder: one drive at a time, replaced only as a whole, and only if an earlier drive wrote it."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path
from types import TracebackType

from trustseg.errors import InputError
from trustseg_lab.data.documents import parse_json

SUMMARY_FILE = "summary.json"
OVERLAY_FILE = "overlay.mp4"
TIMELINE_FILE = "timeline.png"
SHEET_FILE = "contact_sheet.png"
RECORDING_FOLDER = "outputs"
WRITTEN = frozenset({SUMMARY_FILE, OVERLAY_FILE, TIMELINE_FILE, SHEET_FILE, RECORDING_FOLDER})


class OutputFolder:
    """Context manager: locks `target` and offers `work` (scratch) and `result`, a new folder beside it.

    `publish` puts `result` in the target's place in one step; leaving without it leaves the target as it was. Nothing
    of the new folders remains either way. The lock is the kernel's: it ends with the process, however that ends.

    Raises (on entering):
        InputError: another drive is writing there, or `target` holds something that no drive wrote, or cannot be made.
    """

    def __init__(self, target: Path) -> None:
        self.target = target.expanduser().absolute()
        self._lock_path = self.target.parent / f".{self.target.name}.lock"
        self._scratch_prefix = f".{self.target.name}.partial-"
        self._scratch = self.target.parent / f"{self._scratch_prefix}{os.getpid()}"
        self.work = self._scratch / "work"
        self.result = self._scratch / "result"
        self._lock = -1

    def __enter__(self) -> OutputFolder:
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._take_lock()
        except OSError as error:
            raise InputError(f"cannot write to {self.target.parent}", got=error.strerror or str(error)) from error
        try:
            check_replaceable(self.target)
            # Left by a drive that was killed outright: nobody holds the lock but this process.
            for stale in self.target.parent.glob(f"{self._scratch_prefix}*"):
                shutil.rmtree(stale, ignore_errors=True)
            self.work.mkdir(parents=True)
            self.result.mkdir()
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._release()

    def publish(self) -> None:
        """Put the finished `result` in the target's place."""
        old = self._scratch / "old"
        if self.target.exists():
            check_replaceable(self.target)
            self.target.rename(old)
        self.result.rename(self.target)

    def _take_lock(self) -> None:
        while True:
            self._lock = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(self._lock)
                raise InputError(
                    f"another drive is being written to {self.target}", fix="wait for it, or choose another --out"
                ) from error
            # The holder before removes the file when it leaves: a lock on a removed file guards nothing.
            try:
                if os.fstat(self._lock).st_ino == os.stat(self._lock_path).st_ino:
                    return
            except FileNotFoundError:
                pass
            os.close(self._lock)

    def _release(self) -> None:
        self._lock_path.unlink(missing_ok=True)
        os.close(self._lock)


def check_replaceable(target: Path) -> None:
    """Raise InputError unless `target` is missing, empty, or what a finished drive left and nothing else."""
    if not target.exists() and not target.is_symlink():
        return
    fix = "choose another --out, or move it away"
    if target.is_symlink() or not target.is_dir():
        raise InputError(f"{target} is not a folder", fix=fix)
    names = {entry.name for entry in target.iterdir()}
    foreign = sorted(names - WRITTEN)
    if foreign:
        raise InputError(f"{target} holds files that no drive wrote", got=", ".join(foreign[:3]), fix=fix)
    if names and not _is_summary(target / SUMMARY_FILE):
        raise InputError(f"{target} is not the result of a drive", expected=SUMMARY_FILE, fix=fix)


def _is_summary(path: Path) -> bool:
    try:
        content = parse_json(path.read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and {"frames_sent", "injected", "ok"} <= set(content)
