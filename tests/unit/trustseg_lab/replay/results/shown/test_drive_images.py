# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Which frames of a drive are kept as pictures, by hand, and the film of all of them."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from trustseg.imaging.colours import ClassColours
from trustseg_lab.replay.results.shown.drive_images import DriveImages
from trustseg_lab.replay.results.shown.event_images import Moment
from trustseg_lab.replay.results.shown.overlay_film import BAR_ROWS, OverlayFilm

PAINTER = ClassColours([(128, 128, 128), (128, 64, 128)], "bgr")


def moment(number: int, *, rejected: bool = False) -> Moment:
    image = None if rejected else np.full((25, 33, 3), 10 * number, np.uint8)
    labels = None if rejected else np.zeros((25, 33), np.uint8)
    return Moment(number + 1, number * 10**8, "OK", "", image, labels, labels)


def kept(folder: Path, frames: int, most: int, expected: int = 0) -> list[int]:
    """Numbers from 0 of the frames that are kept, and that their files and no others are there."""
    pictures = DriveImages(folder, PAINTER, most, expected)
    for number in range(frames):
        pictures.add(moment(number))
    pictures.finish()
    if not folder.exists():
        return []
    listed = json.loads((folder / "frames.json").read_text())
    named = {name for frame in listed for name in frame["pictures"].values()}
    assert {path.name for path in folder.iterdir()} == named | {"frames.json"}
    return [frame["seq"] - 1 for frame in listed]


@pytest.mark.parametrize(
    ("frames", "most", "expected", "numbers"),
    [
        (3, 4, 0, [0, 1, 2]),
        (4, 4, 0, [0, 1, 2, 3]),
        (5, 4, 0, [0, 2, 4]),  # a fifth one: every second
        (9, 4, 0, [0, 4, 8]),  # of 0, 2, 4, 6, 8 every second again
        (10, 4, 10, [0, 3, 6, 9]),  # known before: every third
        (20, 4, 10, [0, 6, 12, 18]),  # more than was said
        (7, 0, 0, []),
        (7, 1, 0, [0]),
    ],
)
def test_frames_are_spread_over_the_drive(
    tmp_path: Path, frames: int, most: int, expected: int, numbers: list[int]
) -> None:
    assert kept(tmp_path / "drive", frames, most, expected) == numbers


def test_a_rejected_frame_is_listed_without_pictures(tmp_path: Path) -> None:
    pictures = DriveImages(tmp_path / "drive", PAINTER, 5)
    pictures.add(moment(0, rejected=True))
    pictures.add(moment(1))
    pictures.finish()
    listed = json.loads((tmp_path / "drive" / "frames.json").read_text())
    assert [sorted(each["pictures"]) for each in listed] == [[], ["camera", "confidence", "mask"]]


def test_the_film_has_a_frame_for_each_and_a_bar_of_the_flag(tmp_path: Path) -> None:
    film = OverlayFilm(tmp_path / "overlay.mp4", PAINTER, 10.0)
    film.add(moment(0, rejected=True), True)  # nothing to show yet
    for number, failure, rejected in ((9, False, False), (9, True, False), (9, True, True)):
        film.add(moment(number, rejected=rejected), failure)
    film.close()
    with av.open(str(tmp_path / "overlay.mp4")) as container:
        assert container.streams.video[0].average_rate == 10
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert [frame.shape for frame in frames] == [(24, 32, 3)] * 3
    green, red, dark = (frame[: BAR_ROWS - 2].mean(axis=(0, 1)) for frame in frames)
    assert green[1] > green[0] + 50
    assert red[0] > red[1] + 50
    assert dark[0] > dark[1] + 50
    assert frames[2][BAR_ROWS + 4 :].mean() < 0.5 * frames[1][BAR_ROWS + 4 :].mean()


def test_a_drive_without_an_image_makes_no_film(tmp_path: Path) -> None:
    film = OverlayFilm(tmp_path / "overlay.mp4", PAINTER, 10.0)
    film.add(moment(0, rejected=True), True)
    film.close()
    assert not (tmp_path / "overlay.mp4").exists()
