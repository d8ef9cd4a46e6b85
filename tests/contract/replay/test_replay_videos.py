# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Videos as recordings: turned ones, and those that are cut off."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from bag_factory import HEIGHT, WIDTH, shots, write_video
from bundle_factory import make_tiny_bundle
from replay_runs import run
from trustseg.reasons import Reason
from trustseg_lab.recordings.video.film import VideoSource
from trustseg_lab.recordings.video.video_messages import FOXGLOVE
from video_packets import KEY_EVERY, packets, write_video_bag


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


def test_a_lost_packet_of_a_bag_is_a_reason_until_the_next_key_frame(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = shots(25)
    sent: list[bytes | None] = list(packets([shot.image for shot in images], "h264"))
    sent[4] = None
    bag = write_video_bag(tmp_path / "bag", images, FOXGLOVE, sent, "h264")
    bundle = make_tiny_bundle(tmp_path / "bundle", height=HEIGHT, width=WIDTH)
    assert run(bundle, tmp_path / "out", [bag]) == 0
    table = pq.read_table(next((tmp_path / "out").rglob("frames.parquet"))).to_pydict()
    broken = [Reason.BAD_IMAGE.name in reasons for reasons in table["reasons"]]
    assert broken == [4 <= index < KEY_EVERY - 1 for index in range(24)]
    assert json.loads(next((tmp_path / "out").rglob("summary.json")).read_text())
    assert "5 messages of /camera/video give no picture: a packet was lost" in capsys.readouterr().err
