# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""`trustseg replay` says in the terminal why images were rejected, and is no success where nothing could be judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bag_factory import shots, write_bag
from bundle_factory import make_tiny_bundle
from trustseg.cli.app import main


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("engines") / "tiny").resolve()


def replay(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """(exit code, what stands on the error stream)."""
    with pytest.raises(SystemExit) as ended:
        main(["replay", *map(str, arguments), "--backend", "onnxruntime", "--no-annotated"])
    return int(ended.value.code or 0), capsys.readouterr().err


def test_rejected_images_are_told_with_reason_and_number(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = shots(6)
    images[2].changes = {"encoding": "nonesuch"}
    images[4].changes = {"step": 3}
    bag = write_bag(tmp_path / "bag", images)
    code, err = replay(capsys, bag, "--out", tmp_path / "out", "--bundle", bundle)
    assert code == 0
    assert "bag /camera/image_raw: 2 of 6 images were rejected: BAD_ENCODING 1, BAD_STEP 1" in err
    assert "nonesuch" in err


def test_nothing_to_judge_is_exit_code_1(tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = shots(4)
    for shot in images:
        shot.changes = {"encoding": "nonesuch"}
    code, err = replay(capsys, write_bag(tmp_path / "bag", images), "--out", tmp_path / "out", "--bundle", bundle)
    assert code == 1
    assert "4 of 4 images were rejected: BAD_ENCODING 4" in err
    assert "nothing could be judged" in err.splitlines()[-1]


def test_one_recording_of_several_of_which_nothing_can_be_judged_is_named(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = shots(4), shots(4)
    for shot in bad:
        shot.changes = {"encoding": "nonesuch"}
    bags = [write_bag(tmp_path / "good", good), write_bag(tmp_path / "bad", bad)]
    code, err = replay(capsys, *bags, "--out", tmp_path / "out", "--bundle", bundle)
    assert code == 1
    assert err.splitlines()[-1].endswith("no image was usable: bad /camera/image_raw")


def test_stamps_of_zero_are_told_and_the_times_of_recording_can_be_used(
    tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = shots(6)
    for shot in images:
        shot.stamp_ns = 0
    bag = write_bag(tmp_path / "bag", images)
    code, err = replay(capsys, bag, "--out", tmp_path / "zero", "--bundle", bundle)
    assert code == 1
    assert "--stamps recorded" in err
    code, err = replay(capsys, bag, "--out", tmp_path / "out", "--bundle", bundle, "--stamps", "recorded")
    assert (code, err) == (0, "")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["metrics"]["processed"] == 6
    assert summary["input"]["rate_hz"] == pytest.approx(10.0)


def test_another_kind_of_stamp_is_refused(tmp_path: Path, bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, err = replay(capsys, tmp_path, "--out", tmp_path / "out", "--bundle", bundle, "--stamps", "now")
    assert (code, err) == (2, "trustseg: --stamps now, expected header or recorded\n")
