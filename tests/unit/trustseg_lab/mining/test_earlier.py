# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Labels that people corrected, and files that they put beside them, are not lost to a second `trustseg mine`."""

from __future__ import annotations

import json
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


def test_a_file_of_someone_else_is_kept(request_: MiningRequest) -> None:
    (request_.out / "labels" / "own.png").write_bytes(b"x")
    with pytest.raises(InputError, match=r"holds labels/own.png, which the earlier run did not write"):
        mine(request_)


def test_results_of_an_earlier_version_are_kept(request_: MiningRequest) -> None:
    path = request_.out / "mined.json"
    document = json.loads(path.read_text())
    for row in document["frames"]:
        del row["label_sha256"]
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match="whether labels were corrected is not known"):
        mine(request_)
    path.write_text("{}")
    with pytest.raises(InputError, match=r"mined.json cannot be read"):
        mine(request_)
