# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Videos as recordings: turned ones, and those that are cut off."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from bag_factory import write_video
from trustseg_lab.recordings.film import VideoSource


def test_a_video_stands_upright_as_its_player_would_show_it(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.mp4", 3).read_bytes()
    plain = np.array([1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30], ">i4").tobytes()
    turned = np.array([0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30], ">i4").tobytes()
    at = data.index(plain, data.index(b"tkhd"))  # of the track, after that of the film
    (tmp_path / "b.mp4").write_bytes(data[:at] + turned + data[at + len(plain) :])
    (upright, *_), (lying, *_) = (
        [np.asarray(i.message.data).reshape(i.message.height, i.message.width, 3) for i in VideoSource(p).images()]
        for p in (tmp_path / "a.mp4", tmp_path / "b.mp4")
    )
    assert np.array_equal(lying, np.rot90(upright, -1))  # a quarter to the right


def test_a_video_that_is_cut_off_is_told_also_where_its_frames_are_not_counted(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", 40)
    whole = VideoSource(path)
    assert len(list(whole.images())) == 40
    assert whole.losses == []
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    cut = VideoSource(path)
    assert 0 < len(list(cut.images())) < 30
    assert re.fullmatch(r"a\.mkv ends after \d\.\d of 4\.0 s", cut.losses[0])
