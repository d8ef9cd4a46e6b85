"""`trustseg run` with bad input: one clear line, exit code 2, nothing running, nothing written."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bundle_factory import make_tiny_bundle


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny").resolve()


def run(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "trustseg", "run", *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, timeout=60,
        env={**os.environ, "XDG_CACHE_HOME": str(cwd / "cache"), "COLUMNS": "400"},
    )  # fmt: skip


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--input", "missing.mp4"), ("missing.mp4",)),
        (("--rate", "0"), ("--rate", "1 to 60")),
        (("--rate", "nan"), ("--rate", "1 to 60")),
        (("--duration", "0.5"), ("--duration", "2 to 3600")),
        (("--threads", "0"), ("--threads",)),
        (("--seed", "-1"), ("--seed",)),
        (("--backend", "cuda"), ("--backend", "onnxruntime")),
        (("--trouble", "snow"), ("snow", "fog")),
        (("--trouble", "fog", "--no-trouble"), ("--no-trouble",)),
        (("--topic", "/camera"), ("--topic", "--input")),
    ],
)
def test_an_option_out_of_range_is_refused(
    tmp_path: Path, bundle: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(run(*arguments, "--bundle", bundle, cwd=tmp_path), *words)
    assert not (tmp_path / "out" / "demo").exists()


def test_a_bundle_whose_hash_differs_is_refused(tmp_path: Path, bundle: Path) -> None:
    altered = tmp_path / "tiny"
    shutil.copytree(bundle, altered)
    model = altered / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    refused(run("--bundle", altered, cwd=tmp_path), "model.onnx", "altered")


def test_a_missing_bundle_is_refused(tmp_path: Path) -> None:
    refused(run("--bundle", "nonesuch", cwd=tmp_path), "nonesuch")


def test_a_bag_without_images_lists_its_topics(tmp_path: Path, bundle: Path) -> None:
    write_bag(tmp_path / "bag", ["/speed"], images=[])
    refused(run("--input", tmp_path / "bag", "--bundle", bundle, cwd=tmp_path), "no images", "/speed")


def test_an_unknown_topic_lists_those_with_images(tmp_path: Path, bundle: Path) -> None:
    write_bag(tmp_path / "bag", ["/speed"], images=["/left", "/right"])
    result = run("--input", tmp_path / "bag", "--topic", "/rear", "--bundle", bundle, cwd=tmp_path)
    refused(result, "/rear", "/left, /right")


def test_several_image_topics_want_a_choice(tmp_path: Path, bundle: Path) -> None:
    write_bag(tmp_path / "bag", ["/speed"], images=["/left", "/right"])
    refused(run("--input", tmp_path / "bag", "--bundle", bundle, cwd=tmp_path), "--topic", "/left, /right")


def test_a_damaged_bag_is_refused(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "cut.mcap").write_bytes(b"\x89MCAP0\r\n and no more")
    refused(run("--input", tmp_path / "cut.mcap", "--bundle", bundle, cwd=tmp_path), "cut.mcap")


def test_a_folder_with_foreign_files_is_left_alone(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    refused(run("--out", "mine", "--bundle", bundle, cwd=tmp_path), "notes.txt", "--out")
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_second_drive_into_the_same_folder_is_refused(tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(run("--bundle", bundle, cwd=tmp_path), "another drive", "--out")


def write_bag(path: Path, others: list[str], images: list[str]) -> None:
    """A bag with two messages on each topic."""
    from rosbags.rosbag2 import Writer
    from rosbags.typesys import Stores, get_typestore

    store = get_typestore(Stores.ROS2_JAZZY)
    kinds = store.types
    _, jpeg = cv2.imencode(".jpg", np.zeros((48, 64, 3), np.uint8))
    with Writer(path, version=8) as writer:
        for topic in [*others, *images]:
            kind = "sensor_msgs/msg/CompressedImage" if topic in images else "std_msgs/msg/Float64"
            connection = writer.add_connection(topic, kind, typestore=store)
            for k in range(2):
                if topic in images:
                    stamp = kinds["builtin_interfaces/msg/Time"](sec=k + 1, nanosec=0)
                    header = kinds["std_msgs/msg/Header"](stamp=stamp, frame_id="camera")
                    message = kinds[kind](header=header, format="jpeg", data=jpeg.ravel())
                else:
                    message = kinds[kind](data=1.0)
                writer.write(connection, k * 100_000_000, store.serialize_cdr(message, kind))
