# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg scenes`: what it writes can be read back; what it cannot do it says in one line and leaves nothing."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from trustseg.cli.app import main
from trustseg.files.output_folder import output_folder
from trustseg_lab.scenes import SCENE_CLASSES, Drive
from trustseg_lab.scenes.writers import TOPIC, writer

SIZE = (96, 128)


def run(*arguments: str | Path) -> int:
    """Exit code of `trustseg scenes ...`, in this process."""
    with pytest.raises(SystemExit) as ended:
        main(["scenes", "--size", "96x128", "--seed", "5", *map(str, arguments)])
    code = ended.value.code
    return code if isinstance(code, int) else 0


def test_images_and_labels_are_the_drive(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "drive"
    assert run("--out", out, "--frames", "2", "--start", "3", "--depth") == 0
    for number in range(2):
        wanted = Drive(5, SIZE).frame(3 + number)
        image = cv2.imread(str(out / "images" / f"{number:06d}.png"))
        label = cv2.imread(str(out / "labels" / f"{number:06d}.png"), cv2.IMREAD_UNCHANGED)
        depth = cv2.imread(str(out / "depth" / f"{number:06d}.png"), cv2.IMREAD_UNCHANGED)
        assert image is not None
        assert np.array_equal(image[..., ::-1], wanted.image_rgb)
        assert np.array_equal(label, wanted.labels)
        assert np.array_equal(depth, np.rint(np.minimum(wanted.depth_m * 100, 65535)))
    classes = json.loads((out / "classes.json").read_text())
    assert [c["name"] for c in classes["classes"]] == [c.name for c in SCENE_CLASSES]
    assert classes["void"] not in [c["id"] for c in classes["classes"]]
    assert sorted(p.name for p in out.parent.iterdir()) == ["drive"]


def test_conditions_change_the_images_only(tmp_path: Path) -> None:
    assert run("--out", tmp_path / "a", "--frames", "1") == 0
    assert run("--out", tmp_path / "b", "--frames", "1", "--condition", "fog:0.8", "--condition", "noise:0.3") == 0
    read = {n: [cv2.imread(str(tmp_path / n / k / "000000.png")) for k in ("images", "labels")] for n in "ab"}
    assert not np.array_equal(read["a"][0], read["b"][0])
    assert np.array_equal(read["a"][1], read["b"][1])


def test_lost_cargo_is_void_in_the_labels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "c"
    assert run("--out", out, "--frames", "1", "--cargo", "tree", "--json") == 0
    assert json.loads(capsys.readouterr().out)["cargo"] == ["tree"]
    label = cv2.imread(str(out / "labels" / "000000.png"), cv2.IMREAD_UNCHANGED)
    drive = Drive(5, SIZE)
    assert np.array_equal(label, drive.frame(0, cargo=drive.scattered(0, ["tree"])).labels)
    assert run("--out", tmp_path / "d", "--cargo", "sofa") == 2
    assert run("--out", tmp_path / "d", "--cargo", "box", "--random") == 2
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.slow
def test_random_places_differ(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--out", tmp_path / "r", "--frames", "2", "--seed", "3", "--random", "--json") == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["frames"], summary["size"]) == (2, [96, 128])
    first, second = (cv2.imread(str(tmp_path / "r" / "labels" / f"00000{n}.png")) for n in range(2))
    assert np.mean(np.asarray(first) != np.asarray(second)) > 0.05


def test_a_video_has_every_frame(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    assert run("--out", tmp_path / "v", "--frames", "5", "--format", "video", "--fps", "12.5") == 0
    with av.open(str(tmp_path / "v" / "drive.mp4")) as video:
        stream = video.streams.video[0]
        assert (stream.codec_context.name, float(stream.average_rate)) == ("h264", 12.5)
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(stream)]
    assert len(pictures) == 5
    wanted = Drive(5, SIZE, 12.5).frame(4).image_rgb
    assert np.abs(pictures[4].astype(int) - wanted).mean() < 12


def test_a_bag_has_every_frame_with_its_stamp(tmp_path: Path) -> None:
    pytest.importorskip("rosbags")
    from rosbags.highlevel import AnyReader

    assert run("--out", tmp_path / "b", "--frames", "3", "--format", "bag") == 0
    with AnyReader([tmp_path / "b" / "bag"]) as reader:
        assert [c.topic for c in reader.connections] == [f"{TOPIC}/compressed"]
        stamps, images = [], []
        for connection, time_ns, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == time_ns
            stamps.append(time_ns)
            images.append(cv2.imdecode(np.asarray(message.data), cv2.IMREAD_COLOR))
    assert np.diff(stamps).tolist() == [100_000_000] * 2
    wanted = Drive(5, SIZE).frame(2).image_rgb[..., ::-1]
    assert np.abs(np.asarray(images[2]).astype(int) - wanted).mean() < 12


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--size", "360"], "HEIGHTxWIDTH"),
        (["--size", "10x20"], "64x64"),
        (["--condition", "fgo:0.5"], "one of"),
        (["--condition", "fog:7"], "[0, 1]"),
        (["--format", "gif"], "images, video, bag"),
        (["--format", "video", "--size", "97x129"], "even"),
        (["--fps", "0"], "fps"),
        (["--random", "--format", "bag"], "--format images"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    assert run("--out", tmp_path / "x", "--frames", "1", *arguments) == 2
    said = capsys.readouterr().err.strip()
    assert words in said
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    assert run("--out", tmp_path, "--frames", "1") == 2
    assert "not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_a_break_off_leaves_nothing(tmp_path: Path) -> None:
    def render_and_stop() -> None:
        with output_folder(tmp_path / "out") as folder:
            with writer("images", folder, SIZE, 10.0) as add:
                add(0, Drive(5, SIZE).frame(0))
            assert (folder / "images" / "000000.png").is_file()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_and_stop()
    assert list(tmp_path.iterdir()) == []
