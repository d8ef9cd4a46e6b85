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
from replay_runs import contents
from trustseg.errors import InputError
from trustseg_lab.replay.ray_cluster import RayCluster, work

RECORDINGS = {"a": 150, "b": 150, "c": 20}
# Ray gives a client's server and a first connection half a minute each, which a busy machine does not keep.
PATIENT = {
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": WAIT_S, "TIMEOUT_FOR_SPECIFIC_SERVER_S": WAIT_S,
    "RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S": WAIT_S, "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S": WAIT_S,
}  # fmt: skip
# A cluster that does not know its own node after half a minute ends itself (no setting of Ray's changes that).
HEADS = 4
# What the cluster's processes run at their start: a drive that is to write its first pictures of a failure says so and
# waits in the middle of its work until it may go on.
HOLD = """
import os, sys, time

def hold(event, arguments, folder={folder!r}):
    if event != "os.mkdir" or "/.part-" not in str(arguments[0]) or os.path.basename(str(arguments[0])) != "events":
        return
    if not os.path.exists(os.path.join(folder, "go-on")):
        with open(os.path.join(folder, f"held-{{os.getpid()}}"), "x"):
            pass
        while not os.path.exists(os.path.join(folder, "go-on")):
            time.sleep(0.01)

sys.addaudithook(hold)
"""
# A client that gets an answer from a worker: everything that a replay needs is up.
FIRST_CLIENT = """
import logging, sys, ray
ray.init(sys.argv[1], logging_level=logging.ERROR, log_to_driver=False)
assert ray.get(ray.remote(num_cpus=2)(lambda: 7).remote()) == 7
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < ends, f"no {what} within {WAIT_S} s"
        time.sleep(0.01)


def answers(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) == 0


def has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def serve_a_client(address: str, environ: dict[str, str], head: subprocess.Popen[bytes]) -> None:
    """Until a client of its own got an answer from a worker; another one follows it when its server did not come up."""
    asked, told, limit_s = [sys.executable, "-c", FIRST_CLIENT, address], "", WAIT_S / 8
    while limit_s <= WAIT_S:
        assert head.poll() is None, "the cluster has ended"
        try:
            ran = subprocess.run(asked, env=environ, capture_output=True, text=True, timeout=limit_s, check=False)
        except subprocess.TimeoutExpired as expired:
            told, limit_s = f"{expired}", 2 * limit_s
            continue
        if ran.returncode == 0:
            return
        told, limit_s = ran.stderr[-2000:], 1.2 * limit_s
    pytest.fail(f"the cluster serves no client: {told}")


def start_head(environ: dict[str, str], log: Path) -> tuple[subprocess.Popen[bytes], int]:
    """(process of a cluster, port for its clients), when it listens there or has ended."""
    port, client = free_port(), free_port()
    command = [
        sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block", "--num-cpus=2", f"--port={port}",
        f"--ray-client-server-port={client}", "--include-dashboard=false", "--object-store-memory=100000000",
        "--node-ip-address=127.0.0.1",
    ]  # fmt: skip
    with log.open("ab") as opened:
        head = subprocess.Popen(command, env=environ, stdout=opened, stderr=opened, start_new_session=True)
    try:
        until(lambda: answers(client) or head.poll() is not None, "Ray cluster")
    except BaseException:
        head.terminate()
        raise
    return head, client


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """(address, environment) of a cluster with two CPUs on this machine, that takes nobody without its token."""
    # The path of Ray's sockets may hold 107 characters: no place below pytest's folders.
    scratch = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
    environ = os.environ | {
        "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_TMPDIR": scratch, **{name: str(round(seconds)) for name, seconds in PATIENT.items()},
        "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path / "hold"), os.environ.get("PYTHONPATH")])),
    }  # fmt: skip
    (tmp_path / "hold").mkdir()
    (tmp_path / "hold" / "sitecustomize.py").write_text(HOLD.format(folder=str(tmp_path / "hold")))
    log = tmp_path / "ray.log"
    for _ in range(HEADS):
        head, client = start_head(environ, log)
        if head.poll() is None:
            break
    try:
        assert head.poll() is None, log.read_text()
        address = f"ray://127.0.0.1:{client}"
        serve_a_client(address, environ, head)  # the port answers before there is anything behind it
        yield address, environ
    finally:
        head.terminate()  # takes its own processes with it
        head.wait(WAIT_S)
        shutil.rmtree(scratch, ignore_errors=True)


def arguments(root: Path, out: Path, *more: str) -> list[str]:
    inputs = [str(root / name) for name in RECORDINGS]
    options = ["--bundle", str(root / "engines" / "tiny"), "--out", str(out), "--threads", "1", *more]
    return [sys.executable, "-m", "trustseg", "replay", *inputs, *options]


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.timeout(1800)
def test_a_cluster_that_loses_a_worker_gives_the_same_bytes(
    cluster: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    address, environ = cluster
    make_tiny_bundle(tmp_path / "engines" / "tiny")
    for name, count in RECORDINGS.items():
        images = shots(count)
        if name != "c":
            images[40].image[...] = np.uint8(0)
        write_bag(tmp_path / name, images)
    out, unfinished = tmp_path / "out", tmp_path / "out.unfinished"

    def held() -> list[int]:
        """Processes that wait in the middle of a drive."""
        return [int(path.name.partition("-")[2]) for path in (tmp_path / "hold").glob("held-*")]

    process = subprocess.Popen(
        arguments(tmp_path, out, "--executor", address), env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    until(lambda: len(held()) == 2 or process.poll() is not None, "two workers at work")
    assert process.poll() is None, process.communicate()
    victim = held()[0]
    # It is in the middle of it; the name of a drive's folder ends with its process.
    (drive,) = unfinished.glob(f".part-*-{victim}")
    assert (drive / "frames.parquet").exists()
    os.kill(victim, signal.SIGKILL)
    until(lambda: has_ended(victim), "end of the worker")
    assert drive.exists()
    (tmp_path / "hold" / "go-on").touch()
    _, told = process.communicate(timeout=WAIT_S)
    assert process.returncode == 0, told
    subprocess.run(arguments(tmp_path, tmp_path / "alone"), check=True, stdout=subprocess.DEVNULL)
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
