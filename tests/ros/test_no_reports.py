# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The live nodes tell nobody: while frames flow no name is looked up, nothing is left under the home folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bundle_factory import make_tiny_bundle
from name_lookups import make_watch
from ros_probe import HEIGHT, WIDTH, Probe
from trustseg.host.telemetry import OPT_OUT

StartNode = Callable[..., "subprocess.Popen[bytes]"]


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
def test_node_and_monitor_open_no_connection_of_their_own(start_node: StartNode, tmp_path: Path, backend: str) -> None:
    watch = make_watch(tmp_path)
    env = watch.environment(dict(os.environ))
    env = {
        **dict.fromkeys(OPT_OUT, "0"),
        **env,
    }  # start_node adds to its own variables, so ours are set to what reports
    bundle = make_tiny_bundle(tmp_path / "engines" / "tiny", height=HEIGHT, width=WIDTH)
    timing = {"camera_rate_hz": 10.0, "latency_budget_ms": 500.0}
    probe = Probe()
    try:
        start_node("monitor", timing, env=env)
        start_node(
            "segmenter",
            {"bundle": str(bundle), "backend": backend, "autostart": True, **timing},
            env=env,
        )
        probe.connect()
        for _ in range(20):
            probe.publish_and_wait()
    finally:
        probe.close()
    assert watch.asked() == []
    assert watch.left_behind() == []
