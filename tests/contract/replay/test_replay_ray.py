# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay --executor ray://...` on a real cluster of two workers, one of which is killed in its work."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from bag_factory import shots, write_bag
from bundle_factory import make_tiny_bundle
from patience import WAIT_S
from replay_runs import HeldDrives, contents, main_code
from trustseg.errors import InputError
from trustseg_lab.replay.ray_cluster import RayCluster, work

RECORDINGS = {"a": 60, "b": 60, "c": 20}
# Ray gives a client's server and a first connection half a minute each, which a busy machine does not keep.
PATIENT = dict.fromkeys(
    (
        "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S", "TIMEOUT_FOR_SPECIFIC_SERVER_S",
        "RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S", "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S",
    ), WAIT_S / 2,
)  # fmt: skip
# A cluster that does not know its own node after half a minute ends itself (no setting of Ray's changes that).
HEADS = 4
STARTED = b"Ray runtime started"
# A client whose server does not come up is refused.
CLIENTS, REFUSED = 8, "the Ray cluster at ray://"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < ends, f"no {what} within {WAIT_S} s"
        time.sleep(0.01)


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def at_work(
    command: list[str], environ: dict[str, str], held: HeldDrives, head: subprocess.Popen[bytes]
) -> subprocess.Popen[str]:
    """A replay of which two workers are held; another one follows one that the cluster refused."""
    for _ in range(CLIENTS):
        assert head.poll() is None, "the cluster has ended"
        process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda process=process: len(held.processes()) == 2 or process.poll() is not None, "two workers at work")
        if process.poll() is None:
            return process
        told = process.communicate()
        assert REFUSED in told[1], told
    pytest.fail(f"the cluster serves no client: {told}")


def start_head(environ: dict[str, str], log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """(process of a cluster, port for its clients), when all of it has started or it has ended.

    The port answers long before that: a client that comes then waits in vain.
    """
    port, client = free_port(), free_port()
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=2", f"--port={port}",
        f"--ray-client-server-port={client}", "--include-dashboard=false", "--object-store-memory=100000000",
        "--node-ip-address=127.0.0.1", "--no-monitor", "--include-log-monitor=false",
    ]  # fmt: skip
    with log.open("ab") as opened:
        known = opened.tell()
        head = subprocess.Popen(command, env=environ, stdout=opened, stderr=opened, start_new_session=True)
    try:
        until(lambda: STARTED in log.read_bytes()[known:] or head.poll() is not None, "Ray cluster")
    except BaseException:
        head.terminate()
        raise
    return head, client


@pytest.fixture
def held(tmp_path: Path) -> HeldDrives:
    return HeldDrives(tmp_path / "hold")


@pytest.fixture
def cluster(held: HeldDrives, tmp_path: Path) -> Iterator[tuple[str, dict[str, str], subprocess.Popen[bytes]]]:
    """(address, environment, process) of a cluster with two CPUs on this machine; it takes nobody without its token."""
    # The path of Ray's sockets may hold 107 characters: no place below pytest's folders.
    scratch = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    environ = os.environ | held.variables | {
        "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0",
        # gRPC's handlers of fork kill the process that is to become a client's server (seen: a segmentation fault).
        "GRPC_ENABLE_FORK_SUPPORT": "0",
        "RAY_TMPDIR": scratch, **{name: str(round(seconds)) for name, seconds in PATIENT.items()},
    }  # fmt: skip
    log = tmp_path / "ray.log"
    for _ in range(HEADS):
        head, client = start_head(environ, log)
        if head.poll() is None:
            break
    try:
        assert head.poll() is None, log.read_text()
        yield f"ray://127.0.0.1:{client}", environ, head
    finally:
        head.terminate()  # takes its own processes with it
        head.wait(WAIT_S)
        shutil.rmtree(scratch, ignore_errors=True)


def arguments(root: Path, out: Path, *more: str) -> list[str]:
    inputs = [str(root / name) for name in RECORDINGS]
    options = ["--bundle", str(root / "engines" / "tiny"), "--out", str(out), "--threads", "1", *more]
    return ["replay", *inputs, *options]


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(1800)
def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(
    cluster: tuple[str, dict[str, str], subprocess.Popen[bytes]], held: HeldDrives, tmp_path: Path
) -> None:
    address, environ, head = cluster
    make_tiny_bundle(tmp_path / "engines" / "tiny")
    for name, count in RECORDINGS.items():
        images = shots(count)
        if name != "c":
            images[20].image[...] = np.uint8(0)
        write_bag(tmp_path / name, images)
    out, unfinished = tmp_path / "out", tmp_path / "out.unfinished"
    command = [sys.executable, "-m", "trustseg", *arguments(tmp_path, out, "--executor", address)]
    process = at_work(command, environ, held, head)
    victim = held.processes()[0]
    # It is in the middle of it; the name of a drive's folder ends with its process.
    (drive,) = unfinished.glob(f".part-*-{victim}")
    assert (drive / "frames.parquet").exists()
    os.kill(victim, signal.SIGKILL)
    until(lambda: has_ended(victim), "end of the worker")
    assert drive.exists()
    held.go_on()
    _, told = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, told
    assert main_code(arguments(tmp_path, tmp_path / "alone")) == 0
    assert contents(out) == contents(tmp_path / "alone")
    assert not unfinished.exists()


@pytest.mark.parametrize(
    ("executor", "named", "words"),
    [
        ("ray://127.0.0.1:1", "", "no Ray cluster answers at ray://127.0.0.1:1"),
        ("ray", "127.0.0.1:1", "no Ray cluster answers at 127.0.0.1:1"),
        ("ray://127.0..1:1", "", "no Ray cluster answers at ray://127.0..1:1"),
        ("ray", "", "set RAY_ADDRESS"),
    ],
)
def test_no_cluster_there_is_one_error(
    executor: str, named: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", named)
    with pytest.raises(InputError, match=words):
        RayCluster(executor, str, tmp_path / "sight", 1, 1)


def test_a_worker_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"does not see {tmp_path}.*under the same path"):
        work(str, "job", tmp_path / "sight")
