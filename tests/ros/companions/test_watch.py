# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg watch` on the real nodes: the page, a real browser, Foxglove's handshake, and no cost unseen."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ros_probe import Probe

StartNode = Callable[..., "subprocess.Popen[bytes]"]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def page(start_process: StartNode, probe: Probe, tmp_path: Path) -> Callable[..., dict[str, int]]:
    """Starts the command and gives its ports, by what serves there."""

    def start(*options: str) -> dict[str, int]:
        start_process(sys.executable, "-m", "trustseg", "watch", "--port", "0", *options, name="watch")
        log = tmp_path / "watch.log"

        def ports() -> dict[str, int]:
            found = re.findall(r"^(\w+): \w+://127\.0\.0\.1:(\d+)", log.read_text() if log.exists() else "", re.M)
            return {name: int(port) for name, port in found}

        probe.until(lambda: len(ports()) == (2 if "--foxglove" in options else 1), "addresses")
        return ports()

    return start


def get(port: int, path: str) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
        return bytes(answer.read())


def state(port: int) -> dict[str, Any]:
    return dict(json.loads(get(port, "state.json")))


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_a_real_browser_runs_the_pages_script(
    page: Callable[..., dict[str, int]], segmenter: StartNode, monitor: StartNode, probe: Probe
) -> None:
    port = page()["page"]
    segmenter()
    monitor()
    probe.until(lambda: not state(port)["failed"], "flag down", every=probe.publish)
    # What the script wrote is in the document that the browser gives back.
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--timeout=4000", "--dump-dom"]
    shown: list[str] = []

    def look() -> bool:
        done = subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True, timeout=120, check=False)
        shown.append(done.stdout.decode(errors="replace"))
        return "predicted quality" in shown[-1]

    probe.until(look, "figures on the page", every=probe.publish)
    assert re.search(r'<header id="head" class="(ok|bad|fair)"', shown[-1])


def test_the_page_follows_the_system(
    page: Callable[..., dict[str, int]], segmenter: StartNode, monitor: StartNode, probe: Probe
) -> None:
    port = page()["page"]
    assert state(port)["why"] == "no verdict has arrived"
    node = segmenter()
    monitor()
    probe.until(lambda: not state(port)["failed"], "flag down", every=probe.publish)
    probe.until(lambda: set(state(port)["pictures"]) == {"overlay", "confidence"}, "pictures", every=probe.publish)
    assert get(port, "overlay.jpg?3")[:3] == b"\xff\xd8\xff"
    assert b"state.json" in get(port, "")
    assert state(port)["figures"]["backend"] == "onnxruntime fp32"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(port, "../../etc/passwd")
    # Nobody looks any more: the node draws for nobody.
    pictures = "/trustseg/overlay"
    probe.until(lambda: probe.node.count_subscribers(pictures) == 0, "end of the subscription", every=probe.publish)
    node.kill()
    probe.until(lambda: state(port)["failed"], "flag up")


def test_foxglove_is_told_of_the_channels(page: Callable[..., dict[str, int]]) -> None:
    pytest.importorskip("foxglove", reason="foxglove-sdk is not installed")
    port = page("--foxglove")["Foxglove"]
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            "GET / HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: foxglove.sdk.v1", "", "",
        ]  # fmt: skip
        connection.sendall("\r\n".join(lines).encode())
        told = b""
        while b"/trustseg/overlay" not in told or b"/trustseg/state" not in told:
            part = connection.recv(65536)
            assert part, told
            told += part
    assert told.startswith(b"HTTP/1.1 101")
    assert b"foxglove.CompressedImage" in told


def test_a_port_that_is_taken_is_told_in_one_line(start_process: StartNode, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = start_process(sys.executable, "-m", "trustseg", "watch", "--port", port, name="watch")
        assert process.wait(60) == 2
    lines = [line for line in (tmp_path / "watch.log").read_text().splitlines() if line.startswith("trustseg:")]
    assert len(lines) == 1
    assert "another --port" in lines[0]


@pytest.mark.parametrize("address", ["127.0..1", "ä" * 64])
def test_an_address_that_is_none_is_told_in_one_line(address: str, start_process: StartNode, tmp_path: Path) -> None:
    process = start_process(sys.executable, "-m", "trustseg", "watch", "--address", address, name="watch")
    assert process.wait(60) == 2
    text = (tmp_path / "watch.log").read_text()
    assert f"trustseg: the page cannot be served on {address}:" in text
    assert "Traceback" not in text
