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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest
from rosbags.highlevel import AnyReader

from bag_factory import HEIGHT, PERIOD_NS, TOPIC, WIDTH, bag_file, shots, write_bag, write_labels, write_video
from bundle_factory import CLASSES, make_tiny_bundle
from patience import WAIT_S
from trustseg.cli.app import main
from trustseg.failsafe.checksum import NESTED, checksum
from trustseg_lab.recordings.bag_writer import typestore
from trustseg_lab.replay.results.metric_names import known_figures, metrics_of_nothing

MEASURED = {"timing.parquet", "timing.json", "report.html"}
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


def run(bundle: Path, out: Path, inputs: Sequence[Path], *more: str) -> int:
    """Exit code of the command."""
    return main_code(["replay", *map(str, inputs), "--bundle", str(bundle), "--out", str(out), "--threads", "1", *more])


def main_code(arguments: Sequence[str]) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in MEASURED
    }


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


def test_json_is_the_only_thing_on_stdout(
    bundle: Path, replayed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(bundle, tmp_path / "out", [replayed / "bag"], "--json", "--end", "1", "--no-annotated") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["metrics"]["frames"] == 10
    assert document["timing"]["latency_p99_ms"] > 0
    known = known_figures(list(CLASSES), True)
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


class TestLabels:
    @pytest.mark.parametrize("naming", ["number", "stamp"])
    def test_a_folder_by_number_or_stamp(self, naming: str, bundle: Path, tmp_path: Path) -> None:
        images = shots(12)
        names = [f"{i:06d}" if naming == "number" else str(s.stamp_ns) for i, s in enumerate(images)]
        labels = write_labels(tmp_path / "labels", names)
        bag = write_bag(tmp_path / "bag", images)
        assert run(bundle, tmp_path / "out", [bag], "--labels", str(labels), "--fail-on", "miou < 0.6") == 0
        truth = json.loads((tmp_path / "out" / "summary.json").read_text())["truth"]
        assert truth["labelled_frames"] == 12
        assert truth["accuracy"] > 0.9
        row = pq.read_table(tmp_path / "out" / "frames.parquet").to_pylist()[3]
        assert row["true_quality"] > 0.6

    def test_the_metrics_are_those_of_evaluate(self, bundle: Path, tmp_path: Path) -> None:
        (tmp_path / "images").mkdir()
        for index, shot in enumerate(shots(3)):
            cv2.imwrite(str(tmp_path / "images" / f"{index}.png"), shot.image[..., ::-1])
        labels = write_labels(tmp_path / "labels", ["0", "1", "2"])
        assert run(bundle, tmp_path / "a", [tmp_path / "images"], "--labels", str(labels), "--void", "3") == 0
        arguments = ["--images", str(tmp_path / "images"), "--labels", str(labels), "--void", "3"]
        with pytest.raises(SystemExit):
            main(
                [
                    "evaluate",
                    "--bundle",
                    str(bundle),
                    "--backend",
                    "onnxruntime",
                    "--out",
                    str(tmp_path / "b"),
                    *arguments,
                ]
            )
        truth = json.loads((tmp_path / "a" / "summary.json").read_text())["truth"]
        expected = json.loads((tmp_path / "b" / "metrics.json").read_text())
        assert truth["miou"] == pytest.approx(expected["segmentation"]["miou"], abs=1e-12)
        assert truth["class_iou"] == expected["segmentation"]["class_iou"]

    def test_a_topic_of_the_same_bag(self, bundle: Path, tmp_path: Path) -> None:
        images = shots(6)
        labels = write_labels(tmp_path / "labels", [str(i) for i in range(6)])
        truths = [cv2.imread(str(labels / f"{i}.png"), cv2.IMREAD_UNCHANGED) for i in range(6)]
        from rosbags.rosbag2 import Writer

        from bag_factory import RAW, STORE, message_of

        def more(writer: Writer) -> None:
            connection = writer.add_connection("/labels", RAW, typestore=STORE)
            for shot, truth in zip(images, truths, strict=True):
                changes = {"encoding": "mono8", "step": WIDTH, "data": truth.ravel()}
                data = STORE.serialize_cdr(message_of(replace(shot, changes=changes)), RAW)
                writer.write(connection, shot.time_ns + 1000, data)

        bag = write_bag(tmp_path / "bag", images, extra=more)
        assert run(bundle, tmp_path / "out", [bag], "--topic", TOPIC, "--labels", "/labels") == 0
        assert json.loads((tmp_path / "out" / "summary.json").read_text())["truth"]["labelled_frames"] == 6
        assert run(bundle, tmp_path / "no", [bag], "--topic", TOPIC, "--labels", "/nowhere") == 2

    def test_labels_that_do_not_match_are_one_line(
        self, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bag = write_bag(tmp_path / "bag", shots(4))
        for name, size, words in (("x", (HEIGHT, WIDTH), "no labels of"), ("0", (30, 40), "differ in size")):
            labels = write_labels(tmp_path / f"labels_{name}", [name], size)
            assert run(bundle, tmp_path / "out", [bag], "--labels", str(labels)) == 2
            error = capsys.readouterr().err.strip()
            assert words in error
            assert "\n" not in error
            assert not (tmp_path / "out").exists()


def test_several_cameras_and_recordings_are_judged_apart_and_summed(bundle: Path, tmp_path: Path) -> None:
    two = write_bag(tmp_path / "two", shots(12), topics=("/left", "/right"))
    one = write_bag(tmp_path / "one", shots(8))
    code = run(bundle, tmp_path / "out", [two, one], "--all-topics", "--jobs", "2", "--no-annotated")
    assert code == 0
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert [d["name"] for d in document["drives"]] == ["two_left", "two_right", "one"]
    assert document["metrics"]["frames"] == 32
    assert run(bundle, tmp_path / "alone", [one], "--no-annotated") == 0
    alone, among = contents(tmp_path / "alone"), contents(tmp_path / "out" / "one")
    assert alone == among  # processes and company change nothing


def test_one_bad_recording_among_good_ones_is_told_and_the_others_count(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_bag(tmp_path / "good", shots(5))
    (tmp_path / "bad.db3").write_bytes(b"nothing")
    assert run(bundle, tmp_path / "out", [good, tmp_path / "bad.db3"]) == 2
    assert "bad.db3" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["metrics"]["frames"] == 5


def test_a_truncated_bag_is_evaluated_and_told(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = bag_file(write_bag(tmp_path / "bag", shots(60), mcap=False))
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    assert run(bundle, tmp_path / "out", [path], "--no-annotated") == 0
    assert "cut off" in capsys.readouterr().err
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert not document["input"]["complete"]
    assert 25 < document["metrics"]["frames"] < 60
    gate = ["--fail-on", "not complete", "--no-annotated"]
    assert run(bundle, tmp_path / "gated", [path], *gate) == 1


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


def test_a_folder_of_images_and_a_video(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for index, shot in enumerate(shots(12)):
        suffix = "png" if index % 2 else "bmp"
        cv2.imwrite(str(tmp_path / "images" / f"{index}.{suffix}"), shot.image[..., ::-1])
    (tmp_path / "images" / "11.png").write_bytes(b"not a picture")
    assert run(bundle, tmp_path / "a", [tmp_path / "images"], "--rate", "5") == 0
    document = json.loads((tmp_path / "a" / "summary.json").read_text())
    assert document["input"]["rate_hz"] == 5.0
    assert list(document["rejected"]) == ["BAD_IMAGE"]
    assert run(bundle, tmp_path / "b", [write_video(tmp_path / "drive.mp4", 12)]) == 0
    assert json.loads((tmp_path / "b" / "summary.json").read_text())["metrics"]["processed"] == 12


def test_what_is_named_twice_or_by_its_metadata_or_a_link_is_meant(bundle: Path, tmp_path: Path) -> None:
    bag = write_bag(tmp_path / "bag", shots(3), topics=("/left", "/right"))
    more = ["--topic", "/left", "--topic", "/left", "--no-annotated"]
    assert run(bundle, tmp_path / "out", [bag / "metadata.yaml"], *more) == 0
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert run(bundle, tmp_path / "link", [bag], *more) == 0
    assert (tmp_path / "link").is_symlink()
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (document["input"]["name"], document["input"]["topic"]) == ("bag", "/left")


def test_names_of_files_are_whatever_the_system_gives(bundle: Path, tmp_path: Path) -> None:
    """Bytes that are no UTF-8 ended the replay after all its work, a superscript digit before it."""
    folder, labels = tmp_path / "images", tmp_path / "labels"
    names = ["stra\udcdfe_10", "stra\udcdfe_9", "x²", "a:b"]
    for place, image in ((folder, shots(1)[0].image), (labels, np.zeros((HEIGHT, WIDTH), np.uint8))):
        place.mkdir()
        data = cv2.imencode(".png", image)[1].tobytes()
        for name in names:
            (place / f"{name}.png").write_bytes(data)
    (folder / "._a:b.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        ")
    assert run(bundle, tmp_path / "out", [folder], "--labels", str(labels), "--frozen") == 0
    rows = pq.read_table(tmp_path / "out" / "frames.parquet").to_pylist()
    assert [row["name"] for row in rows] == ["a:b.png", "stra\\xdfe_9.png", "stra\\xdfe_10.png", "x².png"]
    truth = json.loads((tmp_path / "out" / "summary.json").read_text())["truth"]
    assert (truth["labelled_frames"], truth["unlabelled_frames"]) == (4, 0)


def test_names_of_folders_are_whatever_the_system_gives(bundle: Path, tmp_path: Path) -> None:
    """One recording of two is none: its line in the report holds its name."""
    good, out = tmp_path / "stra\udcdfe", tmp_path / "o\udcdf"
    good.mkdir()
    (good / "0.png").write_bytes(cv2.imencode(".png", shots(1)[0].image)[1].tobytes())
    assert run(bundle, out, [good]) == 0
    assert json.loads((out / "summary.json").read_text())["input"]["name"] == "stra\\xdfe"
    assert "stra" in (out / "report.html").read_text(encoding="utf-8")
    (tmp_path / "leer\udcdf").mkdir()
    assert run(bundle, tmp_path / "both", [good, tmp_path / "leer\udcdf"]) == 2
    assert "leer\\udcdf" in (tmp_path / "both" / "report.html").read_text(encoding="utf-8")


def test_a_film_named_by_a_time(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_video(tmp_path / "film.mp4", 3).rename(tmp_path / "2024-05-01T10:00:00.mp4")
    monkeypatch.chdir(tmp_path)
    assert run(bundle, tmp_path / "out", [Path("2024-05-01T10:00:00.mp4")]) == 0
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["metrics"]["processed"] == 3
