# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Whether signatures are checked: the node says so when it starts, and does not start with an empty key."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from patience import WAIT_S

StartNode = Callable[..., "subprocess.Popen[bytes]"]


def test_an_empty_key_is_one_line_and_exit_status_2(start_node: StartNode, tmp_path: Path) -> None:
    node = start_node("segmenter", {"bundle": "segnet_lite"}, env={"TRUSTSEG_PUBLIC_KEY": ""})
    assert node.wait(WAIT_S) == 2
    told = (tmp_path / "segmenter.log").read_text().splitlines()
    assert [line for line in told if line.startswith("trustseg: TRUSTSEG_PUBLIC_KEY is empty")]
    assert "Traceback" not in " ".join(told)


@pytest.mark.parametrize("key", ["", "/etc/trustseg/fleet.pub.pem"])
def test_the_start_says_whether_signatures_are_checked(start_node: StartNode, tmp_path: Path, key: str) -> None:
    node = start_node("segmenter", {"bundle": "segnet_lite"}, env={"TRUSTSEG_PUBLIC_KEY": key} if key else {})
    wanted = f"are checked with {key}" if key else "are NOT checked (TRUSTSEG_PUBLIC_KEY is not set)"
    log = tmp_path / "segmenter.log"
    while f"signatures of bundles and plans {wanted}" not in log.read_text(errors="replace"):
        assert node.poll() is None, log.read_text()
        with pytest.raises(subprocess.TimeoutExpired):
            node.wait(timeout=0.1)
