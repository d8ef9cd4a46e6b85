# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One job, wherever it runs: a drive into a folder that has its name only when it is whole."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from trustseg.errors import InputError, TrustSegError
from trustseg.files.json_document import write_json
from trustseg_lab.replay.camera_replay import run_drive
from trustseg_lab.replay.job import ReplayJob
from trustseg_lab.replay.results.result_folder import SUMMARY, write_recording
from trustseg_lab.replay.results.shown.layouts import write_layouts
from trustseg_lab.replay.results.summary import drive_document, timing_of
from trustseg_lab.replay.results.totals import TIMING, write_totals
from trustseg_lab.replay.unfinished import PART


@dataclass(frozen=True)
class JobEnd:
    """How a job ended: `error` is empty when its results are there; `again`: another try may go better."""

    error: str = ""
    again: bool = False


def run_job(
    job: ReplayJob, folder: Path, keys: Mapping[str, str],
    progress: Callable[[int, int], None] = lambda taken, count: None,
) -> JobEnd:  # fmt: skip
    """Replay one drive into its folder under `folder`, or into `folder` itself where it is the only one.

    Args:
        job: what to replay. folder: exists. keys: name of each job -> its key. progress: as `run_drive`.
    """
    own = folder / f"{PART}{job.name}-{socket.gethostname()}-{os.getpid()}" if job.name else folder
    try:
        if job.name:
            shutil.rmtree(own, ignore_errors=True)
            own.mkdir()
        figures, bundle = run_drive(job, own, progress)
        write_json(own / SUMMARY, drive_document(job, bundle, figures))
        write_recording(own, job)
        write_json(own / TIMING, timing_of([figures]))
        write_layouts(own)
        write_totals(own, figures, keys[job.name])
        if job.name:
            own.rename(folder / job.name)
        return JobEnd()
    except TrustSegError as error:
        # Its class may not survive the way back from another process; its text does.
        return JobEnd(str(error), again=isinstance(error.__cause__, OSError))
    except OSError as error:
        return JobEnd(str(InputError(f"cannot write {folder}", got=error.strerror or str(error))), again=True)
    finally:
        if job.name:
            shutil.rmtree(own, ignore_errors=True)
