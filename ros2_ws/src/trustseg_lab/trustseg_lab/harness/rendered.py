# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The default drive: rendered once with its troubles, then kept, so that the next run starts at once."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np

import trustseg_lab.scenes
from trustseg.bundle.loading import source_tree
from trustseg.errors import InputError
from trustseg_lab.harness.drive_folder import DRIVE_FILE, IMAGES, LABELS, Drive, image_name, label_name, load_drive
from trustseg_lab.harness.processes import DieWithParent
from trustseg_lab.harness.script import CARGO, LEFT_M, PICTURE_KINDS, Script
from trustseg_lab.scenes import SCENE_CLASSES, apply_conditions

# CamVid's shape; twice the area of the network's input, as a camera would have more pixels than the network takes.
CAMERA_SIZE = (480, 640)
JPEG_QUALITY = 95
KEPT_DRIVES = 3
CHUNK = 16
LOST = "box"  # what lies there where the trouble is lost cargo


@dataclass(frozen=True)
class RenderJob:
    """What one worker renders: consecutive slots of a drive, each with the kind and severity of its trouble (an empty
    kind: none) and the slot at which that is over."""

    folder: Path
    seed: int
    size: tuple[int, int]
    rate_hz: float
    slots: tuple[tuple[int, str, float, int], ...]


def cache_root() -> Path:
    """Where rendered drives are kept: $XDG_CACHE_HOME if set, else .cache of the source tree, else ~/.cache."""
    named = os.environ.get("XDG_CACHE_HOME")
    tree = source_tree()
    base = Path(named) if named else tree / ".cache" if tree else Path.home() / ".cache"
    return base / "trustseg" / "drives"


def drive_key(script: Script, seed: int, size: tuple[int, int]) -> str:
    """Hash of everything that the pictures depend on: script, seed, size and the renderer's own source."""
    digest = hashlib.sha256(json.dumps([asdict(script), seed, size, JPEG_QUALITY]).encode())
    for source in (*sorted(Path(trustseg_lab.scenes.__file__).parent.glob("*.py")), Path(__file__)):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def rendered_drive(
    script: Script, seed: int, size: tuple[int, int] = CAMERA_SIZE,
    progress: Callable[[int, int], object] = lambda done, total: None, workers: int | None = None,
) -> Drive:  # fmt: skip
    """The drive of `script`, from the cache or rendered now.

    Args:
        script: times and troubles.
        seed: which street.
        size: (height, width) of the pictures.
        progress: called with (rendered, all) while rendering; not at all when the drive was kept.
        workers: processes that render; None takes one a core, at most eight.

    Raises:
        InputError: the cache cannot be written.
    """
    folder = cache_root() / drive_key(script, seed, size)
    kept: Drive | None = None
    with suppress(InputError):  # not there, or damaged: rendered again
        kept = load_drive(folder)
    if kept is None:
        try:
            shutil.rmtree(folder, ignore_errors=True)
            _render(folder, script, seed, size, progress, workers or min(8, os.cpu_count() or 1))
        except OSError as error:
            raise InputError(
                f"cannot keep the rendered drive in {folder.parent}", got=error.strerror or str(error),
                fix="free some space there (a drive takes about 150 MB) or set XDG_CACHE_HOME",
            ) from error  # fmt: skip
    os.utime(folder)
    _forget_old(folder)
    return kept or load_drive(folder)


def _render(
    folder: Path, script: Script, seed: int, size: tuple[int, int], progress: Callable[[int, int], object], workers: int
) -> None:
    partial = folder.parent / f"{folder.name}.partial-{os.getpid()}"
    shutil.rmtree(partial, ignore_errors=True)
    for name in (IMAGES, LABELS):
        (partial / name).mkdir(parents=True)
    try:
        jobs = list(_jobs(partial, script, seed, size))
        done = 0
        progress(0, script.slots)
        # Spawned: a progress bar's thread may hold any lock at the moment of a fork.
        pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), _quiet_worker, (os.getpid(),))
        try:
            for count in pool.map(render_job, jobs):
                done += count
                progress(done, script.slots)
        finally:
            pool.shutdown(cancel_futures=True)
        Drive(
            name=f"rendered street {seed}", rate_hz=script.rate_hz, slots=script.slots, troubles=script.troubles,
            classes=tuple(c.name for c in SCENE_CLASSES), folder=partial,
        ).save()  # fmt: skip
        try:
            partial.rename(folder)
        except OSError:
            if not (folder / DRIVE_FILE).is_file():  # another run has not just finished the same drive
                raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _jobs(folder: Path, script: Script, seed: int, size: tuple[int, int]) -> Iterator[RenderJob]:
    slots = []
    for slot in range(script.slots):
        time_s = script.time_s(slot)
        trouble = script.trouble_at(time_s)
        if trouble is None or trouble.kind not in PICTURE_KINDS:
            slots.append((slot, "", 0.0, slot))
        else:
            over = round(trouble.end_s * script.rate_hz)
            slots.append((slot, trouble.kind, trouble.severity(time_s), over))
    for start in range(0, len(slots), CHUNK):
        yield RenderJob(folder, seed, size, script.rate_hz, tuple(slots[start : start + CHUNK]))


def render_job(job: RenderJob) -> int:
    """Render and write the slots of a job; returns how many."""
    street = trustseg_lab.scenes.Drive(job.seed, job.size, job.rate_hz)
    for slot, kind, severity, over in job.slots:
        # It lies where the car would soon be: it is neared all the time, and gone with the trouble.
        cargo = [street.ahead(over, LOST, LEFT_M)] if kind == CARGO else []
        frame = street.frame(slot, cargo=cargo)
        conditions = [(kind, severity)] if severity > 0 and kind != CARGO else []
        image = apply_conditions(conditions, frame.image_rgb, frame.depth_m, job.seed, slot)
        bgr = np.ascontiguousarray(image[..., ::-1])
        _write(job.folder / IMAGES / image_name(slot), bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        _write(job.folder / LABELS / label_name(slot), frame.labels, [cv2.IMWRITE_PNG_COMPRESSION, 3])
    return len(job.slots)


def _write(path: Path, image: np.ndarray, options: list[int]) -> None:
    if not cv2.imwrite(str(path), image, options):
        raise OSError(28, f"cannot write {path.name}")


def _quiet_worker(parent: int) -> None:
    """A worker renders with one thread, leaves Ctrl-C to its parent, which ends it, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    DieWithParent(parent)()
    cv2.setNumThreads(1)


def _forget_old(newest: Path) -> None:
    """Remove all but the newest drives, and what a run that was killed left half rendered."""
    for partial in newest.parent.glob("*.partial-*"):
        if not Path("/proc", partial.name.rpartition("-")[2]).exists():
            shutil.rmtree(partial, ignore_errors=True)
    drives = [d for d in newest.parent.iterdir() if (d / DRIVE_FILE).is_file()]
    for old in sorted(drives, key=lambda d: d.stat().st_mtime, reverse=True)[KEPT_DRIVES:]:
        if old != newest:
            shutil.rmtree(old, ignore_errors=True)
