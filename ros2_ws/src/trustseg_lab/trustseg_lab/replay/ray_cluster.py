# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Jobs on the machines of a Ray cluster. The one module that imports ray, which is an extra (`trustseg_lab[ray]`).

Recordings, bundle and results lie in folders that every machine sees under the same path, as on a network file system:
a worker that does not see them says so. Each machine has the same TrustSeg installed; the results name its versions.
"""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, TypeVar

import cv2

from trustseg.errors import InputError
from trustseg.install_hint import pip_install
from trustseg_lab.recordings.storage import one_line
from trustseg_lab.replay.executors import JobLost

Job = TypeVar("Job")
Result = TypeVar("Result")
LOCAL, RUNNING, CLIENT = "ray:local", "ray", "ray://"
# Enough that a cluster which grows with the work that waits for it does grow.
UNDER_WAY = 1000
CONNECT_S = 10.0


def check_address(text: str) -> None:
    """InputError unless `text` is an executor of this module."""
    if text not in (LOCAL, RUNNING) and not (text.startswith(CLIENT) and len(text) > len(CLIENT)):
        raise InputError(f"--executor {text} is unknown", expected=f"{CLIENT}HOST:PORT, {RUNNING}, or {LOCAL}")


class RayCluster(Generic[Job, Result]):
    """See `trustseg_lab.replay.executors.Executor`.

    Args:
        address: `ray://HOST:PORT` (a cluster's client port), `ray` (the cluster that RAY_ADDRESS names), or `ray:local`
            (one that is made here and ends with the run).
        call: a function that workers can import.
        sight: a file that workers must see.
        cpus: of each job. local_jobs: at a time, with `ray:local`.

    Raises:
        InputError: Ray is not installed, the cluster cannot be reached, or none of its machines is large enough.
    """

    slots = UNDER_WAY

    def __init__(self, address: str, call: Callable[[Job], Result], sight: Path, cpus: int, local_jobs: int) -> None:
        check_address(address)
        try:
            import ray
        except ImportError as error:
            raise InputError(
                f"--executor {address} needs ray", fix=pip_install("trustseg_lab", "ray")
            ) from error  # fmt: skip
        self._ray, self._call, self._sight = ray, call, sight
        self._refs: dict[Any, Job] = {}
        options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
        if address == LOCAL:
            options |= {"address": "local", "num_cpus": cpus * local_jobs, "include_dashboard": False}
        else:
            options["address"] = address = _reachable(address)
        try:
            ray.init(**options)
        except Exception as error:  # ConnectionError, RuntimeError, ValueError and Ray's own, by the kind of trouble
            raise InputError(
                f"the Ray cluster at {address} refuses", got=_brief(error),
                fix="check that it has this Python and Ray and, where it asks for a token, set RAY_AUTH_MODE=token",
            ) from error  # fmt: skip
        largest = max((node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]), default=0)
        if largest < cpus:
            ray.shutdown()
            raise InputError(
                f"no machine of the Ray cluster has {cpus} CPUs", got=f"{largest:g} at most", fix="lower --threads"
            )
        # Another try is ours to make: after all others, and counted.
        self._work = ray.remote(num_cpus=cpus, max_retries=0)(work)

    def start(self, job: Job) -> None:
        """See `Executor`."""
        self._refs[self._work.remote(self._call, job, self._sight)] = job

    def ended(self) -> tuple[Job, Result | Exception]:
        """See `Executor`; InputError when the cluster itself is lost."""
        try:
            ready, _ = self._ray.wait(list(self._refs), num_returns=1)
        except (ConnectionError, RuntimeError) as error:
            raise InputError("the Ray cluster is lost", got=_brief(error)) from error
        job = self._refs.pop(ready[0])
        try:
            return job, self._ray.get(ready[0])
        except InputError as error:  # as raised by the worker
            return job, InputError(str(error))
        except self._ray.exceptions.RayError as error:
            return job, JobLost(f"{type(error).__name__}: {_brief(error)}")

    def close(self) -> None:
        """See `Executor`."""
        for ref in self._refs:
            self._ray.cancel(ref, force=True)
        self._refs = {}
        self._ray.shutdown()


def _brief(error: Exception) -> str:
    """What Ray says in the end: before that comes the traceback of another process."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__


def _reachable(address: str) -> str:
    """The address to connect to; InputError where nobody listens, which Ray itself finds out after half a minute."""
    if address == RUNNING:
        address = os.environ.get("RAY_ADDRESS", "")
    host, colon, port = address.removeprefix(CLIENT).rpartition(":")
    if not colon or re.fullmatch("[0-9]{1,5}", port) is None:
        raise InputError(
            f"{address or 'nothing'} is no address of a Ray cluster", fix=f"give {CLIENT}HOST:PORT or set RAY_ADDRESS"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
    except (OSError, OverflowError, UnicodeError) as error:  # UnicodeError: no name at all (127.0..1)
        raise InputError(
            f"no Ray cluster answers at {address}", got=one_line(error),
            fix="start one (`ray start --head --ray-client-server-port 10001`) or correct host and port",
        ) from error  # fmt: skip
    return address


def work(call: Callable[[Job], Result], job: Job, sight: Path) -> Result:
    """Run one job on a worker."""
    if not sight.is_file():
        raise InputError(
            f"the machine {socket.gethostname()} does not see {sight.parent}",
            fix="give inputs, bundle and --out in folders that every machine of the cluster sees under the same path",
        )
    cv2.setNumThreads(1)
    return call(job)
