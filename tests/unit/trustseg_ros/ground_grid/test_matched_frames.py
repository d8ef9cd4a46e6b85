# SPDX-FileCopyrightText: 2026 TrustSeg maintainers
# SPDX-License-Identifier: Apache-2.0
"""Three parts of one stamp, in any order, make a frame; parts of different frames never do."""

from __future__ import annotations

import itertools
import zlib
from types import SimpleNamespace
from typing import Any

import pytest

from trustseg.errors import InputError
from trustseg.reasons import Reason, Severity
from trustseg_ros.ground_grid.matched_frames import MatchedFrames, pixels_of
from trustseg_ros.planner import matched_outputs
from trustseg_ros.planner.matched_outputs import MOST_WAITING

MS, SECOND = 1_000_000, 1_000_000_000
OWN, OTHER = 7, 8  # hosts


@pytest.fixture(autouse=True)
def _sealed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matched_outputs, "is_intact", lambda message: message.intact)


def parts(stamp: int, data: bytes = b"mask", crc_of: bytes | None = None, **published: Any) -> dict[str, Any]:
    header = SimpleNamespace(stamp=SimpleNamespace(sec=stamp, nanosec=0))
    crc = zlib.crc32(data if crc_of is None else crc_of)
    return {
        "mask": SimpleNamespace(header=header, data=data),
        "confidence": SimpleNamespace(header=header, data=b"sure"),
        "status": SimpleNamespace(
            **{
                "header": header,
                "outcome": 0,
                "mask_crc32": crc,
                "intact": True,
                "instance_id": 1,
                "host_id": OWN,
                "publish_steady_ns": 0,
                **published,
            }
        ),
    }


@pytest.mark.parametrize("order", list(itertools.permutations(("mask", "confidence", "status"))))
def test_the_last_part_completes_the_frame(order: tuple[str, ...]) -> None:
    frames, made = MatchedFrames(), parts(5)
    got = [frames.take(name, made[name]) for name in order]
    assert got == [None, None, (made["mask"], made["confidence"], made["status"])]


def test_a_mask_of_another_frame_is_never_handed_out() -> None:
    frames, made = MatchedFrames(), parts(5, crc_of=b"other")
    assert [frames.take(name, made[name]) for name in ("status", "confidence", "mask")] == [None] * 3
    assert "another frame" in frames.match.problem


def test_parts_of_two_frames_are_kept_apart_and_old_ones_dropped() -> None:
    frames, first, second = MatchedFrames(), parts(5), parts(6)
    assert frames.take("mask", first["mask"]) is None
    assert frames.take("mask", second["mask"]) is None
    assert frames.take("status", second["status"]) is None
    assert frames.take("confidence", second["confidence"]) is not None
    # What comes late of the first one is not a frame any more.
    assert frames.take("confidence", first["confidence"]) is None
    assert frames.take("status", first["status"]) is None


def test_what_never_becomes_complete_is_bounded() -> None:
    frames = MatchedFrames()
    for stamp in range(3 * MOST_WAITING):
        assert frames.take("mask", parts(stamp + 1)["mask"]) is None
        assert frames.take("status", parts(stamp + 1)["status"]) is None
    assert len(frames._parts) == len(frames._published) == MOST_WAITING


def take_all(frames: MatchedFrames, made: dict[str, Any]) -> Any:
    """What is handed out with the last part of a frame."""
    *first, last = [frames.take(name, made[name]) for name in ("mask", "confidence", "status")]
    assert first == [None, None]
    return last


def test_frames_are_handed_out_again_from_the_second_on_after_stamps_stepped_back() -> None:
    frames = MatchedFrames()
    for first, *others in ((5000, 5001), (1400, 1402, 1403), (1300, 1301)):
        if first < 5000:
            assert take_all(frames, parts(first)) is None
        for stamp in others:
            made = parts(stamp)
            assert take_all(frames, made) == (made["mask"], made["confidence"], made["status"])
    assert frames._parts == frames._published == {}


def test_one_frame_of_long_ago_is_never_handed_out() -> None:
    frames = MatchedFrames()
    for stamp in (5000, 5001, 5002):
        assert take_all(frames, parts(stamp)) is not None
        assert take_all(frames, parts(1400)) is None
    published_ns = frames.published_ns
    assert take_all(frames, parts(1400)) is None
    assert frames.published_ns == published_ns


def test_who_joins_a_stream_of_late_masks_is_handed_its_frames() -> None:
    frames, late, handed = MatchedFrames(), 7, 0
    for stamp in range(100, 200):
        for name in ("status", "confidence"):
            assert frames.take(name, parts(stamp)[name]) is None
        found = frames.take("mask", parts(stamp - late)["mask"])
        handed += found is not None
    assert handed == 100 - late


def test_a_frame_was_published_when_its_status_says_so_however_late_it_is_complete() -> None:
    now = [0]
    frames, made = MatchedFrames(lambda: now[0], OWN), parts(5, publish_steady_ns=3 * SECOND)
    for at_s, name in ((4, "confidence"), (5, "status"), (9, "mask")):
        now[0] = at_s * SECOND
        frames.take(name, made[name])
    assert frames.published_ns == 3 * SECOND


def test_masks_that_are_always_late_do_not_hide_it_from_a_reader_on_another_host() -> None:
    """Its clock is told by the statuses, which are on time, and not by when frames are complete."""
    now = [0]
    frames, late = MatchedFrames(lambda: now[0], OWN), 3
    made = [parts(5 + index, host_id=OTHER, publish_steady_ns=900 * SECOND + index * SECOND) for index in range(9)]
    for index, each in enumerate(made):
        now[0] = index * SECOND + 40 * MS
        frames.take("status", each["status"])
        frames.take("confidence", each["confidence"])
        if index >= late:
            assert frames.take("mask", made[index - late]["mask"]) is not None
            assert now[0] - frames.published_ns >= late * SECOND - MS


def test_an_altered_status_tells_no_time() -> None:
    now = [SECOND]
    frames = MatchedFrames(lambda: now[0], OWN)
    frames.take("status", parts(5, host_id=OTHER, publish_steady_ns=50 * SECOND)["status"])
    # As if of another writer, which would begin anew.
    altered = parts(6, host_id=OTHER, publish_steady_ns=50 * SECOND, instance_id=2, intact=False)["status"]
    frames.take("status", altered)
    now[0] = 3 * SECOND
    made = parts(7, host_id=OTHER, publish_steady_ns=50 * SECOND)
    assert [frames.take(name, made[name]) for name in ("mask", "confidence", "status")][-1] is not None
    assert frames.published_ns <= SECOND + MS


def frame(severity: Severity = Severity.GOOD, **confidence: Any) -> tuple[Any, Any, Any]:
    mask = SimpleNamespace(height=2, width=3, data=bytes(range(6)))
    sure = SimpleNamespace(**{"height": 2, "width": 3, "data": bytes(range(10, 16)), **confidence})
    return mask, sure, SimpleNamespace(severity=int(severity), reasons=int(Reason.FROZEN | Reason.DARK))


@pytest.mark.parametrize("severity", [Severity.GOOD, Severity.SOFT])
def test_the_pixels_of_a_frame_that_the_flag_is_not_raised_for_at_once(severity: Severity) -> None:
    labels, sure = pixels_of(*frame(severity))
    assert labels.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert sure.tolist() == [[10, 11, 12], [13, 14, 15]]


@pytest.mark.parametrize("severity", [Severity.HARD, Severity.LATCH])
def test_a_frame_whose_own_status_condemns_it_waits_for_no_flag(severity: Severity) -> None:
    with pytest.raises(InputError, match=r"the newest frame is not good: .*FROZEN"):
        pixels_of(*frame(severity))


@pytest.mark.parametrize(
    ("confidence", "line"),
    [
        ({"width": 2}, "differ in size"),
        ({"data": b"short"}, "pixels of the confidence, expected 6, got 5"),
        ({"data": bytes(7)}, "pixels of the confidence, expected 6, got 7"),
    ],
)
def test_maps_that_are_not_what_they_say_are_refused(confidence: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError, match=line):
        pixels_of(*frame(**confidence))
