# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Nodes of one user, camera and planner of another, as with a container that is not root: frames and verdicts pass."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bundle_factory import make_tiny_bundle
from ros_probe import HEIGHT, TIMING, WIDTH, Probe
from trustseg.host.ros_env import find_ros, transport_environment

OTHER_USER = 10001  # the one of docker/Dockerfile
BECOME = ("setpriv", f"--reuid={OTHER_USER}", f"--regid={OTHER_USER}", "--clear-groups")


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Probe]:
    # As in a container: for LOCALHOST rmw_fastrtps adds shared memory to whatever the profile says.
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    made = Probe()
    yield made
    made.close()


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that everybody may read, with one in it that is the other user's."""
    folder = Path(tempfile.mkdtemp(prefix="trustseg-two-users-"))
    folder.chmod(0o755)
    own = folder / "own"
    own.mkdir(mode=0o700)
    os.chown(own, OTHER_USER, OTHER_USER)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.getuid() != 0 or shutil.which("setpriv") is None, reason="needs root, to become another user")
def test_a_camera_of_another_user_is_seen_and_its_planner_hears_the_verdict(
    start_process: Callable[..., Any], probe: Probe, shared_folder: Path
) -> None:
    bundle = make_tiny_bundle(shared_folder / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    own = str(shared_folder / "own")
    environment = {
        **transport_environment({"TRUSTSEG_TRANSPORT": "udp"}), "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
        "HOME": own, "ROS_LOG_DIR": f"{own}/log", "XDG_RUNTIME_DIR": own, "TRUSTSEG_STATE": own,
        "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    workspace = find_ros().workspace
    assert workspace is not None
    given = {
        "segmenter": {"bundle": bundle, "backend": "onnxruntime", "autostart": "true", **TIMING},
        "monitor": dict(TIMING),
    }
    for name, parameters in given.items():
        program = workspace / "lib" / "trustseg_ros" / name
        settings = [part for key, value in parameters.items() for part in ("-p", f"{key}:={value}")]
        start_process(*BECOME, sys.executable, program, "--ros-args", *settings, name=name, env=environment)
    probe.drive_until_ok()
    probe.until(lambda: probe.pictures["mask"], "a mask", every=probe.publish)
    assert not probe.verdicts[-1].failure
