# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The processes that faults happen to: camera, injector, segmenter, monitor; started, watched, started again."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from trustseg.bounds import MS, SECOND, Bounds, derive_bounds
from trustseg.errors import TrustSegError
from trustseg_lab.faults.fault import COMPRESSED, VARYING
from trustseg_lab.faults.stream_faults import SLOWEST_SHARE
from trustseg_lab.harness.processes import ProcessGroup, Program

CAMERA, LINK, SEGMENTER, MONITOR = "camera", "injector", "segmenter", "monitor"
MODULES = {CAMERA: "trustseg_lab.tools.camera", LINK: "trustseg_lab.faults.rig.injector"}
WATCH_S = 0.02
# As the launch file's: nobody knows a cause that is gone any sooner.
RESPAWN_DELAY_S = 0.5
RUN_LIMIT_S = 60.0
MANY = 1_000_000


@dataclass(frozen=True)
class StackOptions:
    """How the processes are started.

    Attributes:
        bundle, backend, precision, threads: of the segmenter. source: what the camera shows. rate_hz: of the camera.
        latency_budget_ms: with the rate, what every bound derives from.
        self_test_period_s: of the golden image while driving.
        work: scratch folder for logs and parameters.
    """

    bundle: str
    backend: str
    precision: str
    threads: int
    source: Path
    rate_hz: float
    latency_budget_ms: float
    self_test_period_s: float
    work: Path

    @property
    def bounds(self) -> Bounds:
        """Every time bound that follows."""
        return derive_bounds(round(SECOND / self.rate_hz), round(self.latency_budget_ms * MS))


class Stack:
    """Real processes, each started again when it ends, as the launch file does.

    Args:
        options: how. environment: variables of every process.
        lost: called from a thread with the text of what can go on no longer.
    """

    def __init__(
        self, options: StackOptions, environment: Mapping[str, str], lost: Callable[[TrustSegError], None]
    ) -> None:
        self.options, self._environment = options, environment
        self.setup = ""
        # Others may be able to write to the results' folder: a latch is not kept there.
        self._own = tempfile.TemporaryDirectory(prefix="trustseg-faults-")
        self._group = ProcessGroup(environment, options.work / "logs", respawn_limit=MANY, delay_s=RESPAWN_DELAY_S)
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._lost = lost
        self._watcher = threading.Thread(target=self._watch, name="stack", daemon=True)

    def __enter__(self) -> Stack:
        self._group.__enter__()
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._watcher.join()
        self._own.cleanup()

    def use(self, setup: str) -> bool:
        """Make this setup run; True when processes were started for it."""
        if setup == self.setup:
            return False
        begun, before = bool(self.setup), self.setup
        self.setup = setup
        # The monitor first, and it stays: what it does before anybody else is there is part of the product. Only where
        # the timing is another one it must be told too.
        stays = begun and VARYING not in (before, setup)
        for name in (SEGMENTER, LINK, CAMERA) if stays else (MONITOR, SEGMENTER, LINK, CAMERA):
            self.restart(name)
        return True

    def restart(self, name: str, **changes: Any) -> None:
        """End a program in order, if it runs, and start it with its parameters and these changes."""
        with self._lock:
            self._group.stop(name)
            self._group.start(self._program(name, changes))

    def stop(self, name: str) -> None:
        """End a program for good."""
        with self._lock:
            self._group.stop(name)
            self._group.forget(name)

    def kill(self, name: str) -> None:
        """Kill a program, which stays away until `restart`."""
        with self._lock:
            self._group.kill(name)
            self._group.forget(name)

    def pid(self, name: str) -> int:
        """Process id of a program."""
        with self._lock:
            return self._group.pid(name)

    def is_running(self, name: str) -> bool:
        """Whether a program runs now."""
        with self._lock:
            return self._group.is_running(name)

    def clean(self) -> None:
        """Remove what killed processes left in shared memory."""
        with self._lock:
            self._group.clean()

    def last_words(self, name: str) -> str:
        """The last lines of a program's log."""
        return self._group.last_words(name)

    def start_beside(self, name: str, arguments: tuple[str, ...]) -> None:
        """Start one more program, a module with arguments; it is stopped by name, and started again until then."""
        with self._lock:
            self._group.start(Program(name, (sys.executable, "-m", *arguments), respawn=True))

    def run_beside(self, arguments: tuple[str, ...]) -> tuple[int, str]:
        """Run one more program to its end; its exit status and what it wrote."""
        ran = subprocess.run(
            (sys.executable, "-m", *arguments), env=dict(self._environment), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=RUN_LIMIT_S, check=False,
        )  # fmt: skip
        return ran.returncode, ran.stdout

    def _watch(self) -> None:
        try:
            while not self._ending.wait(WATCH_S):
                with self._lock:
                    self._group.watch()
        except TrustSegError as error:
            self._lost(error)
        finally:
            # By this thread: what it started again would be killed by the kernel at its end.
            self._ending.wait()
            with self._lock:
                self._group.stop_all()

    # Programs -------------------------------------------------------------------------------------------------

    def _program(self, name: str, changes: dict[str, Any]) -> Program:
        path = self.options.work / f"{name}.yaml"
        given = {**self.parameters(name), **changes}
        path.write_text(yaml.safe_dump({"/**": {"ros__parameters": given}}), encoding="utf-8")
        module = MODULES.get(name, f"trustseg_ros.{name}")
        command = [sys.executable, "-m", module, "--ros-args", "--params-file", str(path)]
        if name == CAMERA:
            command += ["-r", "image:=image_in"]
        return Program(name, tuple(command), respawn=True)

    def parameters(self, name: str) -> dict[str, Any]:
        """Parameters of a program in the present setup."""
        options = self.options
        timing = {"camera_rate_hz": options.rate_hz, "latency_budget_ms": options.latency_budget_ms}
        if self.setup == VARYING:
            timing["camera_rate_min_hz"] = options.rate_hz * SLOWEST_SHARE
        transport = {"image_transport": "compressed" if self.setup == COMPRESSED else "raw"}
        if name == CAMERA:
            return {"source": str(options.source), "rate_hz": options.rate_hz, "loop": True, **transport}
        if name == LINK:
            return {"make_camera_info": True, **timing, **transport}
        if name == MONITOR:
            return {"latch_file": str(Path(self._own.name) / "latch.json"), **timing}
        return {
            "bundle": options.bundle, "backend": options.backend, "precision": options.precision,
            "threads": options.threads, "mode": "live", "autostart": True, "fault_injection": True,
            "require_camera_info": self.setup != COMPRESSED, "self_test_period_s": options.self_test_period_s, **timing,
            **transport,
        }  # fmt: skip


def wait_until(condition: Callable[[], bool], limit_s: float, poll_s: float = WATCH_S) -> bool:
    """Whether `condition` came true in time."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(poll_s)
    return True
