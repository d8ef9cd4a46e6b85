# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The differences between two runs of the same recording, frame by frame, regressions first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from trustseg.errors import InputError
from trustseg_lab.data.documents import parse_json
from trustseg_lab.recordings.storage import one_line
from trustseg_lab.replay.results.frame_table import frame_schema

COLUMNS = (
    "index", "stamp_ns", "time_s", "outcome", "reasons", "state", "failure", "failure_score", "predicted_miou",
    "mean_confidence", "mask_crc32", "confidence_crc32", "true_quality",
)  # fmt: skip
# Column -> field of `Comparison` that holds its largest change.
LARGEST = {
    "failure_score": "largest_score_change", "predicted_miou": "largest_quality_change",
    "mean_confidence": "largest_confidence_change",
}  # fmt: skip
TABLE = "frames.parquet"
SHOWN = 500
# What a run was whose summary says nothing of it: the default of before there was such a setting.
FORMER = {
    "input_geometry": "stretch", "temporal_filter": 0.0, "selective_risk": 0.0, "missed_errors": 0.0,
    "recorded_stamps": False, "allow_resolution_change": False,
}  # fmt: skip
NO_METRICS = ("differences", "frames", "labelled_frames")  # of a `Comparison`
SCORE_STEP = 0.05  # smaller changes of score and quality are told as "changed", not as better or worse


@dataclass(frozen=True)
class Difference:
    """One frame that is not what it was.

    Attributes:
        index, stamp_ns, time_s: of the frame.
        what: what changed, for people.
        regression: how much worse, 0 where it is not; the order of the list.
    """

    index: int
    stamp_ns: int
    time_s: float
    what: str
    regression: float


@dataclass
class Comparison:
    """All differences between two runs; counts are complete, the lists hold the worst.

    Attributes:
        frames: in both. changed_frames: of those, with any difference. changed_masks: with another mask.
        changed_verdicts: with another outcome, state, flag or reasons.
        new_alarms, gone_alarms: flag up now and not before, and the other way round.
        new_misses: labelled frames of poor quality whose flag went down. worse_frames: lower true quality by a step.
        missing_frames, added_frames: in one run only.
        largest_score_change, largest_quality_change, largest_confidence_change: of a frame's failure score, predicted
            quality and mean confidence, up or down.
        miou_change: mean change of the true quality of labelled_frames, which are labelled in both; NaN without any.
    """

    frames: int = 0
    changed_frames: int = 0
    changed_masks: int = 0
    changed_verdicts: int = 0
    new_alarms: int = 0
    gone_alarms: int = 0
    new_misses: int = 0
    worse_frames: int = 0
    missing_frames: int = 0
    added_frames: int = 0
    largest_score_change: float = 0.0
    largest_quality_change: float = 0.0
    largest_confidence_change: float = 0.0
    miou_change: float = math.nan
    labelled_frames: int = 0
    differences: list[Difference] = field(default_factory=list)

    def metrics(self) -> dict[str, float]:
        """Figures that a gate may name."""
        return {name: float(value) for name, value in asdict(self).items() if name not in NO_METRICS}


def metric_names() -> list[str]:
    """Names that `Comparison.metrics` gives."""
    return list(Comparison().metrics())


def together(comparisons: Sequence[Comparison]) -> dict[str, float]:
    """The figures of several drives as of one: sums, largest changes, and a mean over the labelled frames of all."""
    found: dict[str, float] = {}
    labelled = [each for each in comparisons if each.labelled_frames]
    for name in metric_names():
        values = [each.metrics()[name] for each in comparisons]
        found[name] = max(values) if name.startswith("largest_") else sum(values)
    count = sum(each.labelled_frames for each in labelled)
    changes = sum(each.miou_change * each.labelled_frames for each in labelled)
    found["miou_change"] = changes / count if count else math.nan
    return found


def check_baseline(folder: Path, name: str) -> Path:
    """The folder of an earlier run of the drive `name`; InputError where there is none that can be compared with."""
    found = folder / name if name else folder
    if not (found / TABLE).is_file():
        raise InputError(
            f"{found} is no result of an earlier replay", expected="a folder with frames.parquet",
            fix="give the --out of an earlier `trustseg replay` of the same input",
        )  # fmt: skip
    for _ in _earlier_rows(found):  # all of it now: after hours of work it is too late to say
        pass
    return found


def compare(before: Path, after: Path) -> Comparison:
    """Compare frames.parquet of two result folders, frames paired by number and stamp.

    Raises:
        InputError: the earlier table cannot be read, is damaged, or has other columns.
    """
    earlier = {(row["index"], row["stamp_ns"]): row for row in _earlier_rows(before)}
    result = Comparison()
    changes: list[float] = []
    for row in _rows(after / TABLE):
        old = earlier.pop((row["index"], row["stamp_ns"]), None)
        if old is None:
            result.added_frames += 1
            continue
        result.frames += 1
        _compare_frame(old, row, result, changes)
    result.missing_frames = len(earlier)
    if changes:
        result.miou_change, result.labelled_frames = sum(changes) / len(changes), len(changes)
    result.differences.sort(key=lambda d: (-d.regression, d.index))
    del result.differences[SHOWN:]
    return result


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file, pq.ParquetFile(file, page_checksum_verification=True) as table:
        expected, there = frame_schema(()), table.schema_arrow
        for name in COLUMNS:  # a column that is not there would be passed over without a word
            if name not in there.names:
                raise ValueError(f"no column {name}")
            if there.field(name).type != expected.field(name).type:
                raise ValueError(f"column {name} of type {there.field(name).type}, not {expected.field(name).type}")
        read = 0
        for batch in table.iter_batches(columns=list(COLUMNS)):
            yield from batch.to_pylist()
            read += batch.num_rows
        about = table.metadata
        groups = [about.row_group(number).num_rows for number in range(about.num_row_groups)]
        if {about.num_rows, sum(groups)} != {read}:  # the footer itself has no checksum
            raise ValueError(f"it states {about.num_rows} rows, {read} are there")


def _earlier_rows(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        yield from _rows(folder / TABLE)
    except Exception as error:  # whatever a damaged table makes pyarrow do
        raise InputError(
            f"{folder / TABLE} cannot be compared with", got=one_line(error), fix="replay the earlier run again"
        ) from error


def _compare_frame(old: dict[str, Any], new: dict[str, Any], result: Comparison, changes: list[float]) -> None:
    told: list[str] = []
    regression = 0.0
    if old["failure"] != new["failure"]:
        told.append(f"flag {_flag(old)} -> {_flag(new)}")
        if new["failure"]:
            result.new_alarms += 1
            regression += 1.0
        else:
            result.gone_alarms += 1
    for name in ("outcome", "state", "reasons"):
        if old[name] != new[name]:
            told.append(f"{name} {old[name] or 'none'} -> {new[name] or 'none'}")
    result.changed_verdicts += bool(told)
    _measure(old, new, result)
    quality_before, quality = old["true_quality"], new["true_quality"]
    if quality is not None and quality_before is not None:
        changes.append(quality - quality_before)
        if abs(quality - quality_before) >= SCORE_STEP:
            told.append(f"true quality {quality_before:.2f} -> {quality:.2f}")
            if quality < quality_before:
                result.worse_frames += 1
                regression += 2.0 * (quality_before - quality)
    if quality is not None and quality < 0.5 and old["failure"] and not new["failure"]:
        result.new_misses += 1
        regression += 10.0  # nothing is worse than a poor mask that is trusted now
    for name in ("failure_score", "predicted_miou"):
        a, b = old[name], new[name]
        if a is not None and b is not None and abs(a - b) >= SCORE_STEP:
            told.append(f"{name} {a:.2f} -> {b:.2f}")
            worse = b - a if name == "failure_score" else a - b
            regression += max(0.0, worse)
    if old["mask_crc32"] != new["mask_crc32"]:
        result.changed_masks += 1
        told.append("another mask")
    elif old["confidence_crc32"] != new["confidence_crc32"]:
        told.append("another confidence")
    if told:
        result.changed_frames += 1
        result.differences.append(
            Difference(new["index"], new["stamp_ns"], new["time_s"], ", ".join(told), round(regression, 6))
        )
        if len(result.differences) > 20 * SHOWN:
            result.differences.sort(key=lambda d: (-d.regression, d.index))
            del result.differences[SHOWN:]


def _measure(old: dict[str, Any], new: dict[str, Any], result: Comparison) -> None:
    for column, name in LARGEST.items():
        if old[column] is not None and new[column] is not None:
            setattr(result, name, max(getattr(result, name), abs(new[column] - old[column])))


def _flag(row: dict[str, Any]) -> str:
    return "up" if row["failure"] else "down"


def other_settings(before: Path, document: dict[str, Any]) -> list[str]:
    """What else differs between the runs, one line each: model, backend, settings, input."""
    unread = ["the earlier run has no summary.json that can be read"]
    try:
        old = parse_json((before / "summary.json").read_bytes())
    except (OSError, ValueError):
        return unread
    parts = ("input", "bundle", "settings")
    if not isinstance(old, dict) or not all(isinstance(old.get(part, {}), dict) for part in parts):
        return unread
    found = []
    for part in parts:
        was, now = FORMER | old.get(part, {}) if part == "settings" else old.get(part, {}), document[part]
        for name in dict.fromkeys([*now, *was]):
            if name not in ("classes", "losses", "name") and was.get(name) != now.get(name):
                found.append(f"{part} {name}: {was.get(name)} -> {now.get(name)}")
    return found
