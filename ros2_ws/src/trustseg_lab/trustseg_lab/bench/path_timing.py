# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How long the camera-to-message path takes, against its budget.

The budget at 1280 x 720 is the table below. Bare engine and whole pipeline are timed call by call in turns, in one run:
machines change their speed by 1.4 from minute to minute, so figures of different runs are not to be compared.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time
from types import SimpleNamespace
from typing import Any

import numpy as np

from trustseg.backends import Backend
from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.bundle.loading import Bundle
from trustseg.calibration import ConfidenceTable, corridor_mask
from trustseg.frames import FrameIntake, IntakeConfig
from trustseg.imaging.resize import stretched
from trustseg.input_health import InputHealth
from trustseg.pipeline import Pipeline
from trustseg.reasons import Mode
from trustseg.types import Frame, UInt8Array
from trustseg.verdict import Judge
from trustseg_lab.metrics.score_histogram import Floats


@dataclass(frozen=True)
class Stage:
    """One stage of the path; `budget_ms` is its share, None for the engine, whose time is the bundle's own."""

    name: str
    part: str
    budget_ms: float | None
    what: str


ENGINE, PIPELINE, ROS, ASKED = "engine", "pipeline", "ros", "asked"  # the last: only while somebody subscribes
BUDGET: tuple[Stage, ...] = (
    Stage("transport in", ROS, 2.0, "camera's publish to the callback"),
    Stage("frame checks", PIPELINE, 0.2, "stamps, layout, size, encoding"),
    Stage("input health", PIPELINE, 0.8, "frozen, dark, covered, corrupt; beside the engine"),
    Stage("resize", PIPELINE, 0.5, "to the network's input, linear"),
    Stage("engine", ENGINE, None, "the graph, everything per pixel"),
    Stage("calibrate", PIPELINE, 0.3, "table look-up and histograms"),
    Stage("judge", PIPELINE, 0.2, "features to verdict"),
    Stage("node", ROS, 1.5, "decode, hand over, messages"),
    Stage("transport out", ROS, 1.5, "status to its reader"),
    Stage("objects", ASKED, 3.0, "~/segments, after the status, while somebody subscribes"),
)
# What the stages may add together: the pipeline to the bare engine call, ROS to the pipeline (median, milliseconds).
PIPELINE_BUDGET_MS = 2.0
ROS_BUDGET_MS = 5.0
WARM_UP = 5
BENCH_BOUNDS = derive_bounds(SECOND // 30, 50 * MS)


@dataclass(frozen=True)
class Timing:
    """Durations of one thing, milliseconds, and how far the medians of the rounds lie apart."""

    median_ms: float
    p99_ms: float
    least_round_ms: float
    most_round_ms: float
    calls: int


@dataclass(frozen=True)
class PathTiming:
    """Engine and pipeline of one backend.

    Attributes:
        backend, version: what ran the graph.
        engine, pipeline: the bare engine call on an image of network size; `Pipeline.process` on a camera frame.
        added: pipeline minus engine within the same call.
        ratio: median of the pipeline to that of the bare engine.
        stages: each stage of the pipeline on its own.
        cpu_percent: of one core, while the pipeline runs back to back.
        memory_mb: largest resident memory of this process so far.
    """

    backend: str
    version: str
    engine: Timing
    pipeline: Timing
    added: Timing
    ratio: float
    stages: dict[str, Timing]
    cpu_percent: float
    memory_mb: float

    @property
    def within_budget(self) -> bool:
        """True when the pipeline adds no more than its budget (median)."""
        return self.added.median_ms <= PIPELINE_BUDGET_MS


def bench_frames(height: int, width: int, count: int = 4) -> list[UInt8Array]:
    """Camera frames uint8 RGB (height, width, 3) that differ from each other.

    Shown in turns they are a ring of buffers, and the checks say so (FROZEN): a little more work, and no less.
    """
    from trustseg_lab.scenes import random_frame

    return [stretched(random_frame(30_000 + i, (360, 480)).image_rgb, (height, width)) for i in range(count)]


def bench_paths(
    bundle: Bundle, backends: list[Backend], frames: list[UInt8Array], rounds: int, calls: int,
    on_round: Callable[[], None] = lambda: None,
) -> list[PathTiming]:  # fmt: skip
    """Time engine and pipeline of every backend, in turns.

    Args:
        bundle: finished bundle.
        backends: loaded engines of it; they stay open.
        frames: camera frames, uint8 RGB (H, W, 3).
        rounds, calls: `calls` of each kind in each of `rounds`.
        on_round: called after each round.

    Raises:
        BundleError: the bundle is a draft.
    """
    benches = [_Bench(bundle, backend, frames) for backend in backends]
    for bench in benches:
        bench.warm_up()
    for _ in range(rounds):
        for bench in benches:
            bench.start_round()
        for call in range(calls):
            for bench in benches:
                bench.call(call)
        on_round()
    return [bench.result() for bench in benches]


class _Bench:
    """Clocks of one backend."""

    def __init__(self, bundle: Bundle, backend: Backend, frames: list[UInt8Array]) -> None:
        self._backend, self._pipeline = backend, Pipeline(bundle, backend)
        self._frames = frames
        self._images = [self._pipeline.network_image(frame) for frame in frames]
        card, calibration = bundle.card, bundle.calibration(backend.precision)
        mask = corridor_mask(*card.size, card.corridor.polygon)
        self._health = InputHealth(self._pipeline.config.health)
        self._table = ConfidenceTable(calibration.table, card.low_confidence_threshold, mask, calibration.scene_shift)
        self._judge = Judge(
            bundle.verdict(backend.precision), card.feature_names, len(card.classes), calibration.low_confidence
        )
        self._intake = FrameIntake(IntakeConfig(Mode.REPLAY, False, frames[0].size, False), BENCH_BOUNDS)
        self._messages = [_message(frame) for frame in frames]
        self._rounds: dict[str, list[list[float]]] = {}
        self._stamp_ns = 0
        self._cpu_s = self._wall_s = 0.0

    def warm_up(self) -> None:
        for index in range(WARM_UP):
            self._process(index)

    def start_round(self) -> None:
        for name in (
            "engine",
            "pipeline",
            "added",
            "frame checks",
            "input health",
            "resize",
            "calibrate",
            "judge",
            "objects",
        ):
            self._rounds.setdefault(name, []).append([])

    def call(self, index: int) -> None:
        """One engine call, one pipeline call, and each stage on its own."""
        frame, image = self._frames[index % len(self._frames)], self._images[index % len(self._images)]
        output = self._timed("engine", lambda: self._backend.infer(image))
        cpu, wall = process_time(), perf_counter()
        result = self._timed("pipeline", lambda: self._process(index))
        self._cpu_s += process_time() - cpu
        self._wall_s += perf_counter() - wall
        self._rounds["added"][-1].append(result.pipeline_ms - result.engine_ms)
        message = self._messages[index % len(self._messages)]
        message.header.stamp = SimpleNamespace(sec=self._stamp_ns // SECOND, nanosec=self._stamp_ns % SECOND)
        self._timed("frame checks", lambda: self._checked(message))
        reduced = image if self._pipeline.card.input.camera is None else None  # as the pipeline hands it on
        health = self._timed("input health", lambda: self._health.check(frame, self._stamp_ns, reduced))
        self._timed("resize", lambda: self._pipeline.network_image(frame))

        def calibrated() -> Any:
            table = self._table.for_quality(self._judge.frame_scores(output.features)[0])
            table.apply(output.confidence)
            return table.summarise(output.confidence)

        summary = self._timed("calibrate", calibrated)
        self._timed("judge", lambda: self._judge.judge(output, summary, health))
        self._timed("objects", lambda: self._pipeline.segments(result))

    def result(self) -> PathTiming:
        timings = {name: _timing(rounds) for name, rounds in self._rounds.items()}
        return PathTiming(
            backend=self._backend.name, version=self._backend.version, engine=timings["engine"],
            pipeline=timings["pipeline"], added=timings["added"],
            ratio=timings["pipeline"].median_ms / timings["engine"].median_ms,
            stages={stage.name: timings[stage.name] for stage in BUDGET if stage.part in (PIPELINE, ASKED)},
            cpu_percent=100.0 * self._cpu_s / self._wall_s, memory_mb=peak_memory_mb(),
        )  # fmt: skip

    def _process(self, index: int) -> Any:
        self._stamp_ns += 33_333_333
        return self._pipeline.process(Frame(self._frames[index % len(self._frames)], self._stamp_ns))

    def _checked(self, message: Any) -> Frame:
        self._intake.check(message, self._stamp_ns, self._stamp_ns)
        return self._intake.decode(message)

    def _timed(self, name: str, work: Callable[[], Any]) -> Any:
        started = perf_counter()
        found = work()
        self._rounds[name][-1].append((perf_counter() - started) * 1e3)
        return found


def _message(frame: UInt8Array) -> Any:
    """What has the fields of a sensor_msgs Image of a frame."""
    height, width = frame.shape[:2]
    return SimpleNamespace(
        header=SimpleNamespace(stamp=None, frame_id="camera"), height=height, width=width, step=3 * width,
        encoding="rgb8", is_bigendian=0, data=memoryview(frame.tobytes()),
    )  # fmt: skip


def _timing(rounds: list[list[float]]) -> Timing:
    return timing_of([np.array(each) for each in rounds])


def timing_of(rounds: list[Floats]) -> Timing:
    """Figures of durations in ms, one array a round, none empty."""
    every, medians = np.concatenate(rounds), [float(np.median(each)) for each in rounds]
    return Timing(
        median_ms=float(np.median(every)), p99_ms=float(np.quantile(every, 0.99)), least_round_ms=min(medians),
        most_round_ms=max(medians), calls=int(every.size),
    )  # fmt: skip


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
