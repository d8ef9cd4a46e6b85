# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""How fast a replay is against its limit: reading, decoding and inference alone, the two taking turns in one run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from trustseg.backends import select_backend
from trustseg.bounds import MS, derive_bounds
from trustseg.bundle.loading import load_bundle
from trustseg.errors import FrameRejected, InputError
from trustseg.frames import FrameIntake, IntakeConfig
from trustseg.pipeline import Pipeline
from trustseg.reasons import Mode
from trustseg.types import Frame
from trustseg_lab.recordings.recorded_image import ImageSource
from trustseg_lab.recordings.sources import open_sources, stated_period_ns
from trustseg_lab.replay.camera_replay import run_drive
from trustseg_lab.replay.job import ReplayJob, ReplayOptions
from trustseg_lab.replay.timeline import MAX_PIXELS


@dataclass(frozen=True)
class Throughput:
    """Images a second, by the median round.

    Attributes:
        frames: images in a round.
        limit, replay: without and with everything but reading, decoding and inference.
        shares: replay / limit of each round.
    """

    frames: int
    limit: float
    replay: float
    shares: list[float]

    @property
    def share(self) -> float:
        """Of the limit, by the median round; 1 is the best that one drive can do."""
        return median(self.shares)


def measure(path: Path, options: ReplayOptions, rounds: int, tick: Callable[[], object] = lambda: None) -> Throughput:
    """Replay `path` and its limit in turns, `rounds` times after one that does not count.

    Raises:
        InputError: the recording cannot be replayed, or has several cameras.
        BundleError, BackendError: the engine cannot be used.
    """
    limits, replays = [], []
    frames = 0
    for number in range(rounds + 1):
        frames, limit_s = _alone(path, options)
        with tempfile.TemporaryDirectory(prefix="trustseg-bench-") as folder:
            figures, _ = run_drive(ReplayJob(path, "", "", options), Path(folder), lambda taken, count: None)
        if number:
            limits.append(frames / limit_s)
            replays.append(figures.tally.images / figures.wall_s)
        tick()
    shares = [replay / limit for replay, limit in zip(replays, limits, strict=True)]
    return Throughput(frames, median(limits), median(replays), shares)


def _alone(path: Path, options: ReplayOptions) -> tuple[int, float]:
    """(images, seconds): each read, decoded, brought to the network's size and sent through the engine."""
    bundle = load_bundle(options.bundle)
    source = open_sources(path, [], every_topic=False, rate_hz=options.rate_hz)[0]
    intakes = _intakes(stated_period_ns(source), options)
    backend = select_backend(
        options.backend or bundle.card.default_backend, bundle, options.precision, options.threads
    )  # fmt: skip
    pipeline = Pipeline(bundle, backend)
    taken = 0
    try:
        first = next(_frames(source, intakes), None)
        if first is None:
            raise InputError(f"{path} holds no image that can be decoded")
        backend.infer(pipeline.network_image(first.image, first.color_order))  # the first call is a slow one
        started = perf_counter()
        for frame in _frames(source, intakes):
            backend.infer(pipeline.network_image(frame.image, frame.color_order))
            taken += 1
        return taken, perf_counter() - started
    finally:
        source.close()
        pipeline.close()


def _intakes(period_ns: int, options: ReplayOptions) -> dict[bool, FrameIntake]:
    """Of messages that are compressed and that are not."""
    bounds = derive_bounds(period_ns, round(options.latency_budget_ms * MS))
    return {each: FrameIntake(IntakeConfig(Mode.REPLAY, each, MAX_PIXELS, True), bounds) for each in (False, True)}


def _frames(source: ImageSource, intakes: Mapping[bool, FrameIntake]) -> Iterator[Frame]:
    for image in source.images():
        try:
            yield intakes[image.compressed].decode(image.message)
        except FrameRejected:
            continue
