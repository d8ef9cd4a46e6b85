# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""The folder of `trustseg mine` as those who learn from it read it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from trustseg.errors import InputError
from trustseg_lab.data.mined_set import VOID, read_mined


@pytest.fixture
def mined(tmp_path: Path) -> Path:
    """Two frames of two classes, the second one first by its worth."""
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
        for file in ("0000_drive_7.png", "0001_drive_3.png"):
            cv2.imwrite(str(tmp_path / name / file), np.zeros((4, 6), np.uint8))
    classes = [{"id": k, "name": n, "color": [k, 0, 0], "is_foreground": False} for k, n in enumerate(("sky", "road"))]
    (tmp_path / "classes.json").write_text(json.dumps({"void": VOID, "classes": classes}))
    (tmp_path / "mined.json").write_text("{}")
    return tmp_path


def test_frames_come_in_order_of_their_worth(mined: Path) -> None:
    found = read_mined(mined)
    assert [each.image.name for each in found.pairs] == ["0000_drive_7.png", "0001_drive_3.png"]
    assert [each.labels.parent.name for each in found.pairs] == ["labels", "labels"]
    assert found.classes.void == VOID
    found.check_classes(["sky", "road"], "own")


def test_what_does_not_fit_is_told(mined: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="other classes than bundle own, expected road, sky, got sky, road"):
        read_mined(mined).check_classes(["road", "sky"], "own")
    with pytest.raises(InputError, match=r"holds no mined frames, expected a folder with mined\.json"):
        read_mined(mined / "images")
    (mined / "labels" / "0001_drive_3.png").unlink()
    with pytest.raises(InputError, match="0001_drive_3"):
        read_mined(mined)
