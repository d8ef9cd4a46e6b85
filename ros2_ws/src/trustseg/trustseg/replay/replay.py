"""One replay: every camera of every input, here or in processes, then the figures of all of them together."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from trustseg.bundle import load_bundle
from trustseg.errors import InputError, TrustSegError
from trustseg.evaluation.json_document import write_json
from trustseg.output_folder import output_folder
from trustseg.reasons import Reason
from trustseg.replay.baseline import Comparison, check_baseline, compare, metric_names, other_settings
from trustseg.replay.drive import DriveFigures, run_drive
from trustseg.replay.gate import Fired, Gate, parse_gate
from trustseg.replay.job import ReplayJob, ReplayOptions
from trustseg.replay.layouts import write_layouts
from trustseg.replay.processes import run_in_processes
from trustseg.replay.report import write_index, write_report
from trustseg.replay.sources import open_sources
from trustseg.replay.summary import SCHEMA_VERSION, drive_document, identifier, metrics_of, timing_of

SUMMARY, TIMING, BASELINE = "summary.json", "timing.json", "baseline.json"
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ReplayRequest:
    """What the user asked for.

    Attributes:
        inputs: bags, videos, folders. out: folder of the results.
        topics, every_topic: which cameras of bags.
        options: settings of every drive.
        fail_on: gate, empty for none. baseline: folder of an earlier run, None for none.
        jobs: processes.
    """

    inputs: tuple[Path, ...]
    out: Path
    options: ReplayOptions
    topics: tuple[str, ...] = ()
    every_topic: bool = False
    fail_on: str = ""
    baseline: Path | None = None
    jobs: int = 1


@dataclass
class ReplayResult:
    """What came of it: the whole summary, measured times, the gate's verdict, and inputs that could not be used."""

    document: dict[str, Any]
    timing: dict[str, float]
    fired: list[Fired] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)


def replay(request: ReplayRequest, progress: Progress = lambda name, taken, count: None) -> ReplayResult:
    """Replay everything that `request` names into its folder, which is whole afterwards or not there.

    With several inputs one that cannot be used is told in `failed`, and the others are replayed all the same.

    Raises:
        InputError: a setting, the only input, the gate, the baseline or the disk cannot be used.
        BundleError, BackendError: the engine cannot be used.
    """
    request.options.check()
    if request.jobs < 1:
        raise InputError(f"--jobs {request.jobs} is out of range", expected="at least 1")
    classes = [each.name for each in load_bundle(request.options.bundle).card.classes]
    gate = (
        parse_gate(request.fail_on, known_figures(classes, request.baseline is not None)) if request.fail_on else None
    )
    jobs, failed = _jobs(request)
    if request.baseline is not None:
        for job in jobs:
            check_baseline(request.baseline, job.name)
    with output_folder(request.out, replaces=SUMMARY) as folder:
        done: list[tuple[ReplayJob, DriveFigures, dict[str, Any]]] = []
        for job, outcome in _run_all(jobs, folder, request.jobs, progress):
            if isinstance(outcome, TrustSegError):
                if len(jobs) + len(failed) == 1:
                    raise outcome
                failed.append(f"{_title(job)}: {outcome}")
            else:
                done.append((job, *outcome))
        if not done:
            raise InputError("no input can be replayed", got="; ".join(failed))
        done.sort(key=lambda each: [job.name for job in jobs].index(each[0].name))
        result = _finish(request, gate, classes, done, failed, folder)
    return result


def known_figures(classes: Sequence[str], with_baseline: bool) -> set[str]:
    """Every name that `--fail-on` may use."""
    reasons = {f"reason_{each.name}" for each in Reason if each.value and each.name}
    named = {name for name in metrics_of_nothing(classes) if not name.startswith("reason_")}
    return named | reasons | set(timing_names()) | (set(metric_names()) if with_baseline else set())


def metrics_of_nothing(classes: Sequence[str]) -> set[str]:
    """Names of the figures, without any drive."""
    fixed = (
        "frames", "processed", "rejected", "left_out", "rejected_share", "good_share", "complete", "duration_s",
        "start_up_s", "failures", "failures_per_hour", "failure_share", "flag_up_share", "longest_failure_s",
        "predicted_miou_mean", "predicted_miou_p05", "mean_confidence", "low_confidence_share", "miou", "accuracy",
        "mean_quality", "poor_frames", "missed", "missed_share", "false_alarm_share", "ece", "auroc",
    )  # fmt: skip
    return {*fixed, *(f"iou_{identifier(name)}" for name in classes)}


def timing_names() -> list[str]:
    """Names of the measured figures."""
    measured = [f"{kind}_{q}_ms" for kind in ("latency", "engine", "decode") for q in ("p50", "p95", "p99", "max")]
    return [*measured, "wall_s", "frames_per_s", "share_of_the_limit"]


def _jobs(request: ReplayRequest) -> tuple[list[ReplayJob], list[str]]:
    found: list[tuple[Path, str]] = []
    failed: list[str] = []
    for path in request.inputs:
        try:
            sources = open_sources(
                path, request.topics, every_topic=request.every_topic, rate_hz=request.options.rate_hz
            )
        except InputError as error:
            if len(request.inputs) == 1:
                raise
            failed.append(str(error))
            continue
        for source in sources:
            found.append((path, source.topic))
            source.close()
    if not found:
        raise InputError("no input can be replayed", got="; ".join(failed))
    names: list[str] = []
    for path, topic in found:
        name = _file_name(path, topic if len({t for p, t in found if p == path}) > 1 else "") if len(found) > 1 else ""
        taken = sum(1 for each in names if each == name or each.startswith(f"{name}~"))
        names.append(f"{name}~{taken + 1}" if name and taken else name)
    jobs = [ReplayJob(path, topic, name, request.options) for (path, topic), name in zip(found, names, strict=True)]
    return jobs, failed


def _file_name(path: Path, topic: str) -> str:
    name = path.name.split(".")[0] or path.name
    return re.sub(r"[^\w.-]+", "_", f"{name}{topic}").strip("_")


def _title(job: ReplayJob) -> str:
    return f"{job.path.name} {job.topic}".strip()


def _run_all(
    jobs: Sequence[ReplayJob], folder: Path, processes: int, progress: Progress
) -> list[tuple[ReplayJob, TrustSegError | tuple[DriveFigures, dict[str, Any]]]]:
    outcomes: list[tuple[ReplayJob, TrustSegError | tuple[DriveFigures, dict[str, Any]]]] = []
    if processes == 1 or len(jobs) == 1:
        for job in jobs:
            outcomes.append((job, run_job(job, folder, partial(progress, _title(job)))))
        return outcomes
    for job, result in run_in_processes(partial(run_job, folder=folder), jobs, processes):
        if isinstance(result, Exception):
            result = TrustSegError(f"its process ended early, {type(result).__name__}: {result}")
        outcomes.append((job, result))
        progress("drives", len(outcomes), len(jobs))
    return outcomes


def run_job(
    job: ReplayJob, folder: Path, progress: Callable[[int, int], None] = lambda taken, count: None
) -> TrustSegError | tuple[DriveFigures, dict[str, Any]]:
    """One drive into its folder under `folder`; an error of the user's kind is returned: it must pass processes."""
    own = folder / job.name if job.name else folder
    if job.name:
        shutil.rmtree(own, ignore_errors=True)  # of an attempt that was killed
    own.mkdir(exist_ok=True)
    try:
        figures, bundle = run_drive(job, own, progress)
        document = drive_document(job, bundle, figures)
        write_json(own / SUMMARY, document)
        write_layouts(own)
        return figures, document
    except TrustSegError as error:
        # Its class may not survive pickling with several arguments; its text does.
        return InputError(str(error))


def _finish(
    request: ReplayRequest, gate: Gate | None, classes: Sequence[str],
    done: Sequence[tuple[ReplayJob, DriveFigures, dict[str, Any]]], failed: list[str], folder: Path,
) -> ReplayResult:  # fmt: skip
    figures = [each[1] for each in done]
    metrics, timing = metrics_of(figures, classes), timing_of(figures)
    comparisons: list[Comparison] = []
    for job, drive, document in done:
        own = folder / job.name if job.name else folder
        comparison: Comparison | None = None
        if request.baseline is not None:
            earlier = check_baseline(request.baseline, job.name)
            comparison = compare(earlier, own)
            comparisons.append(comparison)
            settings = other_settings(earlier, document)
            write_json(own / BASELINE, {"settings": settings, "comparison": comparison})
        write_json(own / TIMING, timing_of([drive]))
    compared: dict[str, float] = {}
    for name in metric_names() if comparisons else ():
        values = [each.metrics()[name] for each in comparisons]
        compared[name] = sum(values) / len(values) if name == "miou_change" else sum(values)
    fired = gate.check(metrics | timing | compared) if gate is not None else []
    for job, drive, document in done:
        own = folder / job.name if job.name else folder
        write_report(own, document, timing_of([drive]), gate.text if gate else "", [str(each) for each in fired])
    if len(done) == 1 and not done[0][0].name:
        document = done[0][2]
    else:
        document = {
            "schema_version": SCHEMA_VERSION, "metrics": metrics,
            "drives": [{"name": job.name, "input": each["input"], "metrics": each["metrics"]} for job, _, each in done],
        }  # fmt: skip
        write_json(folder / SUMMARY, document)
        write_json(folder / TIMING, timing)
        write_index(folder, [(job.name, each) for job, _, each in done], failed)
    losses = [f"{_title(job)}: {line}" for job, drive, _ in done for line in drive.losses]
    shown = document | {"timing": timing, "gate": {"expression": gate.text, "fired": fired} if gate else None}
    if comparisons:
        shown = shown | {"baseline": compared}
    return ReplayResult(shown, timing, fired, failed, losses)
