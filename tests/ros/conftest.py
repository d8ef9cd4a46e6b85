# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Isolation for tests that start real ROS 2 processes: a domain of their own, this host only, nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustseg.host.ros_env import find_ros, ros_environment
from trustseg_lab.harness.domains import own_domain
from trustseg_lab.harness.processes import DieWithParent

# Nothing heavy is imported before a test runs: OpenCV changes the environment, which the top conftest.py compares.
if TYPE_CHECKING:
    from node_forks import Fork, Forks
    from ros_probe import Probe

PATIENCE_S = ((signal.SIGINT, 8.0), (signal.SIGTERM, 3.0), (signal.SIGKILL, 10.0))
LOG_TAIL_BYTES = 4000

StartProcess = StartNode = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture(scope="session", autouse=True)
def _ros_is_there() -> None:
    if find_ros().workspace is None:
        pytest.fail("no ROS 2 with trustseg_interfaces: run scripts/setup.sh first")


@pytest.fixture
def ros_domain() -> Iterator[int]:
    """A random domain that nobody else on this host uses meanwhile, drawn as every drive draws its own."""
    with own_domain() as domain:
        yield domain


@pytest.fixture(autouse=True)
def ros_environ(ros_domain: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Variables for child processes; those that matter are set here too, for nodes made by the test itself."""
    own = {
        "ROS_DOMAIN_ID": str(ros_domain),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "ROS_LOG_DIR": str(tmp_path / "ros_log"),
        "XDG_RUNTIME_DIR": str(tmp_path),
        "PYTHONUNBUFFERED": "1",
    }
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    return ros_environment()


@pytest.fixture(autouse=True)
def _shared_memory_is_clean() -> Iterator[None]:
    """Removes what killed processes left in /dev/shm; what others use stays."""
    from trustseg_lab.harness.shared_memory import remove_orphans, segments

    before = segments()
    yield
    remove_orphans(before)


@pytest.fixture(scope="session")
def _forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    from node_forks import Forks

    made = Forks(tmp_path_factory.mktemp("forks"))
    yield made
    made.close()


@pytest.fixture
def quick_starts(_forks: Forks) -> Forks:
    """Of tests that do not look at the start itself: their Python programs are forks, see node_forks.py."""
    return _forks


@pytest.fixture
def start_process(
    request: pytest.FixtureRequest, _shared_memory_is_clean: None, ros_environ: dict[str, str], tmp_path: Path
) -> Iterator[StartProcess]:
    """Starts a process with its whole group ended when the test ends, however it ends; its output is shown on failure.

    `start_process(program, *arguments, name="x", env={...})`; the log lies in tmp_path / "<name>.log". With the fixture
    `quick_starts` it is a fork where it can be one; `fresh=True` for a process whose modules or memory are looked at.
    """
    running: list[tuple[str, subprocess.Popen[bytes] | Fork]] = []
    forks: Forks | None = request.getfixturevalue("_forks") if "quick_starts" in request.fixturenames else None

    def start(
        *command: str | Path, name: str = "", env: dict[str, str] | None = None, fresh: bool = False
    ) -> subprocess.Popen[bytes] | Fork:
        name = name or f"{Path(command[0]).name}_{len(running)}"
        words, environment = [str(part) for part in command], {**ros_environ, **(env or {})}
        if forks is not None and not fresh and forks.can_start(words, environment):
            forked = forks.start(words, environment, tmp_path / f"{name}.log")
            running.append((name, forked))
            return forked
        with (tmp_path / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                words,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # A run that is killed outright leaves no node behind in a domain that the next one takes.
                preexec_fn=DieWithParent(os.getpid()),
            )
        running.append((name, process))
        return process

    try:
        yield start
    finally:
        end_groups([process for _, process in running])
        for name, process in running:
            log_file = tmp_path / f"{name}.log"
            with log_file.open("rb") as log:
                log.seek(max(0, log_file.stat().st_size - LOG_TAIL_BYTES))
                print(f"--- {name} (exit status {process.returncode}):\n{log.read().decode(errors='replace')}")


@pytest.fixture
def start_node(start_process: StartProcess) -> StartNode:
    """`start_node("segmenter", parameters={...}, arguments=[...])`: an executable of trustseg_ros with parameters."""
    installation = find_ros()

    def start(
        executable: str,
        parameters: dict[str, object] | None = None,
        arguments: Sequence[str] = (),
        *,
        name: str = "",
        env: dict[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        assert installation.workspace is not None
        given = [f"{key}:={_yaml_value(value)}" for key, value in (parameters or {}).items()]
        command = [str(installation.workspace / "lib" / "trustseg_ros" / executable)]
        if given or arguments:
            command += ["--ros-args", *(part for entry in given for part in ("-p", entry)), *arguments]
        return start_process(sys.executable, *command, name=name or executable, env=env)

    return start


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound bundle of the size of the probe's images, made once: nobody may change it."""
    from bundle_factory import make_tiny_bundle
    from ros_probe import HEIGHT, WIDTH

    return make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny", height=HEIGHT, width=WIDTH)


@pytest.fixture
def segmenter(start_node: StartNode, bundle: Path) -> StartNode:
    """`segmenter("-r", "image:=front", name="second", output_size="camera")`: the active node with the tiny bundle."""
    from ros_probe import TIMING

    def start(
        *arguments: str, name: str = "segmenter", env: dict[str, str] | None = None, **parameters: object
    ) -> subprocess.Popen[bytes]:
        given = {"bundle": str(bundle), "backend": "onnxruntime", "autostart": True, **TIMING, **parameters}
        return start_node("segmenter", given, arguments, name=name, env=env)

    return start


@pytest.fixture
def monitor(start_node: StartNode) -> StartNode:
    """`monitor(...)`: the failure monitor with the timing of `segmenter`; arguments as there."""
    from ros_probe import TIMING

    def start(
        *arguments: str, name: str = "monitor", env: dict[str, str] | None = None, **parameters: object
    ) -> subprocess.Popen[bytes]:
        return start_node("monitor", {**TIMING, **parameters}, arguments, name=name, env=env)

    return start


@pytest.fixture
def probe(request: pytest.FixtureRequest) -> Iterator[Probe]:
    """A camera, and a reader of all that the nodes say; parametrized indirectly: of that type of image messages."""
    from ros_probe import Probe

    made = Probe(**({"image_type": request.param} if hasattr(request, "param") else {}))
    yield made
    made.close()


def _yaml_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


def end_groups(processes: Sequence[subprocess.Popen[bytes] | Fork]) -> None:
    """Ends the processes and all their descendants in the same group, each round firmer, and waits for every one."""
    for number, patience_s in PATIENCE_S:
        for process in processes:
            if group_exists(process.pid):
                os.killpg(process.pid, number)
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            for process in processes:
                process.poll()  # reaps it, so that its group can vanish
            if not any(group_exists(process.pid) for process in processes):
                return
            time.sleep(0.02)


def group_exists(group: int) -> bool:
    """Whether any process of the group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
