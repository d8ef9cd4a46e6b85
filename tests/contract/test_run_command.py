# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg run` with bad input: one clear line, exit code 2, nothing running, nothing written."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import psutil
import pytest

from bundle_factory import make_tiny_bundle
from patience import WAIT_S
from trustseg.cli.app import main


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny").resolve()


class Refused(Protocol):
    """Runs the command and checks that it is refused with one line that holds the words."""

    def __call__(self, *arguments: object, words: Sequence[str]) -> None: ...


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments: object, words: Sequence[str]) -> None:
        with pytest.raises(SystemExit) as exit_info:
            main(["run", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert exit_info.value.code == 2, err
        assert out == ""
        (line,) = err.strip().splitlines()
        for word in words:
            assert word in line
        assert not (tmp_path / "out" / "demo").exists()
        assert not (tmp_path / "cache").exists()

    return run


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--input", "missing.mp4"), ("missing.mp4",)),
        (("--rate", "0"), ("--rate", "1 to 60")),
        (("--rate", "nan"), ("--rate", "1 to 60")),
        (("--duration", "0.5"), ("--duration", "2 to 3600")),
        (("--threads", "0"), ("--threads",)),
        (("--seed", "-1"), ("--seed",)),
        (("--backend", "cuda"), ("no such backend", "onnxruntime", "openvino-bf16", "'cuda'")),
        (("--backend", "openvino-bf16,openvino", "--seed", "-1"), ("--seed",)),  # the node takes it, and so does this
        (("--trouble", "snow"), ("snow", "fog")),
        (("--trouble", "fog", "--no-trouble"), ("--no-trouble",)),
        (("--topic", "/camera"), ("--topic", "--input")),
    ],
)
def test_an_option_out_of_range_is_refused(
    refused: Refused, bundle: Path, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    refused(*arguments, "--bundle", bundle, words=words)


def test_a_bundle_whose_hash_differs_is_refused(tmp_path: Path, refused: Refused, bundle: Path) -> None:
    altered = tmp_path / "tiny"
    shutil.copytree(bundle, altered)
    model = altered / "model.onnx"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    refused(
        "--bundle",
        altered,
        words=(
            "model.onnx",
            "altered",
        ),
    )


def test_a_missing_bundle_is_refused(tmp_path: Path, refused: Refused) -> None:
    refused("--bundle", "nonesuch", words=("nonesuch",))


def test_a_bag_without_images_lists_its_topics(tmp_path: Path, refused: Refused, bundle: Path) -> None:
    write_bag(tmp_path / "bag", ["/speed"], images=[])
    refused(
        "--input",
        tmp_path / "bag",
        "--bundle",
        bundle,
        words=(
            "no images",
            "/speed",
        ),
    )


def test_an_unknown_topic_lists_those_with_images(tmp_path: Path, refused: Refused, bundle: Path) -> None:
    write_bag(tmp_path / "bag", ["/speed"], images=["/left", "/right"])
    arguments = ("--input", tmp_path / "bag", "--topic", "/rear", "--bundle", bundle)
    refused(*arguments, words=("/rear", "/left, /right"))


def test_several_image_topics_want_a_choice(tmp_path: Path, refused: Refused, bundle: Path) -> None:
    write_bag(tmp_path / "bag", ["/speed"], images=["/left", "/right"])
    refused(
        "--input",
        tmp_path / "bag",
        "--bundle",
        bundle,
        words=(
            "--topic",
            "/left, /right",
        ),
    )


def test_a_damaged_bag_is_refused(tmp_path: Path, refused: Refused, bundle: Path) -> None:
    (tmp_path / "cut.mcap").write_bytes(b"\x89MCAP0\r\n and no more")
    refused("--input", tmp_path / "cut.mcap", "--bundle", bundle, words=("cut.mcap",))


def test_a_folder_with_foreign_files_is_left_alone(tmp_path: Path, refused: Refused, bundle: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("precious")
    refused(
        "--out",
        "mine",
        "--bundle",
        bundle,
        words=(
            "notes.txt",
            "--out",
        ),
    )
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]


def test_a_second_drive_into_the_same_folder_is_refused(tmp_path: Path, refused: Refused, bundle: Path) -> None:
    (tmp_path / "out").mkdir()
    with (tmp_path / "out" / ".demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused(
            "--bundle",
            bundle,
            words=(
                "another drive",
                "--out",
            ),
        )


def test_ctrl_c_while_rendering_ends_the_workers_and_leaves_no_half_drive(tmp_path: Path, bundle: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "trustseg",
        "run",
        "--bundle",
        str(bundle),
        "--trouble",
        "none",
        "--duration",
        "600",
    ]
    run = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    deadline = time.monotonic() + WAIT_S
    while not list(tmp_path.glob("cache/trustseg/drives/*.partial-*/images/*.jpg")):
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)
    workers = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=WAIT_S)
    assert run.returncode == 130, err
    assert "Traceback" not in err
    assert psutil.wait_procs(workers, timeout=WAIT_S)[1] == []
    assert list((tmp_path / "cache" / "trustseg" / "drives").iterdir()) == []
    assert not (tmp_path / "out" / "demo").exists()


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
