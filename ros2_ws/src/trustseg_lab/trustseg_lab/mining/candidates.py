# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What is known of every frame of the recordings before any is chosen; about two kilobytes each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import cv2
import numpy as np

from trustseg.bounds import MS, SECOND, derive_bounds
from trustseg.errors import InputError
from trustseg.failsafe.evidence import FailsafeConfig
from trustseg.imaging.resize import in_order
from trustseg.input_health import HealthConfig
from trustseg.pipeline import Pipeline, PipelineConfig
from trustseg.reasons import Reason
from trustseg.types import PerceptionResult, UInt8Array
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.sources import onward_images, open_sources, stated_period_ns
from trustseg_lab.replay.job import ReplayJob
from trustseg_lab.replay.timeline import ReplayedFrame, Timeline, TimelineConfig

# Criterion -> what it is, for --by.
CRITERIA = {
    "uncertain": "mean calibrated confidence is low",
    "failing": "the image verdict expects a poor mask",
    "strange": "the scene is unlike those of the training (OOD score)",
    "changing": "classes change more than the image from the frame before",
}
THUMBNAIL = (24, 32)  # rows, columns
# Images of which nobody can label anything, whatever the network says of them.
UNUSABLE = Reason.DARK | Reason.BRIGHT | Reason.CORRUPT | Reason.FROZEN


@dataclass(frozen=True)
class Candidate:
    """One frame: where it is."""

    job: ReplayJob
    number: int
    stamp_ns: int
    since_s: float


@dataclass
class Candidates:
    """All of them, one list an entry each.

    Attributes:
        places: where they are. criteria: values by the names of `CRITERIA`. features: of the graph, float32 (K,).
        thumbnails: uint8 (P,). unusable: frames left out, by reason. images: how many were read.
    """

    places: list[Candidate] = field(default_factory=list)
    criteria: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in CRITERIA})
    features: list[np.ndarray] = field(default_factory=list)
    thumbnails: list[UInt8Array] = field(default_factory=list)
    unusable: dict[str, int] = field(default_factory=dict)
    images: int = 0


def frames_of(
    job: ReplayJob, pipeline: Pipeline, only: Collection[int] | None = None
) -> Iterator[tuple[int, ReplayedFrame]]:
    """Frames of one recording with their numbers, counted from 1, checked as in a replay.

    Args:
        only: numbers of those that are wanted; the others are passed over without the engine. None: every one that the
            options of the job choose.
    """
    options = job.options
    source = open_sources(
        job.path, [job.topic] if job.topic else [], every_topic=False, rate_hz=options.rate_hz,
        recorded_stamps=options.recorded_stamps,
    )[0]  # fmt: skip
    with closing(source):
        period_ns = round(SECOND / options.rate_hz) if options.rate_hz else stated_period_ns(source)
        bounds = derive_bounds(period_ns, round(options.latency_budget_ms * MS))
        pipeline.reset()
        timeline = Timeline(pipeline, TimelineConfig(FailsafeConfig(bounds), allow_resolution_change=True), 1)
        first: int | None = None
        number, last = 0, max(only, default=0) if only is not None else None
        for image in onward_images(source, OnwardTime(period_ns)):
            first = image.time_ns if first is None else first
            since_ns = image.time_ns - first
            if options.end_s is not None and since_ns >= options.end_s * SECOND:
                return
            if since_ns < options.start_s * SECOND:
                continue
            number += 1
            wanted = (number - 1) % options.every == 0 if only is None else number in only
            if wanted and (answer := timeline.take(image)) is not None:
                yield number, answer
            if number == last:
                return


def thumbnail(image: UInt8Array) -> UInt8Array:
    """Grey levels of an image made small, uint8 (P,)."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, THUMBNAIL[::-1], interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8).reshape(-1)


def collect(
    candidates: Candidates, job: ReplayJob, pipeline: Pipeline, progress: Callable[[], object] = lambda: None
) -> None:
    """Add the frames of one recording.

    Raises:
        InputError: no image of it can be read.
    """
    before: tuple[PerceptionResult, UInt8Array] | None = None
    first_ns: int | None = None
    for number, answer in frames_of(job, pipeline):
        progress()
        candidates.images += 1
        first_ns = answer.image.time_ns if first_ns is None else first_ns
        if answer.frame is None or answer.result is None or answer.reasons & UNUSABLE:
            why = answer.why.partition(":")[0] or ", ".join((answer.reasons & UNUSABLE).names()) or "rejected"
            candidates.unusable[why] = candidates.unusable.get(why, 0) + 1
            before = None
            continue
        small = thumbnail(in_order(answer.frame.image, answer.frame.color_order, "rgb"))
        verdict = answer.result.verdict
        candidates.places.append(
            Candidate(job, number, answer.stamp_ns, (answer.image.time_ns - first_ns) / SECOND)
        )  # fmt: skip
        for name, value in (
            ("uncertain", 1.0 - verdict.mean_confidence),
            ("failing", verdict.failure_score),
            ("strange", verdict.ood_score),
            ("changing", _changing(before, answer.result, small)),
        ):
            candidates.criteria[name].append(float(value))
        candidates.features.append(np.nan_to_num(np.asarray(answer.result.features, np.float32)))
        candidates.thumbnails.append(small)
        before = answer.result, small
    if first_ns is None:
        raise InputError(f"no image of {job.title} can be read")


def _changing(before: tuple[PerceptionResult, UInt8Array] | None, now: PerceptionResult, small: UInt8Array) -> float:
    """Share of pixels whose class changed, for each grey level by which the image did; NaN without a frame before."""
    if before is None or before[0].labels.shape != now.labels.shape:
        return float("nan")
    changed = float(np.mean(before[0].labels != now.labels))
    return changed / (1.0 + float(np.abs(small.astype(np.int16) - before[1].astype(np.int16)).mean()))


def engine_config() -> PipelineConfig:
    """Mining looks at every image by itself: one that repeats is dropped as a duplicate, and no fault."""
    return PipelineConfig(health=HealthConfig(frozen_after=0))
