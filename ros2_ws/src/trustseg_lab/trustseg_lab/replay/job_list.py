# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The cameras of all inputs, each a job with a name of its own."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from trustseg.errors import InputError
from trustseg_lab.recordings.sources import open_sources, recording_of
from trustseg_lab.replay.job import ReplayJob, ReplayOptions


def list_jobs(
    inputs: Sequence[Path], topics: Sequence[str], *, every_topic: bool, options: ReplayOptions
) -> tuple[list[ReplayJob], list[str]]:
    """A job for each chosen camera of each input, and what cannot be used, one line each.

    The only camera of the only input has no name: its results are those of the run.

    Args:
        inputs: bags, videos, folders. topics, every_topic: which cameras of bags. options: of every job.

    Raises:
        InputError: the only input, or none of them, can be used.
    """
    found: list[tuple[Path, str]] = []
    failed: list[str] = []
    for named in inputs:
        path = recording_of(named)
        try:
            sources = open_sources(path, topics, every_topic=every_topic, rate_hz=options.rate_hz)
        except InputError as error:
            if len(inputs) == 1:
                raise
            failed.append(str(error))
            continue
        for source in sources:
            found.append((_absolute(path), source.topic))
            source.close()
    if not found:
        raise InputError("no input can be replayed", got="; ".join(failed))
    names: list[str] = []
    for path, topic in found if len(inputs) > 1 or len(found) > 1 else ():
        name = _file_name(path, topic if len({t for p, t in found if p == path}) > 1 else "")
        taken = sum(1 for each in names if each == name or each.startswith(f"{name}~"))
        names.append(f"{name}~{taken + 1}" if taken else name)
    # A job may run in another folder, on another machine.
    options = replace(options, bundle=_placed(options.bundle), labels=_placed(options.labels))
    names = names or [""]
    jobs = [ReplayJob(path, topic, name, options) for (path, topic), name in zip(found, names, strict=True)]
    return jobs, failed


def _file_name(path: Path, topic: str) -> str:
    name = path.name.split(".")[0] or path.name
    return re.sub(r"[^\w.-]+", "_", f"{name}{topic}").strip("._") or "drive"


def _absolute(path: Path) -> Path:
    """Without links resolved: the name that the user gave stays."""
    return Path(os.path.abspath(path))


def _placed(named: str) -> str:
    """A folder as an absolute path; what is none, such as a topic or a bundle's name, as it is."""
    return str(_absolute(Path(named))) if named and Path(named).is_dir() else named
