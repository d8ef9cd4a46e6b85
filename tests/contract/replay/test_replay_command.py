# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay` on small recordings: the same results in every run, the gate, the baseline, and bad input."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from rosbags.highlevel import AnyReader

from bag_factory import PERIOD_NS, shots, write_bag
from bundle_factory import CLASSES, make_tiny_bundle
from patience import WAIT_S
from replay_runs import contents, run
from trustseg.failsafe.checksum import NESTED, checksum
from trustseg_lab.recordings.bag_writer import typestore
from trustseg_lab.replay.results.metric_names import known_metrics, metrics_of_nothing

COUNT = 40


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "tiny"
    make_tiny_bundle(folder)
    return folder


def recording(folder: Path, **options: object) -> Path:
    """A bag with a gap of a second, a black image, and a stamp that goes back."""
    images = shots(COUNT)
    images = images[:15] + [
        replace(s, stamp_ns=s.stamp_ns + 10 * PERIOD_NS, time_ns=s.time_ns + 10 * PERIOD_NS) for s in images[15:]
    ]
    images[30] = replace(images[30], image=np.zeros_like(images[30].image))
    images[34] = replace(images[34], stamp_ns=images[31].stamp_ns + 1)
    return write_bag(folder, images, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def replayed(bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("replay")
    assert run(bundle, root / "out", [recording(root / "bag")]) == 0
    return root


def test_the_same_input_gives_the_same_bytes_wherever_it_lies(bundle: Path, replayed: Path, tmp_path: Path) -> None:
    shutil.copytree(replayed / "bag", tmp_path / "elsewhere" / "bag")
    assert run(bundle, tmp_path / "out", [tmp_path / "elsewhere" / "bag"]) == 0
    first, second = contents(replayed / "out"), contents(tmp_path / "out")
    assert list(first) == list(second)
    assert {"frames.parquet", "summary.json", "annotated.mcap", "metadata.yaml"} <= set(first)
    assert any(name.startswith("events/") for name in first)
    assert [name for name in first if first[name] != second[name]] == []


def test_the_frames_say_what_happened(replayed: Path) -> None:
    rows = pq.read_table(replayed / "out" / "frames.parquet").to_pylist()
    assert len(rows) == COUNT
    assert [row["seq"] for row in rows] == list(range(1, COUNT + 1))
    assert rows[12]["state"] == "OK"
    assert rows[15]["failure"]  # after the gap
    assert "DARK" in rows[30]["reasons"]
    assert (rows[34]["outcome"], rows[34]["reasons"]) == ("REJECTED", "STAMP_BACKWARD")
    assert rows[34]["mask_crc32"] is None
    assert rows[34]["why"]
    assert abs(sum(rows[3][f"class_share/{name}"] for name in CLASSES) - 1.0) < 1e-9
    times = pq.read_table(replayed / "out" / "timing.parquet").to_pylist()
    assert [row["seq"] for row in times] == [row["seq"] for row in rows]


def test_the_summary_names_every_failure_and_its_frame(replayed: Path) -> None:
    document = json.loads((replayed / "out" / "summary.json").read_text())
    assert [f["first_reason"] for f in document["failures"]] == ["INPUT_STALE", "DARK"]
    assert document["failures"][1]["start_seq"] == 31
    assert document["metrics"]["frames"] == COUNT
    assert document["input"]["rate_hz"] == pytest.approx(10.0)
    assert document["rejected"]["STAMP_BACKWARD"]["first"] == [35]
    event = json.loads((replayed / "out" / "events" / "002" / "event.json").read_text())
    assert event["start_seq"] == 31
    shown = {frame["seq"]: frame for frame in event["frames"]}
    picture = cv2.imread(str(replayed / "out" / "events" / "002" / shown[31]["pictures"]["camera"]))
    assert picture.mean() < 5  # it is the black one that frames.parquet names
    assert "DARK" in shown[31]["reasons"]
    assert min(shown) < 31 < max(shown)


def test_the_report_holds_the_drive_and_the_pictures_that_the_table_names(replayed: Path) -> None:
    text = (replayed / "out" / "report.html").read_text()
    found = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found
    data = json.loads(found.group(1))
    assert data["series"]["seq"] == list(range(1, COUNT + 1))
    assert [e["start_seq"] for e in data["events"]] == [0, 31]
    frame = next(f for f in data["events"][1]["frames"] if f["seq"] == 31)
    stored = replayed / "out" / "events" / "002" / "00000031_camera.jpg"
    assert base64.b64decode(frame["pictures"]["camera"]) == stored.read_bytes()
    assert sum(data["histogram"]["counts"]) == COUNT - 1
    # Frames of the whole drive, whether or not anything failed; a rejected one has no pictures.
    assert [f["seq"] for f in data["drive"]] == list(range(1, COUNT + 1))
    assert [f["seq"] for f in data["drive"] if not f["pictures"]] == [35]
    stored = replayed / "out" / "drive" / "00000003_mask.jpg"
    assert base64.b64decode(data["drive"][2]["pictures"]["mask"]) == stored.read_bytes()


def test_the_annotated_bag_holds_sealed_messages_with_the_cameras_headers(replayed: Path) -> None:
    store = typestore()

    def fields_of(message: object) -> list[tuple[str, str]]:
        kinds = store.fielddefs[message.__msgtype__][1]  # type: ignore[attr-defined]
        return [(name, str(kind[1][0]) if isinstance(kind[1], tuple) else NESTED) for name, kind in kinds]

    found: dict[str, list[object]] = {}
    for path in (replayed / "out", replayed / "out" / "annotated.mcap"):
        found = {}
        with AnyReader([path], default_typestore=store) as reader:
            for connection, _, raw in reader.messages():
                found.setdefault(connection.topic, []).append(reader.deserialize(raw, connection.msgtype))
    statuses = found["/trustseg/status"]
    assert len(statuses) == COUNT
    assert len(found["/trustseg/mask"]) == len(found["/trustseg/confidence"]) == COUNT - 1
    assert len(found["/trustseg/overlay/compressed"]) == COUNT - 1
    stamps = [s.header.stamp.sec * 10**9 + s.header.stamp.nanosec for s in statuses]  # type: ignore[attr-defined]
    rows = pq.read_table(replayed / "out" / "frames.parquet").to_pylist()
    assert stamps == [row["stamp_ns"] for row in rows]
    for message in (*statuses, *found["/trustseg_monitor/failure_state"]):
        assert message.crc32 == checksum(message, fields_of)  # type: ignore[attr-defined]
    for status in statuses:
        assert status.received == status.processed + status.skipped + status.rejected  # type: ignore[attr-defined]
    verdicts = found["/trustseg_monitor/failure_state"]
    assert {v.state for v in verdicts} >= {0, 1, 3, 4}  # type: ignore[attr-defined]


def test_the_gate_says_which_clause_fails(
    bundle: Path, replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gate = "failures > 5 or rejected > 0 or reason_DARK > 0.5"
    assert run(bundle, tmp_path / "a", [replayed / "bag"], "--fail-on", gate, "--no-annotated") == 1
    assert "the gate fails: rejected > 0  (rejected = 1)" in " ".join(capsys.readouterr().err.split("\n"))
    assert run(bundle, tmp_path / "b", [replayed / "bag"], "--fail-on", "failures > 5", "--no-annotated") == 0
    assert run(bundle, tmp_path / "c", [replayed / "bag"], "--fail-on", "miou < 0.5", "--no-annotated") == 1
    assert "undefined" in capsys.readouterr().err
    assert run(bundle, tmp_path / "d", [replayed / "bag"], "--fail-on", "fails > 5") == 2
    assert not (tmp_path / "d").exists()


def test_the_flicker_is_that_of_the_masks_in_the_bag(bundle: Path, replayed: Path, tmp_path: Path) -> None:
    """Neither over the gap, nor over the rejected image, nor in the three images of which one is missing."""
    masks = []
    with AnyReader([replayed / "out"], default_typestore=typestore()) as reader:
        for connection, _, raw in reader.messages():
            if connection.topic == "/trustseg/mask":
                message = reader.deserialize(raw, connection.msgtype)
                masks.append(message.data.copy())  # type: ignore[attr-defined]
    assert len(masks) == COUNT - 1
    runs = [masks[:15], masks[15:34], masks[34:]]  # the 35th image is rejected
    pairs = [pair for each in runs for pair in pairwise(each)]
    threes = [three for each in runs for three in zip(each, each[1:], each[2:], strict=False)]
    told = json.loads((replayed / "out" / "summary.json").read_text())
    assert told["metrics"]["mask_change"] == pytest.approx(np.mean([a != b for a, b in pairs]))
    assert told["metrics"]["flicker"] == pytest.approx(np.mean([(a != b) & (a == c) for a, b, c in threes]))
    assert [each["name"] for each in told["flicker"]] == list(CLASSES)
    gate = f"flicker < 0 or flicker_{CLASSES[0]} > 1"
    assert run(bundle, tmp_path / "out", [replayed / "bag"], "--fail-on", gate, "--no-annotated", "--end", "1") == 0


def test_json_is_the_only_thing_on_stdout(
    bundle: Path, replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(bundle, tmp_path / "out", [replayed / "bag"], "--json", "--end", "1", "--no-annotated") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["metrics"]["frames"] == 10
    assert document["timing"]["latency_p99_ms"] > 0
    known = known_metrics(list(CLASSES), True)
    assert set(document["metrics"]) | set(document["timing"]) <= known
    assert metrics_of_nothing(list(CLASSES)) <= set(document["metrics"])


class TestBaseline:
    def test_the_same_run_differs_in_nothing(self, bundle: Path, replayed: Path, tmp_path: Path) -> None:
        more = ["--baseline", str(replayed / "out"), "--no-annotated", "--fail-on", "changed_frames > 0"]
        assert run(bundle, tmp_path / "out", [replayed / "bag"], *more) == 0
        told = json.loads((tmp_path / "out" / "baseline.json").read_text())
        assert told["comparison"]["frames"] == COUNT
        assert told["comparison"]["differences"] == []

    def test_regressions_come_first(self, bundle: Path, replayed: Path, tmp_path: Path) -> None:
        worse = write_bag(tmp_path / "bag", [
            replace(s, image=np.zeros_like(s.image)) if i == 20 else s for i, s in enumerate(shots(COUNT))
        ])  # fmt: skip
        good = write_bag(tmp_path / "before" / "bag", shots(COUNT))
        assert run(bundle, tmp_path / "a", [good], "--no-annotated") == 0
        gate = ["--baseline", str(tmp_path / "a"), "--fail-on", "new_alarms > 0", "--no-annotated"]
        assert run(bundle, tmp_path / "b", [worse], *gate) == 1
        comparison = json.loads((tmp_path / "b" / "baseline.json").read_text())["comparison"]
        assert comparison["differences"][0]["index"] == 20
        assert "flag down -> up" in comparison["differences"][0]["what"]
        order = [d["regression"] for d in comparison["differences"]]
        assert order == sorted(order, reverse=True)

    def test_a_folder_without_results_is_refused(self, bundle: Path, replayed: Path, tmp_path: Path) -> None:
        assert run(bundle, tmp_path / "out", [replayed / "bag"], "--baseline", str(tmp_path)) == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--every", "0"], "--every 0 is out of range"),
        (["--start", "5", "--end", "2"], "--end 2 is not after"),
        (["--start", "1000"], "no image between"),
        (["--topic", "/nowhere"], "no topic /nowhere"),
        (["--topic", "/a", "--all-topics"], "contradict"),
        (["--jobs", "0"], "--jobs 0"),
        (["--bundle", "missing"], "missing"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], words: str, bundle: Path, replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(bundle, tmp_path / "out", [replayed / "bag"], *arguments) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()


def test_an_earlier_result_is_replaced_and_nothing_else(bundle: Path, replayed: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for _ in range(2):
        assert run(bundle, out, [replayed / "bag"], "--end", "0.5", "--no-annotated") == 0
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "mine.txt").write_text("mine")
    assert run(bundle, tmp_path / "letters", [replayed / "bag"], "--end", "0.5") == 2
    assert (tmp_path / "letters" / "mine.txt").read_text() == "mine"
    assert [p for p in tmp_path.iterdir() if "partial" in p.name] == []


@pytest.mark.parametrize("kilobytes", [4, 60])
def test_a_disk_that_is_full_leaves_no_results(bundle: Path, replayed: Path, tmp_path: Path, kilobytes: int) -> None:
    """No file may grow beyond a size, which is what a full disk looks like, and hits every writer at some size."""
    arguments = ["replay", replayed / "bag", "--bundle", bundle, "--out", tmp_path / "out", "--threads", "1"]
    command = f"ulimit -f {kilobytes}; exec {sys.executable} -m trustseg {' '.join(map(str, arguments))}"
    ended = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=WAIT_S)
    assert ended.returncode == 2, ended.stderr
    assert "cannot write" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
