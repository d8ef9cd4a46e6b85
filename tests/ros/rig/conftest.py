# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The processes of a rig of three cameras."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

StartNode = Callable[..., "subprocess.Popen[bytes]"]
CAMERAS = "front,left,right"


@pytest.fixture
def rig(start_node: StartNode, bundle: Path) -> StartNode:
    """`rig("-r", "x:=y", cameras="front", fault_injection=True)`: the process with the tiny bundle."""

    from ros_probe import TIMING  # the messages are found once the session has begun

    def start(*arguments: str, **parameters: object) -> subprocess.Popen[bytes]:
        given = {"cameras": CAMERAS, "bundle": str(bundle), "backend": "onnxruntime", "autostart": True, **TIMING}
        return start_node("segmenter_rig", {**given, **parameters}, arguments, name="rig")

    return start


@pytest.fixture
def rig_monitor(start_node: StartNode) -> StartNode:
    """`rig_monitor(required_cameras="front")`: the rig's monitor."""

    def start(*arguments: str, **parameters: object) -> subprocess.Popen[bytes]:
        return start_node("rig_monitor", {"cameras": CAMERAS, **parameters}, arguments, name="rig_monitor")

    return start
