# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Cells of a grid that the frames of drives were taken in, by the positions in the recordings of replay results."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trustseg.errors import InputError
from trustseg_lab.recordings.positions import EARTH, NONE, read_positions
from trustseg_lab.replay.results.result_folder import recording_of_results, title_of

CELL_M = 100.0
METRES_A_DEGREE = 40_075_017 / 360  # of a great circle; the Earth's flattening changes it by 0.6 % at most
SHARED = ("map", "world", "earth", "utm")  # frames that mean the same in every drive
UNKNOWN = ""  # place of a frame whose position is not known
MOVED, WITHOUT = "recording not found (name it with --recording)", NONE


@dataclass(frozen=True)
class Grid:
    """How places are told apart.

    Attributes:
        cell_m: side of a cell, metres. recordings: where those of the results are that are not where they were.
    """

    cell_m: float = CELL_M
    recordings: tuple[Path, ...] = ()

    def check(self) -> None:
        """InputError where a cell has no sensible size."""
        if not 1.0 <= self.cell_m <= 1e6:
            raise InputError(f"--cell {self.cell_m:g} is out of range", expected="1 to 1000000 metres")


@dataclass
class Told:
    """Of how many drives the places are known; of the others why not, by reason."""

    drives: int = 0
    why: Counter[str] = field(default_factory=Counter)


def places_of(
    folder: Path, document: dict[str, Any], stamps: npt.NDArray[np.int64], grid: Grid, told: Told
) -> list[str]:  # fmt: skip
    """Name of the cell of each frame of a drive's results; `UNKNOWN` where nothing says it.

    Args:
        folder, document: results of one drive and their summary. stamps: int64 (n,), of its frames.
        grid: see there. told: is counted on.
    """
    nowhere = [UNKNOWN] * len(stamps)
    try:
        path, recorded_stamps = recording_of_results(folder, document, grid.recordings)
    except InputError:
        told.why[MOVED] += 1
        return nowhere
    try:
        positions = read_positions(path, recorded_stamps)
    except InputError:
        told.why[WITHOUT] += 1
        return nowhere
    told.drives += 1
    if positions.frame == EARTH:
        return [earth_cell(latitude, longitude, grid.cell_m) for latitude, longitude in positions.at(stamps)]
    where = positions.frame if positions.frame in SHARED else f"{positions.frame} of {title_of(document)}"
    return [local_cell(x, y, grid.cell_m, where) for x, y in positions.at(stamps)]


def earth_cell(latitude: float, longitude: float, cell_m: float) -> str:
    """The cell's centre as "LATITUDE, LONGITUDE" in degrees; cells of a row are as many degrees of longitude wide as
    make `cell_m` at the row's middle."""
    if not (math.isfinite(latitude) and math.isfinite(longitude)):
        return UNKNOWN
    height = cell_m / METRES_A_DEGREE
    middle = (math.floor(latitude / height) + 0.5) * height
    width = height / max(math.cos(math.radians(middle)), 1e-3)
    return f"{middle:.5f}, {(math.floor(longitude / width) + 0.5) * width:.5f}"


def local_cell(x: float, y: float, cell_m: float, where: str) -> str:
    """The cell's centre in metres, and the frame that they are in."""
    if not (math.isfinite(x) and math.isfinite(y)):
        return UNKNOWN
    centre = ((math.floor(each / cell_m) + 0.5) * cell_m for each in (x, y))
    return ", ".join(f"{each:g} m" for each in centre) + f" in {where}"


def note(told: Sequence[Told], cell_m: float) -> str:
    """In a line: how large a cell is, or why no place is known; and of how many drives none is."""
    why = sum((each.why for each in told), Counter[str]())
    missing = "; ".join(f"{count} drives: {reason}" for reason, count in sorted(why.items()))
    if not any(each.drives for each in told):
        return f"No places are told: {missing}."
    return f"Cells of {cell_m:g} m, by their centres." + (f" Not told of {missing}." if missing else "")
