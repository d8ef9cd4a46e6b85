# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""A long drive in a short time: pipeline, state machine, messages and guard over millions of frames, a fake engine.

Clocks are made up, so that a day passes as fast as the code runs. What is looked for: memory, threads and files that
grow, a frame without its status or with two, and a flag that is down in a state in which it must be up.
"""

from __future__ import annotations

import os
import threading
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import cv2
import numpy as np
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image
from trustseg_interfaces.msg import FailureState, SegmentationStatus

from trustseg.backends import load_golden
from trustseg.bounds import SECOND, derive_bounds
from trustseg.bundle.loading import Bundle
from trustseg.errors import BackendError
from trustseg.failsafe.evidence import FailsafeConfig, Snapshot
from trustseg.failsafe.publication import host_id
from trustseg.failsafe.state_machine import StateMachine
from trustseg.pipeline import Pipeline
from trustseg.reasons import Mode, Reason, State
from trustseg.stream import Stream
from trustseg.types import EngineOutput, UInt8Array
from trustseg_ros.common.integrity import is_intact, seal
from trustseg_ros.monitor.core import evidence_of, failure_state
from trustseg_ros.planner.guard import FailureGuard
from trustseg_ros.segmenter.messages import ImageMessage
from trustseg_ros.segmenter.status_publisher import StatusPublisher

RATE_HZ = 30.0
SIZE = (90, 120)  # of frames and masks: what is timed here is the code around the pixels
PICTURES = 120
EPISODE = 600  # frames between two troubles, on average
LIFE = 200_000  # frames of one instance of the node
SAMPLES = 200
START_NS = 1_700_000_000 * SECOND


@dataclass(frozen=True)
class Sample:
    """What the process held after so many frames."""

    frames: int
    memory_bytes: int
    threads: int
    files: int


@dataclass
class SoakResult:
    """Figures of one soak.

    Attributes:
        received, processed, skipped, rejected: by the messages' own counters, over every instance.
        statuses: messages that came out.
        states: frames after which the verdict was in that state.
        reasons: frames that carried a reason, by its name.
        instances, resets: lives of the node, and latches that the operator cleared.
        unsafe: verdicts whose flag was down outside of OK, or that the guard believed against the state machine.
        samples: memory, threads and files over the run.
    """

    received: int = 0
    processed: int = 0
    skipped: int = 0
    rejected: int = 0
    statuses: int = 0
    states: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    instances: int = 0
    resets: int = 0
    unsafe: int = 0
    wall_s: float = 0.0
    samples: list[Sample] = field(default_factory=list)

    @property
    def accounting_exact(self) -> bool:
        """Whether every frame had exactly one status."""
        return self.received == self.processed + self.skipped + self.rejected == self.statuses

    def memory_slope(self) -> tuple[float, float, float]:
        """Bytes per million frames, least squares over the second half of the run: (value, 95 % low, high)."""
        late = self.samples[len(self.samples) // 2 :]
        x = np.array([each.frames for each in late], np.float64) / 1e6
        y = np.array([each.memory_bytes for each in late], np.float64)
        if len(late) < 3 or not np.ptp(x):
            return 0.0, 0.0, 0.0
        centred = x - x.mean()
        slope = float((centred * y).sum() / (centred**2).sum())
        left = y - y.mean() - slope * centred
        error = float(np.sqrt((left**2).sum() / (len(late) - 2) / (centred**2).sum()))
        return slope, slope - 1.96 * error, slope + 1.96 * error

    @property
    def grew(self) -> list[str]:
        """What grew between the middle of the run and its end."""
        middle, end = self.samples[len(self.samples) // 2], self.samples[-1]
        found = [name for name in ("threads", "files") if getattr(end, name) > getattr(middle, name)]
        return found + (["memory"] if self.memory_slope()[1] > MOST_GROWTH else [])


# Bytes per million frames: over a day at 30 Hz ten megabytes.
MOST_GROWTH = 4e6


class FakeEngine:
    """An engine that costs nothing: answers from a small store, and fails when it is told to."""

    name, precision, version = "fake", "fp32", "0"

    def __init__(self, bundle: Bundle, size: tuple[int, int]) -> None:
        height, width = size
        golden = load_golden(bundle)
        self._outputs = [
            EngineOutput(
                np.asarray(golden.labels[k : k + height, :width], np.uint8),
                np.asarray(golden.confidence[k : k + height, :width], np.uint8), golden.features, 0.1,
            )
            for k in range(4)
        ]  # fmt: skip
        self.fails = False
        self._next = 0

    def infer(self, image: UInt8Array) -> EngineOutput:
        """See `Backend.infer`."""
        if self.fails:
            raise BackendError("the fake engine failed")
        self._next += 1
        return self._outputs[self._next % len(self._outputs)]

    def close(self) -> None:
        """See `Backend.close`."""


class Soak:
    """One run; `step` takes one frame through everything.

    Args:
        bundle: finished bundle: its verdict, calibration and card; its graph is not opened.
        seed: of frames and troubles.
        episode: frames between two troubles, on average. life: frames of one instance of the node.
    """

    def __init__(self, bundle: Bundle, seed: int = 0, episode: int = EPISODE, life: int = LIFE) -> None:
        self._episode, self._life = episode, life
        self._rng = np.random.default_rng(seed)
        small = bundle.card.model_copy(
            update={"input": bundle.card.input.model_copy(update={"height": SIZE[0], "width": SIZE[1]})}
        )
        self._bundle = Bundle(bundle.path, small, bundle.card_sha256)
        self._engine = FakeEngine(bundle, SIZE)
        self._pipeline = Pipeline(self._bundle, self._engine)
        self._bounds = derive_bounds(round(SECOND / RATE_HZ), 50_000_000)
        self._now_ns = START_NS
        self._machine = StateMachine(FailsafeConfig(self._bounds), self._now_ns)
        self._guard = FailureGuard(clock_ns=lambda: self._now_ns)
        self._mask, self._confidence = ImageMessage("mono8"), ImageMessage("mono8")
        self._verdicts = 0
        self._pictures = self._make_images(load_golden(bundle).image)
        self._trouble, self._trouble_left = "", 0
        self.result = SoakResult()
        self._verdict: Snapshot | None = None
        self._start_node()

    def run(self, frames: int, on_sample: Callable[[int], None] = lambda done: None) -> SoakResult:
        """Take so many frames through; `on_sample` hears how many are done, about `SAMPLES` times."""
        each = max(1, frames // SAMPLES)
        started = perf_counter()
        for done in range(1, frames + 1):
            self.step(done)
            if done % each == 0:
                self.result.samples.append(Sample(done, *held()))
                on_sample(done)
        self._end_node()
        self.result.wall_s = perf_counter() - started
        return self.result

    def step(self, number: int) -> None:
        """One camera period: a frame, or a silence."""
        self._now_ns += self._bounds.camera_period_ns
        if number % self._life == 0:
            self._end_node()
            self._start_node()
        if self._trouble_left == 0:
            self._trouble = ""
            if self._rng.random() < 1.0 / self._episode:
                self._trouble = TROUBLES[int(self._rng.integers(len(TROUBLES)))]
                self._trouble_left = int(self._rng.integers(1, 40))
        else:
            self._trouble_left -= 1
        self._frame(number)
        if self._machine.snapshot(self._now_ns).latched and self._rng.random() < 0.01:
            self._machine.reset(self._now_ns)
            self.result.resets += 1

    def _frame(self, number: int) -> None:
        trouble = self._trouble
        if trouble == "silence":
            self._now_ns += self._bounds.age_limit_ns
        message = self._message(number, trouble)
        self._book.take_in()
        self.result.received += 1
        received = self._stream.receive(message, self._now_ns, lambda: (self._now_ns, self._now_ns))
        if received.refusal is not None:
            return self._book.rejected(received, received.refusal.reasons)
        if trouble == "overload" and number % 3:
            return self._book.skipped(received)
        self._engine.fails = trouble == "engine" and self._rng.random() < 0.2
        evidence = self._stream.process(received, self._pipeline.process)
        result = evidence.result
        if result is None:
            return self._book.rejected(received, evidence.reasons)
        self._mask.fill(message.header, result.labels)
        self._confidence.fill(message.header, result.confidence)
        evidence = self._stream.timed(evidence, self._bounds.latency_soft_ns + 1 if trouble == "late" else 0)
        self._book.processed(received, result, evidence.reasons, evidence.severity, self._mask.crc32)

    def _message(self, number: int, trouble: str) -> Image:
        height, width = SIZE
        pixels = self._pictures["still" if trouble == "frozen" else "dark" if trouble == "dark" else "drive"]
        message = Image(height=height, width=width, step=width * 3, encoding="rgb8")
        message.data = pixels[number % len(pixels)]
        message.header.frame_id = "camera"
        stamp_ns = self._now_ns
        if trouble == "bad size":
            message.data = message.data[:-5]
        elif trouble == "bad encoding":
            message.encoding = "float64"
        elif trouble == "future":
            stamp_ns += SECOND
        elif trouble == "backward":
            stamp_ns -= SECOND
        message.header.stamp = _time(stamp_ns)
        return message

    def _make_images(self, scene: UInt8Array) -> dict[str, list[Any]]:
        """Windows that wander around the golden image, with fresh noise; dark ones; one that never changes.

        Around, not to and fro: what turns back shows its last pictures once more, as a ring of buffers does.
        """
        height, width = SIZE
        scene = np.asarray(cv2.resize(scene, (2 * width, 2 * height), interpolation=cv2.INTER_AREA), np.uint8)
        around = np.concatenate([scene, scene[:, :width]], axis=1)[30 : 30 + height]
        noise = self._rng.normal(0.0, 2.0, (PICTURES, height, width, 3))
        windows = [around[:, 6 * k % scene.shape[1] :][:, :width] for k in range(PICTURES)]
        drive = [np.clip(window + noise[k], 0, 255).astype(np.uint8) for k, window in enumerate(windows)]
        dark = [np.clip(noise[k] + 4, 0, 255).astype(np.uint8) for k in range(8)]
        return {
            name: [array("B", picture.tobytes()) for picture in pictures]
            for name, pictures in (("drive", drive), ("dark", dark), ("still", drive[:1]))
        }

    def _start_node(self) -> None:
        self.result.instances += 1
        self._book = StatusPublisher(
            publish=self._on_status, now=lambda: _time(self._now_ns), mode=Mode.LIVE, bounds=self._bounds,
            clock_ns=lambda: self._now_ns, instance_id=int(self._rng.integers(1, 2**62)),
        )  # fmt: skip
        self._stream = Stream.of(self._bounds, Mode.LIVE, max_pixels=1 << 20, compressed=False)
        self._pipeline.reset()

    def _end_node(self) -> None:
        counts = self._book.counts
        self.result.processed += counts.processed
        self.result.skipped += counts.skipped
        self.result.rejected += counts.rejected

    def _on_status(self, status: SegmentationStatus) -> None:
        """As the monitor takes it: over the wire, and its verdict over the wire to the guard."""
        result = self.result
        result.statuses += 1
        arrived = deserialize_message(serialize_message(status), SegmentationStatus)
        if not is_intact(arrived) or arrived.received != arrived.processed + arrived.skipped + arrived.rejected:
            raise RuntimeError(f"status {arrived.seq} is not what was sent")
        verdict = self._machine.on_status(evidence_of(arrived, self._now_ns), self._now_ns)
        self._verdicts += 1
        message = failure_state(verdict, self._now_ns, self._bounds.verdict_valid_ns)
        message.instance_id, message.seq = 1, self._verdicts
        message.publish_steady_ns, message.host_id = self._now_ns, host_id()
        seal(message)
        self._guard.on_message(deserialize_message(serialize_message(message), FailureState))
        allowed = verdict.state is State.OK
        if (not verdict.failure and not allowed) or (not self._guard.failed() and not allowed):
            result.unsafe += 1
        result.states[verdict.state.name] = result.states.get(verdict.state.name, 0) + 1
        for name in Reason(arrived.reasons).names():
            result.reasons[name] = result.reasons.get(name, 0) + 1


TROUBLES = (
    "silence", "overload", "bad size", "bad encoding", "future", "backward", "frozen", "dark", "engine", "late",
)  # fmt: skip


def held() -> tuple[int, int, int]:
    """(resident bytes, threads, open files) of this process now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE"), threading.active_count(), len(os.listdir("/proc/self/fd"))


def _time(nanoseconds: int) -> Time:
    return Time(sec=nanoseconds // SECOND, nanosec=nanoseconds % SECOND)
