# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Candidates out of replay results: what `frames.parquet` says ranks them, and no frame is segmented for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from trustseg.bundle.loading import Bundle
from trustseg.errors import InputError
from trustseg.files.old_names import OLD_NAMES
from trustseg.reasons import Outcome, Reason
from trustseg_lab.mining.candidates import (
    INPUT_FIGURES,
    NAN,
    UNUSABLE,
    Candidate,
    Candidates,
    change_of_shares,
    criteria_of,
    table_features,
    unusable_for,
)
from trustseg_lab.recordings.storage import one_line
from trustseg_lab.replay.job import ReplayJob, ReplayOptions
from trustseg_lab.replay.results.frame_table import rows_of
from trustseg_lab.replay.results.result_folder import (
    class_names,
    drives_of,
    read_summary,
    recording_of_results,
    title_of,
)
from trustseg_lab.replay.results.totals import FRAMES

SCORES = ("mean_confidence", "failure_score", "ood_score")
FACTS = ("index", "stamp_ns", "time_s", "outcome", "reason_bits", "why")


@dataclass(frozen=True)
class ReplayedDrive:
    """Results of one drive whose recording is there.

    Attributes:
        folder: of the results. job: reads the recording. title: for people. begin_s: seconds since the first image of
            the recording at which the replay began. model_sha256: of the graph that judged it.
    """

    folder: Path
    job: ReplayJob
    title: str
    begin_s: float
    model_sha256: str


def open_results(
    folders: Sequence[Path], bundle: Bundle, options: ReplayOptions, elsewhere: Sequence[Path] = ()
) -> tuple[list[ReplayedDrive], list[str]]:
    """The drives of some results, and what cannot be used, one line each.

    Args:
        folders: of results, of one drive or of several. bundle: proposes the labels. options: engine and part of the
            recordings. elsewhere: where recordings are that are not where they were.

    Raises:
        InputError: the only drive cannot be used.
    """
    found: list[ReplayedDrive] = []
    inner = [each for folder in folders for each in drives_of(folder)]
    failed: list[str] = []
    for folder in inner:
        try:
            found.append(_open(folder, bundle, options, elsewhere))
        except InputError as error:
            if len(inner) == 1:
                raise
            failed.append(str(error))
    return found, failed


def _open(folder: Path, bundle: Bundle, options: ReplayOptions, elsewhere: Sequence[Path]) -> ReplayedDrive:
    document = read_summary(folder)
    names, wanted = class_names(document), [each.name for each in bundle.card.classes]
    if names != wanted:
        raise InputError(
            f"the results {folder} have other classes than bundle {bundle.card.name}", expected=", ".join(wanted),
            got=", ".join(names), fix="give the bundle that they are of with --bundle",
        )  # fmt: skip
    path, recorded_stamps = recording_of_results(folder, document, elsewhere)
    own = replace(options, recorded_stamps=recorded_stamps)
    job = ReplayJob(path, str(document["input"].get("topic") or ""), "", own)
    try:
        begin_s = float(document["settings"]["start_s"])
    except (KeyError, TypeError, ValueError):
        begin_s = 0.0
    return ReplayedDrive(folder, job, title_of(document), begin_s, str(document["bundle"]["model_sha256"]))


def collect_results(
    candidates: Candidates, drive: ReplayedDrive, classes: Sequence[str], progress: Callable[[], object] = lambda: None
) -> None:
    """Add the frames of one drive, as its table tells them; with `from_tables`, and without thumbnails.

    Raises:
        InputError: the table cannot be read.
    """
    shares = [f"class_share/{name}" for name in classes]
    stored = {name: OLD_NAMES.get(name, name) for name in SCORES}
    columns = [*FACTS, *stored.values(), *shares, *(f"health/{name}" for name in INPUT_FIGURES)]
    options, taken = drive.job.options, 0
    before: np.ndarray | None = None
    try:
        for row in rows_of(drive.folder / FRAMES, columns):
            since_s = drive.begin_s + float(row["time_s"])
            if since_s < options.start_s or (options.end_s is not None and since_s >= options.end_s):
                continue
            taken += 1
            if (taken - 1) % options.every:
                continue
            progress()
            candidates.images += 1
            reasons = Reason(int(row["reason_bits"]))
            if row["outcome"] != Outcome.PROCESSED.name or reasons & UNUSABLE:
                candidates.leave_out(unusable_for(row["why"] or "", reasons))
                before = None
                continue
            health = {name: row[f"health/{name}"] for name in INPUT_FIGURES}
            features = table_features([_number(row[name]) for name in shares], health)
            changing = change_of_shares(before, features, len(shares))
            before = features
            sure, failing, strange = (_number(row[stored[name]]) for name in SCORES)
            place = Candidate(drive.job, int(row["index"]), int(row["stamp_ns"]), since_s)
            candidates.add(place, criteria_of(sure, failing, strange, changing), features, None)
    except Exception as error:  # whatever a damaged or foreign table makes the library say
        raise InputError(f"{drive.folder / FRAMES} cannot be read", got=one_line(error)) from error


def _number(value: Any) -> float:
    return NAN if value is None else float(value)
