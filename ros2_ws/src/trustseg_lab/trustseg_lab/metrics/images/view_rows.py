# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What confidence table and image verdict are fitted on: one row a view, a view being an image under a condition."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg.files.stored_arrays import read_arrays
from trustseg.files.whole_file import whole_file
from trustseg.types import Float32Array
from trustseg_lab.metrics.score_histogram import Counts, Floats

CLEAN = "clean"
COUNTED = ("codes", "corridor")  # kept in half the width
# Neighbouring frames of a drive are nearly the same picture: folds are cut between blocks of so many of them.
BLOCK_IMAGES = 25

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class CalibrationRows:
    """n views.

    Attributes:
        features: float32 (n, K), pooled in the graph.
        quality: float64 (n,), true Q.
        codes: int64 (n, 2, 256), wrong and right pixels per confidence code.
        corridor: int64 (n, 2, 256), the same within the drivable corridor.
        ahead: float64 (n, 2), what `trustseg.unknown_ahead` finds in the camera's corridor, where the graph's own
            features are not of that; NaN where they are, and of a graph without an unknown plane.
        kind: str (n,), the condition's name, or "clean".
        severity: float64 (n,), 0 for clean, else in (0, 1].
        source: str (n,), the folder or "rendered".
        drive: str (n,), the drive within the source, as far as names tell.
        block: int64 (n,), contiguous block of images, numbered through all sources.
        seen: bool (n,), True where the network was trained on this image.
        held_out: bool (n,), True where the kind is kept from everything that is fitted.
        elsewhere: bool (n,), True where the image is of another place, from which the verdict alone learns.
    """

    features: Float32Array
    quality: Floats
    codes: Counts
    corridor: Counts
    ahead: Floats
    kind: Names
    severity: Floats
    source: Names
    drive: Names
    block: Ints
    seen: Bools
    held_out: Bools
    elsewhere: Bools

    def __len__(self) -> int:
        return len(self.quality)

    def select(self, keep: Bools) -> CalibrationRows:
        """The rows where `keep` is True."""
        return CalibrationRows(**{each.name: getattr(self, each.name)[keep] for each in fields(self)})

    @property
    def clean(self) -> Bools:
        """Rows without a condition."""
        return np.asarray(self.kind == CLEAN, bool)


def concatenated(parts: list[CalibrationRows]) -> CalibrationRows:
    """All rows of `parts`; blocks are numbered on, so that no two parts share one."""
    columns: dict[str, Any] = {
        each.name: np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(CalibrationRows)
    }
    first, blocks = 0, []
    for part in parts:
        blocks.append(part.block + first)
        first += int(part.block.max()) + 1 if len(part) else 0
    columns["block"] = np.concatenate(blocks)
    return CalibrationRows(**columns)


def refuse_few_blocks(blocks: int, folds: int) -> None:
    """InputError where there are fewer blocks of images than `folds`."""
    if blocks < folds:
        raise InputError(
            f"too few images to cross-fit in {folds} folds",
            expected=f"at least {folds} blocks of {BLOCK_IMAGES} images",
            got=f"{blocks} blocks",
            fix="give more images (--data, --limit)",
        )


def folds_by_block(block: Ints, folds: int, seed: int) -> Ints:
    """Fold number of each row: whole blocks, shuffled by `seed`, dealt out evenly.

    Raises:
        InputError: fewer blocks than folds.
    """
    blocks = np.unique(block)
    refuse_few_blocks(len(blocks), folds)
    order = np.random.default_rng(seed).permutation(len(blocks))
    fold_of = dict(zip(blocks[order].tolist(), (np.arange(len(blocks)) % folds).tolist(), strict=True))
    return np.array([fold_of[each] for each in block.tolist()], np.int64)


def drive_of(stem: str) -> str:
    """The drive that a frame's name tells: what stands before its last separator, or nothing."""
    cut = max(stem.rfind("_"), stem.rfind("-"))
    return stem[:cut] if cut > 0 else ""


def settings_digest(settings: dict[str, Any]) -> str:
    """Digest by which collected rows are recognised as those of the same settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def save_rows(path: Path, rows: CalibrationRows, digest: str) -> None:
    """Keep rows for the next fit, in one step; InputError where the file cannot be written."""
    columns: dict[str, Any] = {each.name: getattr(rows, each.name) for each in fields(rows)}
    columns |= {name: columns[name].astype(np.int32) for name in COUNTED}
    with whole_file(path) as partial:
        np.savez_compressed(partial, digest=np.array(digest), **columns)


def load_rows(path: Path, digest: str) -> CalibrationRows | None:
    """Rows kept under the same settings; None where there are none or they are of other settings."""
    if not path.is_file():
        return None
    names = [each.name for each in fields(CalibrationRows)]
    try:
        columns: dict[str, Any] = read_arrays(path, f"rows {path}", ["digest", *names])
    except InputError:
        return None  # half written or of an older program: collected again
    if str(columns.pop("digest")) != digest:
        return None
    columns |= {name: columns[name].astype(np.int64) for name in COUNTED}
    return CalibrationRows(**columns)
