# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""One replay: every camera of every input, wherever it is run, then the figures of all of them together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from trustseg.bundle.loading import load_bundle
from trustseg.errors import InputError
from trustseg.files.json_document import write_json
from trustseg.files.output_folder import output_folder
from trustseg_lab.data import list_images, passed_over
from trustseg_lab.data.documents import parse_json
from trustseg_lab.recordings.bag import is_bag
from trustseg_lab.recordings.storage import one_line
from trustseg_lab.replay.executors import Executor, ProcessExecutor, SerialExecutor, run_jobs
from trustseg_lab.replay.job import ReplayJob, ReplayOptions, job_keys
from trustseg_lab.replay.job_list import list_jobs
from trustseg_lab.replay.labels import FolderLabels, is_label_path, label_wish
from trustseg_lab.replay.ray_cluster import RayCluster, check_address
from trustseg_lab.replay.results.baseline import (
    Comparison,
    check_baseline,
    compare,
    other_settings,
    together,
)
from trustseg_lab.replay.results.gate import Fired, Gate, parse_gate
from trustseg_lab.replay.results.metric_names import known_metrics
from trustseg_lab.replay.results.result_folder import SUMMARY
from trustseg_lab.replay.results.rig import rigs_of
from trustseg_lab.replay.results.shown.report import write_index, write_report
from trustseg_lab.replay.results.summary import SCHEMA_VERSION, metrics_of, timing_of
from trustseg_lab.replay.results.totals import BASELINE, TIMING, DriveTotals, read_totals
from trustseg_lab.replay.results.written_files import wrote
from trustseg_lab.replay.run_job import JobEnd, run_job
from trustseg_lab.replay.unfinished import LOCK, finished_in, take_up, unfinished_folder

Progress = Callable[[str, int, int], None]
DRIVES = "recordings"  # title of the progress over all of them


@dataclass(frozen=True)
class ReplayRequest:
    """What the user asked for.

    Attributes:
        inputs: bags, videos, folders. out: folder of the results.
        topics, every_topic: which cameras of bags. required_topics: those that raise a rig's flag; empty: all.
        options: settings of every drive.
        fail_on: gate, empty for none. baseline: folder of an earlier run, None for none.
        jobs: processes. executor: a Ray cluster instead, empty for none.
        retries: how often a drive is tried again whose process died or whose files could not be read.
        fresh: take over nothing from an earlier run, and remove what one that was interrupted left.
    """

    inputs: tuple[Path, ...]
    out: Path
    options: ReplayOptions
    topics: tuple[str, ...] = ()
    every_topic: bool = False
    required_topics: tuple[str, ...] = ()
    fail_on: str = ""
    baseline: Path | None = None
    jobs: int = 1
    executor: str = ""
    retries: int = 1
    fresh: bool = False

    def check(self) -> None:
        """InputError where a value makes no sense."""
        self.options.check()
        for name, value, low, high in (("--jobs", self.jobs, 1, 1024), ("--retries", self.retries, 0, 100)):
            if not low <= value <= high:
                raise InputError(f"{name} {value} is out of range", expected=f"{low} to {high}")
        if self.executor:
            check_address(self.executor)


@dataclass
class ReplayResult:
    """What came of it: the whole summary, measured times, the gate's verdict, and inputs that could not be used.

    Attributes:
        rejected: why images of a recording were rejected and how many, one line each. unjudged: recordings of which no
            image could be judged.
    """

    document: dict[str, Any]
    timing: dict[str, float]
    fired: list[Fired] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    unjudged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Done:
    """A drive whose results lie in `folder`."""

    job: ReplayJob
    folder: Path
    sums: DriveTotals
    document: dict[str, Any]


def replay(
    request: ReplayRequest, progress: Progress = lambda name, taken, count: None,
    say: Callable[[str], object] = lambda line: None,
) -> ReplayResult:  # fmt: skip
    """Replay everything that `request` names into its folder, which is whole afterwards or not there.

    With several recordings one that cannot be used is told in `failed`, and the others are replayed all the same; those
    that an earlier run has finished, also one that was interrupted, are taken over.

    Args:
        request: what the user asked for. progress: called with (title, done, of how many; 0 for unknown).
        say: takes lines for the user.

    Raises:
        InputError: a setting, the only input, the gate, the baseline, the cluster or the disk cannot be used.
        BundleError, BackendError: the engine cannot be used.
    """
    request.check()
    bundle = load_bundle(request.options.bundle)
    classes = [each.name for each in bundle.card.classes]
    gate = (
        parse_gate(request.fail_on, known_metrics(classes, request.baseline is not None)) if request.fail_on else None
    )
    jobs, failed = list_jobs(request.inputs, request.topics, every_topic=request.every_topic, options=request.options)
    for topic in request.required_topics:
        if topic not in (there := [job.topic for job in jobs]):
            expected = "one of " + ", ".join(dict.fromkeys(filter(None, there))) if any(there) else "a bag's topic"
            raise InputError("a required camera is not replayed", expected=expected, got=topic)
    for path in dict.fromkeys(job.path for job in jobs if job.path.is_dir() and not is_bag(job.path)):
        for line in passed_over(path):
            say(line)
    if is_label_path(request.options.labels):
        names = (
            [path.name for path in list_images(jobs[0].path).files]
            if jobs[0].path.is_dir() and not jobs[0].topic
            else []
        )
        wish = label_wish(request.options, bundle.card)
        for line in FolderLabels(Path(request.options.labels), request.options.void, wish, names).told():
            say(line)
    if request.baseline is not None:
        for job in jobs:
            check_baseline(request.baseline, job.name)
    alone = not jobs[0].name
    place: Callable[..., AbstractContextManager[Path]] = output_folder if alone else unfinished_folder
    keys = job_keys(jobs, bundle)
    with place(request.out.absolute(), replaces=SUMMARY, wrote=wrote) as folder:
        left = list(jobs)
        if not alone:
            taken = take_up(keys, request.out, folder, fresh=request.fresh)
            left = [job for job in jobs if job.name not in taken]
            if taken:
                say(f"{len(taken)} of {len(jobs)} recordings were finished by an earlier run, and are taken over")
        try:
            failed += _run(request, left, keys, folder, progress, len(jobs))
        except BaseException:
            if not alone and (kept := len(finished_in(folder))):
                say(f"{kept} finished recordings are kept in {folder}; the same command takes them up")
            raise
        done = [_read(job, folder) for job in jobs if (folder / job.name / SUMMARY).is_file()]
        if not done:
            raise InputError("no input can be replayed", got="; ".join(failed))
        result = _finish(request, gate, classes, jobs, done, failed, folder)
    return result


def _run(
    request: ReplayRequest, jobs: Sequence[ReplayJob], keys: dict[str, str], folder: Path, progress: Progress,
    count: int,
) -> list[str]:  # fmt: skip
    """Run `jobs` into `folder`; what failed, one line each. The only job of all raises instead."""
    failed: list[str] = []
    if not jobs:
        return failed
    call = partial(run_job, folder=folder, keys=keys)
    executor: Executor[ReplayJob, JobEnd]
    if request.executor:
        local = min(request.jobs, len(jobs))
        executor = RayCluster(request.executor, call, folder / LOCK, request.options.threads, local)
    elif request.jobs > 1 and count > 1:
        executor = ProcessExecutor(call, min(request.jobs, len(jobs)))
    else:
        executor = SerialExecutor(lambda job: call(job, progress=partial(progress, job.title)))
    if count > 1:
        progress(DRIVES, count - len(jobs), count)
    for number, (job, end) in enumerate(run_jobs(executor, jobs, request.retries, _worth_again), start=1):
        error = end.error if isinstance(end, JobEnd) else f"{type(end).__name__}: {one_line(end)}"
        if error and not job.name:
            raise end if isinstance(end, Exception) else InputError(error)
        if error:
            failed.append(f"{job.title}: {error}")
        if count > 1:
            progress(DRIVES, count - len(jobs) + number, count)
    return failed


def _worth_again(end: JobEnd | Exception) -> bool:
    """What the user gave does not get better; lost processes and disks that do not answer do."""
    return end.again if isinstance(end, JobEnd) else not isinstance(end, InputError)


def _read(job: ReplayJob, folder: Path) -> Done:
    own = folder / job.name
    return Done(job, own, read_totals(own), parse_json((own / SUMMARY).read_bytes()))


def _finish(
    request: ReplayRequest, gate: Gate | None, classes: Sequence[str], jobs: Sequence[ReplayJob],
    done: Sequence[Done], failed: list[str], folder: Path,
) -> ReplayResult:  # fmt: skip
    sums = [each.sums for each in done]
    metrics, timing = metrics_of(sums, classes), timing_of(sums)
    comparisons = [_compared(each, request.baseline) for each in done] if request.baseline is not None else []
    compared = together(comparisons) if comparisons else {}
    fired = gate.check(metrics | timing | compared) if gate is not None else []
    for each in done:
        if not comparisons:
            (each.folder / BASELINE).unlink(missing_ok=True)  # of the run that it is taken from
        told = [str(clause) for clause in fired]
        write_report(each.folder, each.document, timing_of([each.sums]), gate.text if gate else "", told)
    document = done[0].document
    if done[0].job.name:
        drives = [(each.job.name, each.document) for each in done]
        document = {
            "schema_version": SCHEMA_VERSION, "metrics": metrics,
            "drives": [{"name": name, "input": d["input"], "metrics": d["metrics"]} for name, d in drives],
            "rigs": rigs_of(drives, request.required_topics, _lost(jobs, done)), "failed": failed,
        }  # fmt: skip
        write_json(folder / SUMMARY, document)
        write_json(folder / TIMING, timing)
        write_index(folder, drives, failed)
    losses = [f"{each.job.title}: {line}" for each in done for line in each.sums.losses]
    shown = document | {"timing": timing, "gate": {"expression": gate.text, "fired": fired} if gate else None}
    if comparisons:
        shown = shown | {"baseline": compared}
    rejected = [line for each in done if (line := _rejected(each))]
    unjudged = [each.job.title for each in done if not each.sums.tally.processed]
    return ReplayResult(shown, timing, fired, failed, losses, rejected, unjudged)


def _lost(jobs: Sequence[ReplayJob], done: Sequence[Done]) -> dict[str, list[str]]:
    """Topics of the cameras that have no results, by the fingerprint of a recording of which others have some."""
    fingerprints = {each.job.path: each.document["input"]["fingerprint"] for each in done}
    finished = {each.job.name for each in done}
    lost: dict[str, list[str]] = {}
    for job in jobs:
        if job.topic and job.name not in finished and job.path in fingerprints:
            lost.setdefault(fingerprints[job.path], []).append(job.topic)
    return lost


def _rejected(drive: Done) -> str:
    """How many images of a recording were rejected and why, the most frequent reason first; empty for none."""
    found = sorted(drive.document["rejected"].items(), key=lambda item: -item[1]["frames"])
    tally = drive.sums.tally
    if not found:
        return ""
    told = ", ".join(f"{name} {each['frames']}" for name, each in found)
    stamped = any(name.startswith(("STAMP_", "DUPLICATE")) for name, _ in found)
    hint = "; --stamps recorded takes the times of recording"
    return (
        f"{drive.job.title}: {tally.rejected} of {tally.processed + tally.rejected} images were rejected: {told}; "
        f"the first for {found[0][0]}: {found[0][1]['why']}"
        f"{hint if stamped and drive.job.topic and not drive.job.options.recorded_stamps else ''}"
    )


def _compared(drive: Done, baseline: Path) -> Comparison:
    earlier = check_baseline(baseline, drive.job.name)
    comparison = compare(earlier, drive.folder)
    write_json(
        drive.folder / BASELINE,
        {"settings": other_settings(earlier, drive.document), "comparison": comparison},
    )
    return comparison
