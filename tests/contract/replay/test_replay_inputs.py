# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""What `trustseg replay` takes: several recordings and cameras, folders, films, links and odd names."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
import pytest

from bag_factory import HEIGHT, WIDTH, bag_file, shots, write_bag, write_unindexed, write_video
from bundle_factory import make_tiny_bundle
from replay_runs import contents, run
from trustseg.bounds import SECOND


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines") / "tiny"
    make_tiny_bundle(folder)
    return folder


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


@pytest.mark.parametrize("stamps", ["", "--live", "recorded"])
def test_a_recorder_whose_clock_was_set_back_changes_no_figure(stamps: str, bundle: Path, tmp_path: Path) -> None:
    """By an hour, after 40 of 80 images, and 4 that cannot be decoded behind it: the flag was up for 3598 of 6 seconds.

    A file without an index is read in the order of writing. Live, the cameras' stamps are of the same clock.
    """
    good, behind = shots(80), shots(80)
    for shot in behind[40:]:
        shot.time_ns -= 3600 * SECOND
        if stamps == "--live":
            shot.stamp_ns -= 3600 * SECOND
    for images in (good, behind):
        for shot in images[60:64]:
            shot.changes["encoding"] = "none such"
    more = ["--stamps", "recorded"] if stamps == "recorded" else [stamps] if stamps else []
    figures = []
    for name, images in (("good", good), ("behind", behind)):
        path = write_unindexed(tmp_path / f"{name}.mcap", images)
        assert run(bundle, tmp_path / name, [path], "--no-annotated", "--pictures", "0", *more) == 0
        figures.append(json.loads((tmp_path / name / "summary.json").read_text()))
    told = "the times of recording go back by 3599.9 s behind 40 messages: what follows is taken a period later"
    assert [each["input"]["losses"] for each in figures] == [[], [told]]
    assert [each["metrics"]["complete"] for each in figures] == [1.0, 0.0]
    before, after = (each["metrics"] for each in figures)
    assert before["duration_s"] == after["duration_s"] == 8.0
    if stamps != "--live":  # stamps that go back are refused, and trust is earned anew
        assert before | {"complete": 0.0} == after
        assert 0.0 < after["failure_share"] < 0.5
    assert 0.0 < after["failure_share"] < 1.0
    rows = pq.read_table(tmp_path / "behind" / "frames.parquet")
    assert [round(10 * each) for each in rows["time_s"].to_pylist()] == list(range(80))


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
