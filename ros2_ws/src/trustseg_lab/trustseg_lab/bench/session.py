# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Times the real node: starts it as a drive does, sends frames at a rate, and waits for the status of each."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import yaml

from trustseg.bounds import MS, SECOND
from trustseg.errors import TrustSegError
from trustseg.reasons import Outcome
from trustseg_lab.bench.path_timing import ROS_BUDGET_MS, Timing, bench_frames, timing_of
from trustseg_lab.harness.processes import ProcessGroup, Program
from trustseg_lab.harness.transport import drive_environment
from trustseg_ros.common.diagnostics import LOST, OVERWRITTEN, TAKEN_IN

SEGMENTER, PROBE = "segmenter", "probe"
START_LIMIT_S = 90.0
POLL_S = 0.1


@dataclass(frozen=True)
class BenchOptions:
    """What is sent through which node: `frames` frames of (height, width) at `rate_hz`."""

    bundle: str
    backend: str
    threads: int
    precision: str
    height: int
    width: int
    frames: int
    rate_hz: float


@dataclass(frozen=True)
class Lost:
    """Frames without a status, by where they ended.

    Attributes:
        on_the_way: DDS lost them between the processes.
        overwritten: they reached the node's reader, and newer ones took their place before the node took them.
        unanswered: the node took them and sent no status, or the status was lost.
        unknown: the node's counters do not tell (the last frames of a run, an old distribution).
    """

    on_the_way: int = 0
    overwritten: int = 0
    unanswered: int = 0
    unknown: int = 0

    def describe(self) -> str:
        """Causes in words, those that occurred; empty without any."""
        words = (
            (self.on_the_way, "on the way (DDS)"), (self.overwritten, "overwritten in the queue of a stalled node"),
            (self.unanswered, "taken and not answered"), (self.unknown, "of unknown cause"),
        )  # fmt: skip
        return ", ".join(f"{count} {text}" for count, text in words if count)


@dataclass(frozen=True)
class RosTiming:
    """What came back.

    Attributes:
        rate_hz, sent, processed, skipped, lost: frames; lost is sent minus statuses.
        lost_where: the lost ones by cause.
        total: publish to status received, milliseconds.
        added: what is left of it without the engine's own time and what the pipeline adds.
        stages: transport in, node, transport out.
        cpu_percent: of one core, of the node's process while frames flow. memory_mb: its resident memory.
    """

    rate_hz: float
    sent: int
    processed: int
    skipped: int
    lost: int
    lost_where: Lost
    total: Timing
    added: Timing
    stages: dict[str, Timing]
    cpu_percent: float
    memory_mb: float

    @property
    def within_budget(self) -> bool:
        """True when ROS adds no more than its budget (median) and nothing was lost."""
        return self.added.median_ms <= ROS_BUDGET_MS and self.lost == 0


def bench_node(options: BenchOptions, pipeline_added_ms: float) -> RosTiming:
    """Run the node and the probe to the end; every process has ended on return.

    Args:
        options: what is sent.
        pipeline_added_ms: what the pipeline adds to the engine, measured without ROS.

    Raises:
        ProcessFailed: a process ended on its own, or the node never answered; the text quotes its last words.
    """
    with tempfile.TemporaryDirectory(prefix="trustseg-bench-") as scratch:
        work = Path(scratch)
        result, frames = work / "result.json", work / "frames.npy"
        np.save(frames, np.stack(bench_frames(options.height, options.width)))
        with drive_environment(work / "ros") as environment, ProcessGroup(environment, work / "logs") as group:
            group.start(_segmenter(options, work))
            group.start(_probe(options, frames, result))
            usage = _follow(group, options, result)
        return _timing(json.loads(result.read_text(encoding="utf-8")), options, pipeline_added_ms, usage)


@dataclass(frozen=True)
class _Usage:
    cpu_percent: float
    memory_mb: float


def _follow(group: ProcessGroup, options: BenchOptions, result: Path) -> _Usage:
    """Wait for the probe to end, sampling what the node uses."""
    deadline = time.monotonic() + START_LIMIT_S + 3 * options.frames / options.rate_hz
    cpu, memory = [], [0.0]
    process: psutil.Process | None = None
    while group.is_running(PROBE):
        group.watch(finished=(PROBE,))
        if time.monotonic() > deadline:
            raise TrustSegError("the node did not answer every frame in time", got=group.last_words(SEGMENTER))
        if process is None:
            process = _opened(group.pid(SEGMENTER))
        else:
            try:
                cpu.append(process.cpu_percent())
                memory.append(process.memory_info().rss / 1e6)
            except psutil.NoSuchProcess:
                process = None
        time.sleep(POLL_S)
    group.watch(finished=(PROBE,))
    if not result.exists():
        raise TrustSegError("the probe ended without a result", got=group.last_words(PROBE))
    # The last half: start-up, with its golden test, is over by then.
    late = cpu[len(cpu) // 2 :]
    return _Usage(float(np.mean(late)) if late else float("nan"), max(memory))


def _opened(pid: int) -> psutil.Process | None:
    try:
        process = psutil.Process(pid)
        process.cpu_percent()  # the first call only starts the clock
        return process
    except psutil.NoSuchProcess:
        return None


def _timing(record: dict[str, Any], options: BenchOptions, pipeline_added_ms: float, usage: _Usage) -> RosTiming:
    done = [each for each in record["statuses"] if each["outcome"] == Outcome.PROCESSED]
    if not done:
        raise TrustSegError("the node processed no frame", got=json.dumps(record["statuses"][:1]))
    names = ("total_ms", "age_ms", "latency_ms", "engine_ms")
    columns = {name: np.array([each[name] for each in done]) for name in names}
    node = columns["latency_ms"] - columns["engine_ms"] - pipeline_added_ms
    stages = {
        "transport in": columns["age_ms"], "node": node,
        "transport out": columns["total_ms"] - columns["age_ms"] - columns["latency_ms"],
    }  # fmt: skip
    return RosTiming(
        rate_hz=options.rate_hz, sent=record["sent"], processed=len(done),
        skipped=sum(each["outcome"] == Outcome.SKIPPED for each in record["statuses"]),
        lost=record["sent"] - len(record["statuses"]),
        lost_where=lost_where(record["sent"], len(record["statuses"]), record["counted"]),
        total=timing_of([columns["total_ms"]]),
        added=timing_of([columns["total_ms"] - columns["engine_ms"] - pipeline_added_ms]),
        stages={name: timing_of([values]) for name, values in stages.items()},
        cpu_percent=usage.cpu_percent, memory_mb=usage.memory_mb,
    )  # fmt: skip


def lost_where(sent: int, answered: int, counted: Mapping[str, int]) -> Lost:
    """Split `sent` minus `answered` by the node's own counters over the same frames, which may be missing."""
    left = sent - answered
    shares = []
    for count in (counted.get(LOST, 0), counted.get(OVERWRITTEN, 0), counted.get(TAKEN_IN, answered) - answered):
        shares.append(min(max(0, count), left))
        left -= shares[-1]
    on_the_way, overwritten, unanswered = shares
    return Lost(on_the_way, overwritten, unanswered, left)


def _segmenter(options: BenchOptions, work: Path) -> Program:
    parameters = {
        "bundle": options.bundle, "backend": options.backend, "threads": options.threads,
        "precision": options.precision, "mode": "live", "autostart": True, "camera_rate_hz": options.rate_hz,
        "latency_budget_ms": SECOND / options.rate_hz / MS,
    }  # fmt: skip
    path = work / "segmenter.yaml"
    path.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}), encoding="utf-8")
    command = (sys.executable, "-m", "trustseg_ros.segmenter.node", "--ros-args", "--params-file", str(path))
    return Program(SEGMENTER, command)


def _probe(options: BenchOptions, frames: Path, result: Path) -> Program:
    arguments = ("--frames", str(frames), "--count", str(options.frames), "--rate", str(options.rate_hz))
    return Program(PROBE, (sys.executable, "-m", "trustseg_lab.bench.probe", *arguments, "--result", str(result)))
