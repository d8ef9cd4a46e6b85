# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The frames of replay results, as columns: what two sets of them are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.bounds import SECOND
from trustseg.errors import InputError
from trustseg.files.old_names import OLD_NAMES
from trustseg_lab.drift.places import CELL_M, Grid, Told, places_of
from trustseg_lab.recordings.storage import one_line
from trustseg_lab.replay.results.baseline import FORMER
from trustseg_lab.replay.results.frame_table import HEALTH, SCORES, read_columns
from trustseg_lab.replay.results.result_folder import class_names, drives_of, read_summary, title_of
from trustseg_lab.replay.results.totals import FRAMES

Float64 = npt.NDArray[np.float64]
OF_CLASS = "class_share/"
OF_HEALTH = "health/"


@dataclass(frozen=True)
class Frames:
    """Frames of some drives.

    Attributes:
        columns: by name float64 (N,), NaN where a frame has no value (a rejected one).
        drive: int (N,), index into `drives`. hour: int (N,), hour of the day (UTC) of the stamp.
        flag: bool (N,), the failure flag was up. rejected: bool (N,).
        drives: title of each. models: of the graphs that judged them. classes: names.
        geometries: how the network saw the images, as `input_geometry` of the settings, with the camera's digest.
        place: name of the cell that each frame was taken in, N of them; empty where it is not known. places: of how
            many drives it is. cell_m: side of a cell, metres.
    """

    columns: dict[str, Float64]
    drive: npt.NDArray[np.int64]
    hour: npt.NDArray[np.int64]
    flag: npt.NDArray[np.bool_]
    rejected: npt.NDArray[np.bool_]
    drives: list[str]
    models: frozenset[str]
    classes: list[str]
    geometries: frozenset[tuple[str, str]] = frozenset()
    place: npt.NDArray[np.str_] = field(default_factory=lambda: np.empty(0, np.str_))
    places: Told = field(default_factory=Told)
    cell_m: float = CELL_M

    @property
    def count(self) -> int:
        """Frames in all."""
        return len(self.drive)


def read_frames(folders: Sequence[Path], grid: Grid | None = None) -> Frames:
    """Every drive of some results of `trustseg replay`: of one drive, or of several with a folder each.

    Args:
        folders: of the results. grid: of places, which are looked for in the recordings; None takes the default one.

    Raises:
        InputError: a folder that holds no results, results that cannot be read, or drives with different classes.
    """
    found = [each for folder in folders for each in drives_of(folder)]
    documents = [read_summary(each) for each in found]
    classes = [class_names(document) for document in documents]
    for folder, names in zip(found, classes, strict=True):
        if names != classes[0]:
            raise InputError(
                f"{folder} has other classes than {found[0]}", expected=", ".join(classes[0]), got=", ".join(names),
                fix="compare results of one network's classes",
            )  # fmt: skip
    names = [*SCORES, *(f"{OF_HEALTH}{name}" for name in HEALTH), *(f"{OF_CLASS}{name}" for name in classes[0])]
    tables = [_table(folder, names) for folder in found]
    counts = [len(table["drive"]) for table in tables]
    if not sum(counts):
        raise InputError(f"{', '.join(map(str, folders))}: no frame", expected="results of trustseg replay with frames")
    grid, told = grid or Grid(), Told()
    place = [
        name
        for folder, document, table in zip(found, documents, tables, strict=True)
        for name in places_of(folder, document, table["stamp_ns"], grid, told)
    ]
    merged = {key: np.concatenate([table[key] for table in tables]) for key in tables[0]}
    return Frames(
        columns={name: merged[name] for name in names},
        drive=np.repeat(np.arange(len(found)), counts), hour=merged["hour"].astype(np.int64),
        flag=merged["flag"].astype(bool), rejected=merged["rejected"].astype(bool),
        drives=[title_of(document) for document in documents],
        models=frozenset(str(document["bundle"]["model_sha256"]) for document in documents), classes=classes[0],
        geometries=frozenset(_geometry(document) for document in documents),
        place=np.array(place, np.str_), places=told,
        cell_m=grid.cell_m,
    )  # fmt: skip


def _geometry(document: dict[str, Any]) -> tuple[str, str]:
    """Input geometry and camera of a drive's summary; of an older one what it was then."""
    settings = document.get("settings") or {}
    return str(settings.get("input_geometry") or FORMER["input_geometry"]), str(settings.get("camera") or "")


def _table(folder: Path, names: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    stored = {name: OLD_NAMES.get(name, name) for name in names}
    try:
        columns = read_columns(folder / FRAMES, [*stored.values(), "stamp_ns", "failure", "outcome"])
        found: dict[str, npt.NDArray[Any]] = {
            name: columns.column(column).to_numpy().astype(np.float64) for name, column in stored.items()
        }
        stamps = columns.column("stamp_ns").to_numpy().astype(np.int64)
        found["flag"] = np.array(columns.column("failure").to_pylist(), bool)
        found["rejected"] = np.array([each == "REJECTED" for each in columns.column("outcome").to_pylist()], bool)
    except Exception as error:  # whatever a damaged or foreign table makes the library say
        raise InputError(f"{folder / FRAMES} cannot be read", got=one_line(error)) from error
    found["stamp_ns"] = stamps
    found["hour"] = stamps // (3600 * SECOND) % 24
    found["drive"] = np.zeros(len(stamps))
    return found
