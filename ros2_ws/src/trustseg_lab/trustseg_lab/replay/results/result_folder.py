# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Folders of replay results, as other commands find and read them; `recording.json` says where each recording was."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from trustseg.errors import InputError
from trustseg.files.json_document import write_json
from trustseg_lab.data import shown
from trustseg_lab.data.documents import parse_json
from trustseg_lab.recordings.sources import fingerprint
from trustseg_lab.recordings.storage import one_line
from trustseg_lab.replay.job import ReplayJob
from trustseg_lab.replay.results.totals import FRAMES, RECORDING

SUMMARY = "summary.json"
NEEDED = "run trustseg replay RECORDING --out FOLDER first"


def holds_results(folder: Path) -> bool:
    """Whether it holds results of `trustseg replay`: of one drive, or of several with a folder each."""
    return (folder / FRAMES).is_file() or (folder.is_dir() and any(folder.glob(f"*/{FRAMES}")))


def drives_of(folder: Path) -> list[Path]:
    """The folder of each drive of some results.

    Raises:
        InputError: none is there.
    """
    if (folder / FRAMES).is_file():
        return [folder]
    inner = sorted(each.parent for each in folder.glob(f"*/{FRAMES}")) if folder.is_dir() else []
    if not inner:
        raise InputError(
            f"{folder} holds no replay results", expected=f"a folder with {FRAMES}, or with drives that have one",
            fix=NEEDED,
        )  # fmt: skip
    return inner


def read_summary(folder: Path) -> dict[str, Any]:
    """`summary.json` of one drive; InputError where it cannot be read."""
    try:
        document = parse_json((folder / SUMMARY).read_bytes())
        _ = document["bundle"]["model_sha256"], document["bundle"]["classes"][0]["name"], document["input"]["name"]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"{folder / SUMMARY} cannot be read", got=one_line(error)) from error
    return dict(document)


def class_names(document: dict[str, Any]) -> list[str]:
    """Classes of a drive's summary, in the order of their ids."""
    return [str(each["name"]) for each in document["bundle"]["classes"]]


def title_of(document: dict[str, Any]) -> str:
    """For people: the recording's name and topic."""
    return shown(f"{document['input']['name']} {document['input'].get('topic') or ''}".strip())


def write_recording(folder: Path, job: ReplayJob) -> None:
    """Note where the recording of a drive is; apart from the other files, which are the same wherever it lies."""
    write_json(folder / RECORDING, {"path": str(job.path), "recorded_stamps": job.options.recorded_stamps})


def recording_of_results(folder: Path, document: dict[str, Any], elsewhere: Sequence[Path] = ()) -> tuple[Path, bool]:
    """The recording that a drive's results are of, and whether its images are stamped with the times of recording.

    Args:
        folder: of one drive. document: its summary. elsewhere: recordings, or folders that hold some, looked at first.

    Raises:
        InputError: none of these is there with the content that was replayed.
    """
    name, wanted = str(document["input"]["name"]), str(document["input"].get("fingerprint"))
    was: Path | None = None
    recorded_stamps = False
    try:
        noted = parse_json((folder / RECORDING).read_bytes())
        was, recorded_stamps = Path(str(noted["path"])), bool(noted["recorded_stamps"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # results of an older version, or a part of the folder: `elsewhere` may tell
    places = [*(each / name for each in elsewhere), *elsewhere, *([was] if was else [])]
    other = ""
    for place in places:
        if not place.exists():
            continue
        try:
            if fingerprint(place) == wanted:
                return place.absolute(), recorded_stamps
        except InputError:  # a folder of recordings is none itself
            continue
        other = other or f"; {place} is another recording, or was changed"
    raise InputError(
        f"the recording of the results {folder} is not found", expected=str(was or name),
        got=f"nothing with that content{other}", fix=f"say where {shown(name)} is with --recording PATH",
    )  # fmt: skip
