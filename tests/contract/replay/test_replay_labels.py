# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay --labels`: truth by number, stamp or topic, and the same metrics as `trustseg evaluate`."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import pyarrow.parquet as pq
import pytest
from mcap.writer import CompressionType, Writer
from rosbags.rosbag2 import Writer as RosbagWriter

from bag_factory import HEIGHT, RAW, STORE, TOPIC, WIDTH, message_of, shots, write_bag, write_labels
from bundle_factory import make_tiny_bundle
from replay_runs import run
from trustseg.cli.app import main


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "tiny"
    make_tiny_bundle(folder)
    return folder


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

        def more(writer: RosbagWriter) -> None:
            connection = writer.add_connection("/labels", RAW, typestore=STORE)
            for shot, truth in zip(images, truths, strict=True):
                changes = {"encoding": "mono8", "step": WIDTH, "data": truth.ravel()}
                data = STORE.serialize_cdr(message_of(replace(shot, changes=changes)), RAW)
                writer.write(connection, shot.time_ns + 1000, data)

        bag = write_bag(tmp_path / "bag", images, extra=more)
        assert run(bundle, tmp_path / "out", [bag], "--topic", TOPIC, "--labels", "/labels") == 0
        assert json.loads((tmp_path / "out" / "summary.json").read_text())["truth"]["labelled_frames"] == 6
        assert run(bundle, tmp_path / "no", [bag], "--topic", TOPIC, "--labels", "/nowhere") == 2

    def test_labels_that_are_damaged_are_told(
        self, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """In chunks of their own, so that the images are whole; the last label's chunk is not."""
        out = io.BytesIO()
        writer = Writer(out, chunk_size=200, compression=CompressionType.NONE)
        writer.start("ros2", "test")
        schema = writer.register_schema(RAW, "ros2msg", b"")
        channels = [writer.register_channel(topic, "cdr", schema) for topic in (TOPIC, "/labels")]
        labels = write_labels(tmp_path / "labels", [str(i) for i in range(4)])
        for index, shot in enumerate(shots(4)):
            truth = cv2.imread(str(labels / f"{index}.png"), cv2.IMREAD_UNCHANGED)
            ids = {"encoding": "mono8", "step": WIDTH, "data": truth.ravel()}
            for channel, each in zip(channels, (shot, replace(shot, changes=ids)), strict=True):
                data = bytes(STORE.serialize_cdr(message_of(each), RAW))
                writer.add_message(channel, shot.time_ns, data, shot.stamp_ns)
        writer.finish()
        damaged = bytearray(out.getvalue())
        damaged[damaged.index(data) + len(data) - 1] ^= 1
        (tmp_path / "a.mcap").write_bytes(damaged)
        assert run(bundle, tmp_path / "out", [tmp_path / "a.mcap"], "--topic", TOPIC, "--labels", "/labels") == 0
        told = capsys.readouterr().err
        assert "a.mcap is damaged (a chunk is not what its checksum was made of)" in told
        summary = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert summary["metrics"]["complete"] == 0
        assert summary["metrics"]["frames"] == 4
        assert summary["truth"]["labelled_frames"] == 3  # the last one's chunk is the one that differs

    def test_labels_that_do_not_match_are_one_line(
        self, bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bag = write_bag(tmp_path / "bag", shots(4))
        for name, size, words in (("x", (HEIGHT, WIDTH), "no labels of"), ("0", (30, 40), "differ in size")):
            labels = write_labels(tmp_path / f"labels_{name}", [name], size)
            assert run(bundle, tmp_path / "out", [bag], "--labels", str(labels)) == 2
            found, error = capsys.readouterr().err.strip().splitlines()
            assert "class ids (ids); in 1 files" in found  # said before the first image is taken
            assert words in error
            assert not (tmp_path / "out").exists()
