# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Drives: starts the real processes, plays the script's part (the kill), and hands back what was observed."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from trustseg.bounds import MS, SECOND, Bounds, derive_bounds
from trustseg.reasons import Outcome, Reason, Severity, severity_of
from trustseg_lab.harness.drive_folder import Drive
from trustseg_lab.harness.processes import ProcessFailed, ProcessGroup, Program
from trustseg_lab.harness.records import (
    CAMERA_LOG,
    READY_FILE,
    STATUS_FILE,
    VERDICT_FILE,
    LineTail,
    Observation,
    load_observation,
)  # fmt: skip

SEGMENTER, MONITOR, CAMERA, RECORDER, OBSERVER = "segmenter", "monitor", "camera", "recorder", "observer"
MODULES = {
    SEGMENTER: "trustseg_ros.segmenter.node",
    MONITOR: "trustseg_ros.monitor.node",
    CAMERA: "trustseg_lab.tools.camera",
    RECORDER: "trustseg_lab.tools.recorder",
}
# Subscriptions of the image topic before the first frame: the segmenter's (it subscribes once active), the recorder's.
IMAGE_READERS = 2
START_LIMIT_S = 90.0
DRAIN_LIMIT_S = 3.0
POLL_S = 0.02
RECORDING_LIMIT_MB = 200.0


@dataclass(frozen=True)
class SessionOptions:
    """How the drive is driven.

    Attributes:
        bundle: folder of the bundle.
        backend: name of the backend, or auto.
        threads: threads of the backend.
        work: scratch folder for logs, parameters and what the observer writes.
        recording: folder that the recorder makes.
    """

    bundle: Path
    backend: str
    threads: int
    work: Path
    recording: Path


# The drive runs on whatever computer there is, beside whatever else runs on it: with one period, a busy machine's late
# answers raise the flag on a clear road. A vehicle's own profile states what its planner needs.
LATENCY_PERIODS = 2.5


@dataclass(frozen=True)
class Progress:
    """What a progress line shows while driving: slot, and the newest verdict."""

    slot: int
    flag_up: bool
    reasons: Reason


def drive_bounds(rate_hz: float) -> Bounds:
    """Time bounds of a drive: the latency budget is `LATENCY_PERIODS` periods."""
    period_ns = round(SECOND / rate_hz)
    return derive_bounds(period_ns, round(LATENCY_PERIODS * period_ns))


class DriveSession:
    """One drive through the processes.

    Args:
        drive: what is published.
        options: how.
        environment: variables of the processes.
    """

    def __init__(self, drive: Drive, options: SessionOptions, environment: Mapping[str, str]) -> None:
        self._drive, self._options = drive, options
        self._seen = options.work / "observed"
        self._seen.mkdir(parents=True)
        self._group = ProcessGroup(environment, options.work / "logs")
        self._start_file = options.work / "start"
        self._camera = LineTail(self._seen / CAMERA_LOG)
        self._verdicts = LineTail(self._seen / VERDICT_FILE)
        self._statuses = LineTail(self._seen / STATUS_FILE)
        self._sent: list[int] = []
        self._answered: set[int] = set()
        self._latest = Progress(0, True, Reason.NO_INPUT)

    def run(self, progress: Callable[[Progress], object]) -> Observation:
        """Drive to the end; every process has ended on return or error.

        Args:
            progress: called often with the newest slot and verdict.

        Raises:
            ProcessFailed: a process could not start, or ended on its own; the text quotes its last words.
        """
        # A latch of an earlier run must not enter this one, nor this one's the vehicle's; and the results' folder is
        # none to keep it in: others may be able to write there.
        with tempfile.TemporaryDirectory(prefix="trustseg-drive-") as own, self._group as group:
            for program in self._programs(Path(own)):
                group.start(program)
            self._wait_until_ready()
            self._start_file.touch()
            self._follow(progress)
            end_ns = self._sent[-1] + round(SECOND / self._drive.rate_hz)
            self._drain(end_ns)
            # The recorder last: it writes down what the others still say.
            for name in (CAMERA, SEGMENTER, MONITOR, OBSERVER, RECORDER):
                group.stop(name)
        return load_observation(self._seen, tuple(group.kills), end_ns)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT_S
        while not (self._seen / READY_FILE).exists():
            self._watch()
            if time.monotonic() > deadline:
                raise self._failed(f"the segmenter was not heard within {START_LIMIT_S:.0f} s")
            time.sleep(POLL_S)

    def _follow(self, progress: Callable[[Progress], object]) -> None:
        """Until the camera ends: kill when the script says so, respawn, report."""
        kills = [round(t.start_s * self._drive.rate_hz) for t in self._drive.troubles if t.kind == "kill"]
        deadline = time.monotonic() + START_LIMIT_S
        while self._group.is_running(CAMERA):
            self._watch(finished=(CAMERA,))
            self._read()
            if not self._sent and time.monotonic() > deadline:
                raise self._failed(f"the segmenter was not active within {START_LIMIT_S:.0f} s")
            if kills and self._sent and self._latest.slot >= kills[0]:
                kills.pop(0)
                self._group.kill(SEGMENTER)
            progress(self._latest)
            time.sleep(POLL_S)
        self._watch(finished=(CAMERA,))
        self._read()
        if not self._sent:
            raise ProcessFailed("the camera sent no frame", got=self._group.last_words(CAMERA))

    def _drain(self, end_ns: int) -> None:
        """Wait for the last answers, and for the last verdict within the drive."""
        limit_ns = max(end_ns, time.time_ns()) + round(DRAIN_LIMIT_S * SECOND)
        while time.time_ns() < end_ns or (time.time_ns() < limit_ns and self._sent[-1] not in self._answered):
            self._watch(finished=(CAMERA,))
            self._read()
            time.sleep(POLL_S)

    def _watch(self, finished: tuple[str, ...] = ()) -> None:
        self._group.watch(finished)

    def _read(self) -> None:
        slot = self._latest.slot
        for entry in self._camera.poll():
            slot = entry["index"]
            if entry["sent"]:
                self._sent.append(entry["stamp_ns"])
        for status in self._statuses.poll():
            if status["outcome"] != Outcome.NO_FRAME:
                self._answered.add(status["stamp_ns"])
            elif severity_of(Reason(status["reasons"])) == Severity.LATCH:
                raise self._failed("the segmenter refused to start: " + ", ".join(Reason(status["reasons"]).names()))
        verdicts = self._verdicts.poll()
        if verdicts:
            self._latest = Progress(slot, verdicts[-1]["failure"], Reason(verdicts[-1]["reasons"]))
        else:
            self._latest = Progress(slot, self._latest.flag_up, self._latest.reasons)

    def _failed(self, what: str) -> ProcessFailed:
        return ProcessFailed(what, got=self._group.last_words(SEGMENTER))

    def _programs(self, own: Path) -> list[Program]:
        bounds, rate_hz = drive_bounds(self._drive.rate_hz), float(self._drive.rate_hz)
        timing = {"camera_rate_hz": rate_hz, "latency_budget_ms": bounds.latency_budget_ns / MS}
        schedule = self._options.work / "schedule.json"
        schedule.write_text(json.dumps(self._drive.camera_schedule()), encoding="utf-8")
        segmenter = {
            "bundle": str(self._options.bundle), "backend": self._options.backend, "threads": self._options.threads,
            "mode": self._drive.mode, "autostart": True, "image_transport": self._drive.transport, **timing,
        }  # fmt: skip
        monitor = {"latch_file": str(own / "latch.json"), **timing}
        camera = {
            "source": str(self._drive.folder), "rate_hz": rate_hz, "max_frames": self._drive.slots,
            "schedule": str(schedule), "log": str(self._seen / CAMERA_LOG), "wait_for_subscribers": IMAGE_READERS,
            "start_file": str(self._start_file), "image_transport": self._drive.transport,
        }  # fmt: skip
        recorder = {
            "output": str(self._options.recording), "max_megabytes": RECORDING_LIMIT_MB,
            "image_transport": self._drive.transport,
        }  # fmt: skip
        return [
            self._node(SEGMENTER, segmenter, respawn=True),
            self._node(MONITOR, monitor),
            self._node(RECORDER, recorder),
            Program(OBSERVER, (sys.executable, "-m", "trustseg_lab.demo.observer", "--folder", str(self._seen))),
            self._node(CAMERA, camera),
        ]

    def _node(self, name: str, parameters: dict[str, object], respawn: bool = False) -> Program:
        """A node started as `ros2 run` would, its parameters in a file (a path on the command line would be YAML)."""
        path = self._options.work / f"{name}.yaml"
        path.write_text(yaml.safe_dump({"/**": {"ros__parameters": parameters}}), encoding="utf-8")
        command = (sys.executable, "-m", MODULES[name], "--ros-args", "--params-file", str(path))
        return Program(name, command, respawn)
