# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Video in bags: every picture as it was sent, and none behind a packet that is lost or broken."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bag_factory import shots
from trustseg.bounds import derive_bounds
from trustseg.errors import FrameRejected
from trustseg.frames import FrameIntake, IntakeConfig
from trustseg.reasons import Mode, Reason
from trustseg_lab.recordings.recorded_image import RecordedImage, stamp_ns_of
from trustseg_lab.recordings.sources import open_sources
from trustseg_lab.recordings.video.video_messages import FFMPEG, FOXGLOVE, VideoDecoder, coding_of
from video_packets import COMPRESSED, KEY_EVERY, packets, write_video_bag

SHOTS = shots(25)
# The scene passes by, so that each picture is of one moment.
IMAGES = [np.roll(shot.image, 4 * index, axis=1) for index, shot in enumerate(SHOTS)]
LOSS = 4


@pytest.fixture(scope="module")
def encoded() -> dict[str, list[bytes]]:
    return {coding: packets(IMAGES, coding) for coding in ("h264", "hevc")}


def given(coding: str, sent: Sequence[bytes | None]) -> list[np.ndarray | None]:
    """What the decoder makes of packets, of which None are lost."""
    decoder = VideoDecoder(coding)
    return [decoder.picture(each) for each in sent if each is not None]


def without(pictures: Sequence[Any]) -> list[int]:
    return [index for index, picture in enumerate(pictures) if picture is None]


@pytest.mark.parametrize("coding", ["h264", "hevc"])
def test_every_packet_gives_its_own_picture(encoded: dict[str, list[bytes]], coding: str) -> None:
    found = given(coding, encoded[coding])
    assert without(found) == []
    for picture, image in zip(found, IMAGES, strict=True):
        error = np.abs(picture[..., ::-1].astype(int) - image).mean()
        others = min(np.abs(picture[..., ::-1].astype(int) - other).mean() for other in IMAGES if other is not image)
        assert error < 20
        assert error < others


@pytest.mark.parametrize("coding", ["h264", "hevc"])
def test_behind_a_lost_or_broken_packet_there_is_none_until_the_next_key_frame(
    encoded: dict[str, list[bytes]], coding: str
) -> None:
    sent = encoded[coding]
    lost = [None if index == LOSS else packet for index, packet in enumerate(sent)]
    assert without(given(coding, lost)) == list(range(LOSS, KEY_EVERY - 1))  # one packet less
    broken = [packet[: len(packet) // 3] if index == LOSS else packet for index, packet in enumerate(sent)]
    assert without(given(coding, broken)) == list(range(LOSS, KEY_EVERY))
    assert without(given(coding, sent[LOSS:])) == list(range(KEY_EVERY - LOSS))


def test_a_camera_that_says_how_to_decode_once_is_decoded_after_a_loss_too() -> None:
    sent: list[bytes | None] = list(packets(IMAGES, "h264", once=True))
    assert without(given("h264", sent)) == []
    sent[LOSS] = None
    assert without(given("h264", sent)) == list(range(LOSS, KEY_EVERY - 1))


@pytest.mark.parametrize("coding", ["h264", "hevc"])
@pytest.mark.parametrize(("first", "count", "key_every"), [(4, 10, 10), (4, 16, 30), (12, 20, 10), (2, 10, 10)])
def test_as_many_lost_packets_as_the_numbers_repeat_after_smear_nothing(
    coding: str, first: int, count: int, key_every: int
) -> None:
    """A whole group, or 16 packets of a long one: the next number is the one that was expected."""
    scenes = [np.roll(SHOTS[0].image, 4 * index, axis=1) for index in range(40)]
    sent = packets(scenes, coding, key_every=key_every)
    decoder, whole = VideoDecoder(coding), VideoDecoder(coding)
    period_ns = 10**8
    for index, packet in enumerate(sent):
        expected = whole.picture(packet, index * period_ns)
        assert expected is not None
        if not first <= index < first + count:
            found = decoder.picture(packet, index * period_ns)
            assert found is None or np.array_equal(found, expected), index
            is_behind = first + count <= index < (first + count) // key_every * key_every + key_every
            assert (found is None) == (is_behind and (first + count) % key_every != 0), index


def test_bytes_that_are_no_video_give_no_picture() -> None:
    for coding in ("h264", "hevc"):
        nonsense = [b"", b"\x00\x00\x01", b"\x00\x00\x01\x65\xff", bytes(1000), b"\x00\x00\x01\x26\x01" + bytes(99)]
        assert without(given(coding, nonsense)) == list(range(5))


@pytest.mark.parametrize(
    ("named", "coding"),
    [("h264", "h264"), ("H265", "hevc"), ("hevc;yuv420p;bgr8", "hevc"), ("libx264", "h264"), ("h264_nvenc", "h264"),
     ("rgb8; jpeg compressed bgr8", None), ("png", None), ("", None), ("av1", None)],
)  # fmt: skip
def test_codings_go_by_many_names(named: str, coding: str | None) -> None:
    assert coding_of(named) == coding


def read(bag: Path) -> tuple[list[RecordedImage], list[str]]:
    (source,) = open_sources(bag, (), every_topic=False, rate_hz=None)
    try:
        return list(source.images()), source.losses
    finally:
        source.close()


@pytest.mark.parametrize(
    ("kind", "coding", "named"),
    [(FOXGLOVE, "h264", "h264"), (FFMPEG, "hevc", "hevc;yuv420p;bgr8;bgr8"), (COMPRESSED, "h264", "h264")],
)
def test_a_bag_of_video_is_a_camera(
    tmp_path: Path, encoded: dict[str, list[bytes]], kind: str, coding: str, named: str
) -> None:
    sent: list[bytes | None] = list(encoded[coding])
    sent[LOSS] = None
    images, losses = read(write_video_bag(tmp_path / "bag", SHOTS, kind, sent, named))
    kept = [shot for index, shot in enumerate(SHOTS) if index != LOSS]
    assert [stamp_ns_of(each.message) for each in images] == [shot.stamp_ns for shot in kept]
    assert {each.message.header.frame_id for each in images} == {"front"}
    refused = [each for each in images if each.compressed]
    assert [each.index for each in refused] == list(range(LOSS, KEY_EVERY - 1))
    assert all((each.message.height, each.message.width) == (72, 96) for each in images if not each.compressed)
    (line,) = losses
    assert line.startswith("5 messages of /camera/video give no picture: a packet")
    assert "from message 4 on" in line
    # The node's own check refuses them: they count, and nothing is segmented.
    intake = FrameIntake(IntakeConfig(Mode.REPLAY, True, 1 << 20, False), derive_bounds(10**8, 10**8))
    with pytest.raises(FrameRejected) as caught:
        intake.check(refused[0].message, 0, 0)
    assert Reason(caught.value.reason) == Reason.BAD_IMAGE


def test_a_coding_that_is_not_decoded_is_said(tmp_path: Path, encoded: dict[str, list[bytes]]) -> None:
    images, losses = read(write_video_bag(tmp_path / "bag", SHOTS, FOXGLOVE, encoded["h264"], "vp9"))
    assert all(each.compressed for each in images)
    assert "coding 'vp9' is not decoded here" in losses[0]
