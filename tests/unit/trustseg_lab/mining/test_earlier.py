# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Labels that people corrected, and files that they put beside them, are not lost to a second `trustseg mine`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from bundle_factory import make_tiny_bundle, paint_scene
from trustseg.errors import InputError
from trustseg_lab.mining.mine import MiningRequest, mine
from trustseg_lab.replay.job import ReplayOptions


@pytest.fixture
def request_(tmp_path: Path) -> MiningRequest:
    """Mined once, two frames."""
    drive = tmp_path / "drive"
    drive.mkdir()
    for number in range(2):
        picture = np.roll(paint_scene(144, 192), 60 * number, axis=1)
        cv2.imwrite(str(drive / f"{number}.png"), np.clip(picture.astype(int) + 20 * number, 0, 255))
    bundle = make_tiny_bundle(tmp_path / "tiny", height=72, width=96)
    options = ReplayOptions(bundle=str(bundle), backend="onnxruntime", allow_resolution_change=True)
    made = MiningRequest(inputs=(drive,), out=tmp_path / "out", options=options, exports=("cvat",))
    assert len(mine(made)["frames"]) == 2
    return made


def test_what_nobody_touched_is_replaced(request_: MiningRequest) -> None:
    assert len(mine(request_)["frames"]) == 2


@pytest.mark.parametrize("removed", [False, True])
def test_corrected_labels_are_kept(removed: bool, request_: MiningRequest) -> None:
    label = sorted((request_.out / "labels").iterdir())[1]
    if removed:
        label.unlink()
    else:
        cv2.imwrite(str(label), np.zeros((144, 192), np.uint8))
    left = sorted(request_.out.rglob("*"))
    with pytest.raises(InputError, match=r"1 of 2 labels were corrected by hand.*another --out"):
        mine(request_)
    assert sorted(request_.out.rglob("*")) == left


@pytest.mark.parametrize("removed", [False, True])
def test_exported_files_that_people_worked_on_are_kept(removed: bool, request_: MiningRequest) -> None:
    file = request_.out / "cvat" / "annotations.xml"
    if removed:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes() + b"\n")
    with pytest.raises(InputError, match=r"cvat/annotations.xml, which was exported, was changed or removed.*another"):
        mine(request_)


def test_what_is_corrected_during_the_work_is_kept(request_: MiningRequest) -> None:
    label = min((request_.out / "labels").iterdir())

    def work(step: str, done: int, count: int) -> None:
        label.write_bytes(b"corrected")

    with pytest.raises(InputError, match=r"1 of 2 labels were corrected.*the new results are whole in ") as told:
        mine(request_, work)
    assert label.read_bytes() == b"corrected"
    (finished,) = request_.out.parent.glob(".out.partial-*")
    assert str(finished) in str(told.value)
    assert (finished / "mined.json").is_file()


def test_labels_are_kept_where_the_run_that_replaced_them_was_killed(request_: MiningRequest) -> None:
    label = min((request_.out / "labels").iterdir())
    label.write_bytes(b"corrected")
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    request_.out.rename(request_.out.with_name(f".out.old-{process.pid}"))
    with pytest.raises(InputError, match="corrected by hand"):
        mine(request_)
    assert label.read_bytes() == b"corrected"


@pytest.mark.parametrize("name", ["labels/own.png", "cvat/own.xml"])
def test_a_file_of_someone_else_is_kept(name: str, request_: MiningRequest) -> None:
    (request_.out / name).write_bytes(b"x")
    with pytest.raises(InputError, match=rf"holds {name}, which the earlier run did not write"):
        mine(request_)


def test_results_of_an_earlier_version_are_kept(request_: MiningRequest) -> None:
    path = request_.out / "mined.json"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "export_sha256": None}))
    with pytest.raises(InputError, match="whether labels were corrected is not known"):
        mine(request_)
    for row in document["frames"]:
        del row["label_sha256"]
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="whether labels were corrected is not known"):
        mine(request_)
    path.write_text("{}")
    with pytest.raises(InputError, match=r"mined.json cannot be read"):
        mine(request_)
