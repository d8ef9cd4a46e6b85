# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg run` over real processes and real DDS: a short drive to its end, and drives that are broken off."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import psutil
import pytest

from bundle_factory import PALETTE, make_tiny_bundle, paint_scene, true_ids
from patience import WAIT_S
from trustseg_lab.harness.shared_memory import LOOKS, NEXT_LOOK_S, held_by, segments

# Slow on purpose: a busy machine may keep the node waiting for a second before its reader (depth 5) loses a picture.
HEIGHT, WIDTH, RATE_HZ, FRAMES = 144, 192, 5, 63
TROUBLE_AT = 5 * RATE_HZ  # the slot at which the first trouble of the script begins
DRIVES = 3
# What a flag may be up for on a clear road where a busy machine keeps answers waiting; nothing else may raise it there.
SLOW_MACHINE = {
    "NO_INPUT", "INPUT_STALE", "LOW_RATE", "FRAME_DROP", "BACKLOG", "LATENCY", "STATUS_STALE", "RECOVERING",
    "NEW_INSTANCE",
}  # fmt: skip
PROCESSES = {"segmenter", "monitor", "camera", "recorder", "observer"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny")


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("footage")
    for k in range(FRAMES):
        cv2.imwrite(str(folder / f"{k}.png"), paint_scene(HEIGHT, WIDTH, seed=k)[..., ::-1])
    return folder


def start(folder: Path, bundle: Path, footage: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-m",
        "trustseg",
        "run",
        "--input",
        footage,
        "--bundle",
        bundle,
        "--out",
        folder / "demo",
    ]
    return subprocess.Popen(
        [*map(str, command), "--rate", str(RATE_HZ), "--trouble", "frozen", "--backend", "onnxruntime", "--json"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory, bundle: Path, footage: Path) -> tuple[Path, dict]:
    """A finished drive: its folder and what it printed. A busy machine may raise the flag just when the trouble begins,
    or lose an image, and is given another drive then; the last one is taken as it is."""
    for _ in range(DRIVES):
        folder = tmp_path_factory.mktemp("drive")
        run = start(folder, bundle, footage)
        held = shared_memory(wait_for_drive(run, folder))
        out, err = run.communicate(timeout=WAIT_S)
        assert run.returncode in (0, 1), err
        assert held & segments() == frozenset()
        summary = json.loads(out)
        if not summary["lost"] and not any(each["flag_at_onset"] for each in summary["injected"]):
            break
    return folder / "demo", summary


def test_no_frame_is_lost_and_every_one_is_answered(drive: tuple[Path, dict]) -> None:
    _, summary = drive
    assert summary["frames_sent"] + summary["sent_while_down"] > FRAMES // 2
    # Best effort: a picture that the segmenter never got is told, and so it is on the page of its drive.
    assert summary["lost"] <= FRAMES // 10
    assert ("never answered" in " ".join(summary["problems"])) is (summary["lost"] > 0)
    assert summary["statuses"] == summary["frames_sent"] - summary["sent_while_down"] - summary["lost"]
    assert summary["masks"] == summary["statuses"] - summary["skipped"] - summary["rejected"]
    assert (summary["bundle"], summary["backend"]) == ("tiny", "onnxruntime")
    assert summary["latency_ms"]["p50"] > summary["engine_ms"]["p50"] > 0


def test_the_frozen_camera_is_noticed_and_the_flag_comes_down_before(drive: tuple[Path, dict]) -> None:
    summary = drive[1]
    (injected,) = summary["injected"]
    assert (injected["kind"], injected["expect_flag"]) == ("frozen", True)
    assert "FROZEN" in injected["reasons"]
    assert not summary["flag_never_down"]
    if injected["flag_at_onset"]:
        # A machine that was too slow three times over: the flag was up for that, and for nothing else.
        assert set(summary["flag_reasons"]) <= SLOW_MACHINE | {"FROZEN"}
    else:
        # The third picture tells, two periods after the first that is repeated: not before, whatever the machine does.
        assert injected["detected_after_ms"] > 100


def test_quality_is_unknown_without_labels(drive: tuple[Path, dict]) -> None:
    assert drive[1]["miou_mean"] is None
    assert drive[1]["false_alarm_s"] is None


def test_the_printed_summary_is_the_written_one(drive: tuple[Path, dict]) -> None:
    folder, summary = drive
    assert json.loads((folder / "summary.json").read_text()) == summary


def test_nothing_but_the_results_is_left(drive: tuple[Path, dict]) -> None:
    folder, _ = drive
    assert {p.name for p in folder.iterdir()} == {
        "summary.json", "overlay.mp4", "timeline.png", "contact_sheet.png", "outputs",
    }  # fmt: skip
    assert [p.name for p in folder.parent.iterdir()] == ["demo"]


def test_the_video_plays_in_a_browser(drive: tuple[Path, dict]) -> None:
    path = drive[0] / "overlay.mp4"
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        pictures = sum(1 for _ in container.decode(stream))
        assert pictures == FRAMES
        assert float(stream.average_rate) == pytest.approx(RATE_HZ)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # the index comes first: playing starts at once


def test_the_flag_is_red_in_the_video_while_it_is_up(drive: tuple[Path, dict]) -> None:
    summary = drive[1]
    with av.open(str(drive[0] / "overlay.mp4")) as container:
        banners = [f.to_ndarray(format="rgb24")[4:12, 600:900].mean((0, 1)) for f in container.decode(video=0)]
    red = [banner[0] > banner[1] + 50 for banner in banners]
    assert [banner[1] > banner[0] + 50 for banner in banners] == [not each for each in red]  # else green
    # As the drive's own account has it, but for less than a picture wherever the flag went up or down, seen or not.
    changes = sum(before != after for before, after in pairwise(red))
    assert abs(sum(red) / RATE_HZ - summary["flag_up_s"]) <= (changes + 4) / RATE_HZ
    assert any(red[TROUBLE_AT : TROUBLE_AT + 3 * RATE_HZ + 1])
    assert not all(red)
    if not summary["injected"][0]["flag_at_onset"]:
        assert not all(red[:TROUBLE_AT])


def test_the_pictures_can_be_opened(drive: tuple[Path, dict]) -> None:
    for name in ("timeline.png", "contact_sheet.png"):
        image = cv2.imread(str(drive[0] / name))
        assert image is not None
        assert float(np.std(image)) > 20


def test_the_recording_holds_images_and_verdicts(drive: tuple[Path, dict]) -> None:
    from rosbags.highlevel import AnyReader

    with AnyReader([drive[0] / "outputs"]) as reader:
        counts = {c.topic: c.msgcount for c in reader.connections}
    statuses = next(count for topic, count in counts.items() if topic.endswith("trustseg/status"))
    assert statuses >= drive[1]["statuses"] - drive[1]["skipped"]
    assert any(topic.endswith("failure_state") and count > 100 for topic, count in counts.items())
    assert any("image" in topic and count > FRAMES // 2 for topic, count in counts.items())


def test_the_recorded_masks_are_those_of_the_pictures(drive: tuple[Path, dict]) -> None:
    from rosbags.highlevel import AnyReader

    truth = np.bincount(true_ids(paint_scene(HEIGHT, WIDTH, seed=30)).ravel(), minlength=len(PALETTE)) / (
        HEIGHT * WIDTH
    )
    with AnyReader([drive[0] / "outputs"]) as reader:
        masks = [c for c in reader.connections if c.topic.endswith("trustseg/mask")]
        pixels = [reader.deserialize(raw, c.msgtype).data for c, _, raw in reader.messages(masks)]
    shares = [np.bincount(p, minlength=len(PALETTE)) / p.size for p in pixels]
    # Some mask has about the classes of picture 30: the network sees it at a quarter of its size.
    assert min(np.abs(share - truth).sum() for share in shares) < 0.2
    assert all((share > 0.01).sum() >= 3 for share in shares)


def children(run: subprocess.Popen[str]) -> dict[str, psutil.Process]:
    """The drive's processes by the name of their module."""
    found = {}
    for process in psutil.Process(run.pid).children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        module = words[words.index("-m") + 1].split(".") if "-m" in words else []
        found.update({name: process for name in PROCESSES if name in module})
    return found


def wait_for_drive(run: subprocess.Popen[str], folder: Path) -> dict[str, psutil.Process]:
    """Until statuses come in: everything runs and the shared memory is in use."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and run.poll() is None:
        found = children(run)
        statuses = list(folder.glob(".demo.partial-*/work/observed/statuses.jsonl"))
        if set(found) == PROCESSES and statuses and statuses[0].stat().st_size > 0:
            return found
        time.sleep(0.1)
    run.kill()
    pytest.fail(f"the drive did not start: {run.communicate()}")


def shared_memory(parts: dict[str, psutil.Process]) -> frozenset[str]:
    """The segments that these processes hold: what others on this machine leave behind meanwhile is not theirs.

    Without the ports: their names are numbers, and whoever starts next takes the lowest free one over. Without what a
    part does not hold at every look: to see who lives it opens the files of others for a moment.
    """
    looks = []
    for _ in range(LOOKS):
        looks.append([held_by(part.pid) for part in parts.values()])
        time.sleep(NEXT_LOOK_S)
    held = frozenset[str]().union(*(frozenset[str].intersection(*each) for each in zip(*looks, strict=True)))
    own = frozenset(name for name in held if "port" not in name)
    assert own
    return own


@pytest.mark.parametrize(
    ("how", "status"),
    [
        (lambda run, parts: run.send_signal(signal.SIGINT), 130),
        (lambda run, parts: run.send_signal(signal.SIGTERM), 130),
        (lambda run, parts: [(run.send_signal(signal.SIGINT), time.sleep(0.3)) for _ in range(4)], 130),
        (lambda run, parts: parts["monitor"].kill(), 2),
    ],
    ids=["ctrl-c", "terminated", "ctrl-c-again-and-again", "monitor-dies"],
)
def test_breaking_off_ends_every_process_and_leaves_nothing(
    tmp_path: Path,
    bundle: Path,
    footage: Path,
    how: Callable[[subprocess.Popen[str], dict[str, psutil.Process]], object],
    status: int,
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    run = start(folder, bundle, footage)
    parts = wait_for_drive(run, folder)
    held = shared_memory(parts)
    how(run, parts)
    out, err = run.communicate(timeout=WAIT_S)
    assert run.returncode == status, err
    assert out == ""
    assert "Traceback" not in err
    assert err.strip().splitlines()[-1].startswith("trustseg: ")
    assert [name for name, process in parts.items() if process.is_running()] == []
    assert held & segments() == frozenset()
    assert list(folder.iterdir()) == []


def test_a_killed_orchestrator_takes_its_processes_along(tmp_path: Path, bundle: Path, footage: Path) -> None:
    run = start(tmp_path, bundle, footage)
    parts = wait_for_drive(run, tmp_path)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate(timeout=WAIT_S)
    _, alive = psutil.wait_procs(list(parts.values()), timeout=WAIT_S)
    assert alive == []
    assert not (tmp_path / "demo").exists()
