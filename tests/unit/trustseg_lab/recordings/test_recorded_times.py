# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Times of recording that cannot be, or that go back: left out and counted, or moved on, in every reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bag_factory import FIRST_NS, PERIOD_NS, TOPIC, Shot, bag_file, shots, write_bag, write_ros1, write_unindexed
from bundle_factory import make_tiny_bundle
from trustseg.backends import create_backend
from trustseg.bounds import SECOND
from trustseg.bundle.loading import load_bundle
from trustseg.pipeline import Pipeline
from trustseg_lab.harness.footage import Footage
from trustseg_lab.mining.candidates import engine_config, frames_of
from trustseg_lab.recordings.bag import Bag
from trustseg_lab.recordings.onward_time import OnwardTime
from trustseg_lab.recordings.sources import BagSource
from trustseg_lab.recordings.storage import LATEST_NS
from trustseg_lab.replay.job import ReplayJob, ReplayOptions
from trustseg_lab.tools.player import Player, PlayOptions

LATE_NS = 2_200_000_000 * SECOND  # in 2039, beyond any stamp of ROS
TOLD = "the times of recording go back by 3600 s behind 3 messages: what follows is taken a period later"
WRITERS: dict[str, Callable[[Path, Sequence[Shot]], Path]] = {
    "mcap": lambda folder, images: bag_file(write_bag(folder, images)),
    "mcap without an index": lambda folder, images: write_unindexed(folder.with_suffix(".mcap"), images),
    "sqlite3": lambda folder, images: bag_file(write_bag(folder, images, mcap=False)),
    "ROS 1": lambda folder, images: write_ros1(folder.with_suffix(".bag"), images),
}


@pytest.fixture
def behind(tmp_path: Path) -> Path:
    """Six images; the recorder's clock was set back by an hour and a period behind the third."""
    images = shots(6)
    for shot in images[3:]:
        shot.time_ns -= 3600 * SECOND + PERIOD_NS
    return write_unindexed(tmp_path / "behind.mcap", images)


@pytest.mark.parametrize("form", WRITERS)
def test_a_time_that_cannot_be_is_left_out_and_counted(form: str, tmp_path: Path) -> None:
    """The annotated bag ended in a struct.error."""
    images = shots(4)
    images[1].time_ns, images[3].time_ns = LATE_NS, LATE_NS + 1
    bag = Bag(WRITERS[form](tmp_path / "bag", images))
    for _ in range(2):
        found = [each.time_ns for each in bag.messages([TOPIC])]
        assert found == [images[0].time_ns, images[2].time_ns]
        assert [line for line in bag.losses if "no index" not in line] == [
            "2 messages are left out: their time of recording is not within 1970 to 2038"
        ]
    bag.close()


def test_a_time_before_1970_is_one_that_cannot_be(tmp_path: Path) -> None:
    images = shots(3)
    images[0].time_ns = -1
    bag = Bag(WRITERS["sqlite3"](tmp_path / "bag", images))
    assert len(list(bag.messages([TOPIC]))) == 2
    assert "1 messages are left out" in bag.losses[0]


@given(st.lists(st.integers(0, LATEST_NS), min_size=1, max_size=30), st.integers(1, SECOND))
def test_time_never_goes_back_and_steps_forward_stay(recorded: list[int], period_ns: int) -> None:
    onward = OnwardTime(period_ns)
    found = [onward.of(each) for each in recorded]
    assert found[0] == recorded[0]
    for (a, b), (was, now) in zip(pairwise(recorded), pairwise(found), strict=True):
        assert now >= was
        if b < a - period_ns:
            assert now - was <= period_ns
        if b >= a:
            assert now - was <= b - a
    assert bool(onward.told()) == bool(onward.offset_ns)


def test_jitter_within_a_period_moves_nothing() -> None:
    onward = OnwardTime(100)
    assert [onward.of(each) for each in (1000, 1100, 1090, 1200, 1150, 1300)] == [1000, 1100, 1100, 1200, 1200, 1300]
    assert onward.told() == []


def test_several_times_are_one_line() -> None:
    onward = OnwardTime(SECOND)
    assert [onward.of(each * SECOND) for each in (10, 11, 1, 2, 0)] == [each * SECOND for each in (10, 11, 12, 13, 14)]
    assert onward.told() == [
        "the times of recording go back 2 times, first by 10 s behind 2 messages: what follows is taken a period later"
    ]


def test_footage_whose_clock_was_set_back_is_as_long_as_it_was(behind: Path) -> None:
    footage = Footage(BagSource(behind, TOPIC), 10.0)
    assert [round(each.time_s, 3) for each in footage.frames()] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert footage.notes()[-1] == TOLD


def test_frames_to_label_are_all_looked_at(behind: Path, tmp_path: Path) -> None:
    make_tiny_bundle(tmp_path / "tiny")
    options = ReplayOptions(bundle=str(tmp_path / "tiny"), backend="onnxruntime", threads=1)
    bundle = load_bundle(tmp_path / "tiny")
    pipeline = Pipeline(bundle, create_backend("onnxruntime", bundle, threads=1), config=engine_config())
    found = list(frames_of(ReplayJob(behind, TOPIC, "", options), pipeline))
    pipeline.close()
    assert [number for number, _ in found] == [0, 1, 2, 3, 4, 5]


def test_the_player_leaves_nothing_out_and_keeps_the_pace(behind: Path) -> None:
    """All behind the setback was "before the start", and nothing of it was published."""
    player = object.__new__(Player)
    player.options, player._bag, player._outs, player._kept = PlayOptions(behind), Bag(behind), {TOPIC: None}, {}
    found = list(player._chosen())
    assert [(time_ns - FIRST_NS) // PERIOD_NS for _, time_ns, _ in found] == [0, 1, 2, 3, 4, 5]
    assert not any(latched for _, _, latched in found)
    player._bag.close()
