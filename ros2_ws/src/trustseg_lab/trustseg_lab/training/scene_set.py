# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Rendered scenes as a training set: frames of many drives, each of its own seed, rendered once and kept."""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np

from trustseg.errors import InputError
from trustseg.files.stored_arrays import read_arrays
from trustseg.files.whole_file import whole_file
from trustseg.host.machine import usable_cores
from trustseg.types import UInt8Array
from trustseg_lab.data.class_list import ClassList
from trustseg_lab.training.data import LabelledSet

Progress = Callable[[int, int], None]


def renderer_version() -> str:
    """Hash of the renderer's source: frames kept from another renderer are not taken. How files are written does not
    change a frame."""
    from trustseg_lab import scenes

    folder = Path(str(scenes.__file__)).parent
    digest = hashlib.sha256()
    for path in sorted(each for each in folder.glob("*.py") if each.name != "writers.py"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def require_scene_classes(classes: ClassList) -> None:
    """Raise InputError when rendered scenes, whose classes are fixed, do not fit a user's class list."""
    from trustseg_lab.scenes import SCENE_CLASSES

    theirs = [entry.name for entry in classes.classes]
    ours = [entry.name for entry in SCENE_CLASSES]
    if theirs != ours:
        raise InputError(
            "rendered scenes do not have these classes", expected=", ".join(ours), got=", ".join(theirs)[:200],
            fix="train without them: --config own_data.yaml (data.scene_share 0), fit-confidence --scenes 0",
        )  # fmt: skip


def _render(seed: int, size: tuple[int, int]) -> tuple[UInt8Array, UInt8Array]:
    import cv2

    from trustseg_lab.scenes import random_frame

    cv2.setNumThreads(1)
    frame = random_frame(seed, size)
    return frame.image_rgb, frame.labels


def rendered_set(
    count: int, seed: int, size: tuple[int, int], *, cache: Path | None = None,
    workers: int | None = None, progress: Progress | None = None,
) -> LabelledSet:  # fmt: skip
    """`count` frames of `size` (H, W), seeds `seed`, `seed` + 1, ...

    With `cache` (a folder) the set is read from there when this renderer has made it before, and kept there otherwise.
    `workers`: processes; None: one for each core. `progress(done, of)` is called after every frame.
    """
    stems = tuple(f"scene_{seed + i}" for i in range(count))
    kept = None
    if cache is not None:
        kept = cache / f"scenes_{renderer_version()}_{seed}_{count}_{size[0]}x{size[1]}.npz"
        if kept.exists():
            with suppress(InputError):  # damaged: rendered again
                loaded = read_arrays(kept, f"scenes {kept}", ("images", "labels"))
                return LabelledSet(loaded["images"], loaded["labels"], stems)
    images = np.empty((count, *size, 3), np.uint8)
    labels = np.empty((count, *size), np.uint8)
    # Spawned: OpenCV's threads are not there in a forked process, and whoever waits for one waits for ever.
    with ProcessPoolExecutor(workers or usable_cores(), multiprocessing.get_context("spawn")) as pool:
        frames = pool.map(_render, range(seed, seed + count), [size] * count, chunksize=8)
        for i, (image, label) in enumerate(frames):
            images[i], labels[i] = image, label
            if progress is not None:
                progress(i + 1, count)
    if kept is not None:
        with whole_file(kept) as partial:
            np.savez(partial, images=images, labels=labels)
    return LabelledSet(images, labels, stems)
