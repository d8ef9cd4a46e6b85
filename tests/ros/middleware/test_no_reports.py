# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The live nodes tell nobody: while frames flow no name is looked up, nothing is left under the home folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from name_lookups import make_watch
from ros_probe import Probe
from trustseg.host.telemetry import OPT_OUT

StartNode = Callable[..., "subprocess.Popen[bytes]"]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_node_and_monitor_open_no_connection_of_their_own(
    segmenter: StartNode, monitor: StartNode, probe: Probe, tmp_path: Path, backend: str
) -> None:
    watch = make_watch(tmp_path)
    env = watch.environment(dict(os.environ))
    env = {
        **dict.fromkeys(OPT_OUT, "0"),
        **env,
    }  # start_node adds to its own variables, so ours are set to what reports
    monitor(env=env)
    segmenter(env=env, backend=backend)
    probe.connect()
    for _ in range(20):
        probe.publish_and_wait()
    assert watch.asked() == []
    assert watch.left_behind() == []
